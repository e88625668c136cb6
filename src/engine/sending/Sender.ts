/**
 * Sends packets: bare, or with whatever gossip still fits.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { format, type PeerAddress } from "../../base/Address.ts"
import { NodeNameRequired, type TransportError } from "../../MemberlistError.ts"
import { isGone } from "../../swim/membership/Entry.ts"
import * as Encryption from "../../wire/Encryption.ts"
import * as Label from "../../wire/Label.ts"
import * as Message from "../../wire/message/Message.ts"
import * as Compound from "../../wire/packet/Compound.ts"
import * as Packet from "../../wire/packet/Packet.ts"
import { entryOf, type Node } from "../Node.ts"
import type { SendKind } from "../telemetry/Counters.ts"
import * as Broadcasts from "./Broadcasts.ts"

/** Whether what we send now is encrypted. */
export const encrypts = (node: Node): boolean =>
  node.config.gossipVerifyOutgoing && node.keyring.keysUnsafe().length > 0

/** The encryption to send with now, if any: the ring may gain its first key at any time. */
export const encryption = (node: Node): Encryption.Seal | undefined => {
  const key = node.keyring.keysUnsafe()[0]
  return key === undefined || !encrypts(node)
    ? undefined
    : { key, version: node.settings.encryptionVersion, nonce: node.nonce() }
}

/** Bytes that label and encryption add to a packet. */
const overhead = (node: Node) => ({
  udpBufferSize: node.config.udpBufferSize,
  labelLength: node.settings.label.length,
  encryptionOverhead: encrypts(node) ? Encryption.overhead(node.settings.encryptionVersion) : 0
})

/** The room for gossip in a packet of its own, bytes. */
export const gossipBudget = (node: Node): number => Packet.gossipBudget(overhead(node))

/** The room for gossip beside a message of `length` bytes. */
const directBudget = (node: Node, length: number): number =>
  Packet.directBudget({ ...overhead(node), messageLength: length })

/**
 * What `requireNodeNames` refuses: an address whose member is not known, for a transport that finds members by name.
 * Counted here, whoever asked; what is received is not restricted. memberlist: `errNodeNamesAreRequired`.
 */
export const nameMissing = (node: Node, to: PeerAddress): NodeNameRequired | undefined => {
  if (!node.config.requireNodeNames || (to.name !== undefined && to.name !== "")) return undefined
  node.counters.count("send.refused", "NodeNameRequired")
  return new NodeNameRequired({ address: format(to) })
}

/** Why a packet was not sent. */
export type SendError = TransportError | NodeNameRequired

/** Sends message bytes (type byte first) as one datagram. */
export const packet = (
  node: Node,
  to: PeerAddress,
  message: Uint8Array,
  crc: boolean
): Effect.Effect<void, SendError> =>
  Effect.suspend((): Effect.Effect<void, SendError> => {
    const refused = nameMissing(node, to)
    return refused === undefined ? datagram(node, to, message, crc) : Effect.fail(refused)
  })

const datagram = (
  node: Node,
  to: PeerAddress,
  message: Uint8Array,
  crc: boolean
): Effect.Effect<void, SendError> => {
  const bytes = Packet.encode(message, {
    label: node.settings.label,
    compress: node.config.enableCompression,
    crc,
    encryption: encryption(node)
  })
  node.counters.count("udp.sent", undefined, bytes.length - Label.overhead(node.settings.label.length))
  return node.transport.send(to, bytes)
}

/** Takes back what was noted as sent when it was drawn, where the transport does not send it. */
export const carrying =
  (node: Node, to: PeerAddress, messages: ReadonlyArray<Uint8Array>) =>
  <E>(sending: Effect.Effect<void, E>): Effect.Effect<void, E> =>
    Effect.onExit(
      sending,
      (exit) => exit._tag === "Success" ? Effect.void : Effect.sync(() => node.receipts.unsent(messages, to))
    )

/** Sends one message with as much gossip as fits behind it. */
export const withPiggyback = (
  node: Node,
  to: PeerAddress,
  message: Message.PacketMessage
): Effect.Effect<void, SendError> =>
  Effect.suspend((): Effect.Effect<void, SendError> => {
    // before gossip is drawn, which would count as sent
    const refused = nameMissing(node, to)
    if (refused !== undefined) return Effect.fail(refused)
    const first = Message.encode(message, node.writer)
    return Effect.flatMapEager(
      Broadcasts.draw(
        node,
        to,
        directBudget(node, first.length),
        Compound.MAX_PARTS - 1,
        message._tag === "Ping" ? message.seqNo : undefined
      ),
      (extra) =>
        extra.length === 0
          ? datagram(node, to, first, false)
          : carrying(node, to, extra)(datagram(node, to, Compound.make([first, ...extra]), false))
    )
  })

/** Counts and logs what could not be sent to `to`; one who is gone, as far as we know, is nothing to log. */
export const failed = (node: Node, what: SendKind, to: PeerAddress, error: SendError): Effect.Effect<void> =>
  Effect.suspend(() => {
    node.counters.count("send.failed", what)
    const member = to.name === undefined ? undefined : entryOf(node, to.name)
    if (member !== undefined && isGone(member)) return Effect.void
    return node.logs.write("SendFailed", { reason: what, peer: to, member: to.name, detail: error.message })
  })

/** Sends a message nobody waits for; a failure is counted and logged. */
export const orLog = (
  node: Node,
  what: SendKind,
  to: PeerAddress,
  effect: Effect.Effect<void, SendError>
): Effect.Effect<void> => Effect.catch(effect, (error) => failed(node, what, to, error))
