/**
 * The datagram pipeline, both ways.
 *
 * Outside in, a datagram is: label, encryption, checksum, compression, compound, message. Decoding never throws: what
 * is wrong becomes a `Rejection`, and a bad part of a compound costs only itself.
 *
 * @stability unstable
 * @since 0.1.0
 */
import {
  MAX_PACKET_DECOMPRESSED_BYTES,
  MAX_PACKET_ENTRIES,
  MAX_PACKET_MESSAGES,
  MAX_PACKET_NESTING
} from "../../base/Limits.ts"
import * as Compression from "../Compression.ts"
import * as Encryption from "../Encryption.ts"
import * as Label from "../Label.ts"
import * as Message from "../message/Message.ts"
import * as Rejection from "../message/Rejection.ts"
import { payload } from "../msgpack/MessagePackReader.ts"
import * as Checksum from "./Checksum.ts"
import * as Compound from "./Compound.ts"

/**
 * What this node accepts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Inbound extends Label.Expected {
  /** Primary first; empty when encryption is off. */
  readonly keys: ReadonlyArray<Uint8Array>
  /** Whether plaintext is refused while there are keys. memberlist: `GossipVerifyIncoming`. */
  readonly verifyIncoming: boolean
  /** Bytes that a datagram may decompress to; 256 KiB if absent. */
  readonly maxDecompressed?: number | undefined
  /**
   * Whether packets sealed with encryption version 0 are taken; not unless it says so. Their version byte and padding
   * are not authenticated, so that any packet can be made to look like one, and be cut short. Streams do not ask. Read
   * only for such a packet, and only when a key opens it.
   */
  readonly acceptsFirstCipher?: boolean
}

/**
 * What a datagram held.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decoded {
  /** In order. */
  readonly messages: ReadonlyArray<Message.PacketMessage>
  readonly rejections: ReadonlyArray<Rejection.Rejection>
  /** The key that opened it, if one did. */
  readonly key?: Uint8Array | undefined
  /** What it cost. */
  readonly work: Work
}

/**
 * What decoding a datagram cost, beside one pass over its bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Work {
  /** Values visited, at most `MAX_PACKET_ENTRIES`. */
  readonly entries: number
  /** Bytes decompressed, at most what the receiver allows. */
  readonly decompressed: number
}

/**
 * Decodes a datagram, whose memory must not be reused: a large user payload is a view of it. (Everything else is
 * copied.)
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (datagram: Uint8Array, inbound: Inbound): Decoded => {
  const label = Label.check(datagram, datagram.length, inbound)
  if (typeof label !== "number") return refused(label)
  let packet = label === 0 ? datagram : datagram.subarray(label)
  let key: Uint8Array | undefined
  if (inbound.keys.length > 0) {
    const opened = Encryption.unlock(packet, inbound.keys, inbound.label)
    if (typeof opened !== "string") {
      if (packet[0] === 0 && inbound.acceptsFirstCipher !== true) return { ...refused(firstCipher), key: opened.key }
      packet = opened.plain
      key = opened.key
    } else if (inbound.verifyIncoming) return refused(Rejection.make("Undecryptable", opened))
  }
  if (Checksum.isPresent(packet)) {
    const content = Checksum.verify(packet)
    if (content === undefined) return { ...refused(badChecksum), key }
    packet = content
  }
  const bytes = inbound.maxDecompressed ?? MAX_PACKET_DECOMPRESSED_BYTES
  const budget: Message.Budget = { entries: MAX_PACKET_ENTRIES, bytes }
  const decoding: Decoding = { messages: [], rejections: [], budget, expanded: false }
  dispatch(packet, 0, packet.length, 0, decoding)
  const { messages, rejections } = decoding
  return {
    messages,
    rejections,
    key,
    work: { entries: MAX_PACKET_ENTRIES - budget.entries, decompressed: bytes - budget.bytes }
  }
}

interface Decoding {
  readonly messages: Array<Message.PacketMessage>
  readonly rejections: Array<Rejection.Rejection>
  readonly budget: Message.Budget
  /** Whether what is read now came out of a compressed message. */
  expanded: boolean
}

const noWork: Work = { entries: 0, decompressed: 0 }

const refused = (rejection: Rejection.Rejection): Decoded => ({
  messages: [],
  rejections: [rejection],
  work: noWork
})

const isFull = ({ budget, messages, rejections }: Decoding): boolean =>
  messages.length + rejections.length >= MAX_PACKET_MESSAGES || budget.entries <= 0

/** Handles the message in `bytes[start..end)`, wrapped `depth` times; recursion ends at `MAX_PACKET_NESTING`. */
const dispatch = (bytes: Uint8Array, start: number, end: number, depth: number, decoding: Decoding): void => {
  const rejection = dispatchByType(bytes, start, end, depth, decoding)
  if (rejection !== undefined) decoding.rejections.push(rejection)
}

const dispatchByType = (
  bytes: Uint8Array,
  start: number,
  end: number,
  depth: number,
  decoding: Decoding
): Rejection.Rejection | undefined => {
  // A message costs an entry even when it is empty: a wrapper can hold thousands of those.
  decoding.budget.entries--
  if (start >= end) return noType
  const type = bytes[start] as number
  switch (type) {
    case Message.MessageType.Compound:
      return depth < MAX_PACKET_NESTING ? compound(bytes, start, end, depth, decoding) : tooDeep
    case Message.MessageType.Compress:
      // What was decompressed is not decompressed again: each round could cost as much as the first.
      return depth < MAX_PACKET_NESTING && !decoding.expanded
        ? compressed(bytes, start, end, depth, decoding)
        : tooDeep
    case Message.MessageType.User:
      decoding.messages.push({ _tag: "User", payload: payload(bytes, start + 1, end) })
      return undefined
  }
  const codec = Message.packetCodec(type)
  if (codec === undefined) return Rejection.make("UnsupportedType", `message type ${type} in a packet`)
  return push(decoding, Message.decodeBody(codec, bytes, start + 1, end, decoding.budget))
}

const push = (
  decoding: Decoding,
  message: Message.PacketMessage | Rejection.Rejection
): Rejection.Rejection | undefined => {
  if ("reason" in message) return message
  decoding.messages.push(message)
  return undefined
}

const compound = (
  bytes: Uint8Array,
  start: number,
  end: number,
  depth: number,
  decoding: Decoding
): Rejection.Rejection | undefined => {
  const { ends, first, rejection } = Compound.bounds(bytes, start, end)
  let at = first
  for (const next of ends) {
    if (isFull(decoding)) return decoding.rejections.includes(tooMany) ? undefined : tooMany
    dispatch(bytes, at, next, depth + 1, decoding)
    at = next
  }
  return rejection
}

const compressed = (
  bytes: Uint8Array,
  start: number,
  end: number,
  depth: number,
  decoding: Decoding
): Rejection.Rejection | undefined => {
  const { budget } = decoding
  const out = Compression.unwrap(bytes, start + 1, end, budget.bytes, budget)
  if (!(out instanceof Uint8Array)) {
    // Output that was produced and thrown away costs as much as output that is used.
    budget.bytes -= out.produced
    return out.rejection
  }
  budget.bytes -= out.length
  decoding.expanded = true
  dispatch(out, 0, out.length, depth + 1, decoding)
  decoding.expanded = false
  return undefined
}

const badChecksum = Rejection.make("ChecksumMismatch", "the checksum does not match")
const firstCipher = Rejection.make("FirstCipher", "encryption version 0, and no member speaks protocol version 1")
const noType = Rejection.make("Empty", "missing message type byte")
const tooDeep = Rejection.make(
  "TooDeep",
  `more than ${MAX_PACKET_NESTING} wrappers, or two compressed ones, in one another`
)
const tooMany = Rejection.make("TooMany", "more messages or values than any correct datagram")

/**
 * How this node sends to one destination.
 *
 * @category models
 * @since 0.1.0
 */
export interface Outbound {
  /** At most 255 bytes; empty for none. */
  readonly label: Uint8Array
  readonly compress: boolean
  /** Whether the destination is known to understand checksums (protocol version 5). */
  readonly crc: boolean
  readonly encryption: Encryption.Seal | undefined
}

/**
 * Makes a message (type byte first) into a datagram.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (message: Uint8Array, outbound: Outbound): Uint8Array => {
  let packet = outbound.compress ? Compression.wrapIfSmaller(message) : message
  if (outbound.crc) packet = Checksum.add(packet)
  if (outbound.encryption !== undefined) packet = Encryption.encrypt(packet, outbound.encryption, outbound.label)
  return Label.add(outbound.label, packet)
}

/**
 * What the budget of a packet depends on, bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface BudgetOptions {
  /** The size packets are packed to, before checksum and compression. memberlist: `UDPBufferSize`. */
  readonly udpBufferSize: number
  readonly labelLength: number
  /** `Encryption.overhead`, or 0 when encryption is off. */
  readonly encryptionOverhead: number
}

/**
 * The bytes that gossip may take in a packet of its own, where each message costs its length and
 * `Compound.PART_OVERHEAD`. Like the reference's, it does not count the checksum.
 *
 * @category getters
 * @since 0.1.0
 */
export const gossipBudget = (options: BudgetOptions): number =>
  options.udpBufferSize - Compound.HEADER_OVERHEAD - Label.overhead(options.labelLength) - options.encryptionOverhead

/**
 * The bytes that gossip may take beside a message of `messageLength` bytes.
 *
 * @category getters
 * @since 0.1.0
 */
export const directBudget = (options: BudgetOptions & { readonly messageLength: number }): number =>
  gossipBudget(options) - options.messageLength
