/**
 * Every message of the protocol, once, as a Schema. The codec is derived from these (`MessagePack`).
 *
 * Properties stand in the declaration order of the Go struct, which is the order of its array form; the map form is
 * written in ascending order of the Go names.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { MAX_MESSAGE_ENTRIES } from "../../base/Limits.ts"
import * as FieldCodec from "../msgpack/FieldCodec.ts"
import * as MessagePack from "../msgpack/MessagePack.ts"
import { type Failure, Reader } from "../msgpack/MessagePackReader.ts"
import { Writer } from "../msgpack/MessagePackWriter.ts"
import * as Rejection from "./Rejection.ts"

/**
 * The leading byte of a message. memberlist: `messageType`.
 *
 * @category constants
 * @since 0.1.0
 */
export const MessageType = {
  Ping: 0,
  IndirectPing: 1,
  Ack: 2,
  Suspect: 3,
  Alive: 4,
  Dead: 5,
  PushPull: 6,
  Compound: 7,
  User: 8,
  Compress: 9,
  Encrypt: 10,
  Nack: 11,
  HasCrc: 12,
  Error: 13,
  HasLabel: 244
} as const

/**
 * "Are you there?" Answered to the source if it is given, else to where the packet came from. memberlist: `ping`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Ping = Schema.TaggedStruct("Ping", {
  /** Echoed in the ack. */
  seqNo: FieldCodec.uint32("SeqNo"),
  /** Who is meant; empty for anyone. */
  node: FieldCodec.string("Node"),
  /** Empty when absent. */
  sourceAddr: FieldCodec.bytes("SourceAddr", { omitEmpty: true }),
  /** 0 when absent. */
  sourcePort: FieldCodec.uint16("SourcePort", { omitEmpty: true }),
  /** Empty when absent. */
  sourceNode: FieldCodec.string("SourceNode", { omitEmpty: true })
})
/** @since 0.1.0 */
export type Ping = typeof Ping.Type

/**
 * "Ping this one for me." memberlist: `indirectPingReq`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const IndirectPing = Schema.TaggedStruct("IndirectPing", {
  /** The asker's number, echoed in the relayed ack or nack. */
  seqNo: FieldCodec.uint32("SeqNo"),
  target: FieldCodec.bytes("Target"),
  /** 0 stands for the receiver's own bind port. */
  port: FieldCodec.uint16("Port"),
  node: FieldCodec.string("Node"),
  /** Whether a nack is wanted when the target does not answer. */
  nack: FieldCodec.boolean("Nack"),
  sourceAddr: FieldCodec.bytes("SourceAddr", { omitEmpty: true }),
  sourcePort: FieldCodec.uint16("SourcePort", { omitEmpty: true }),
  sourceNode: FieldCodec.string("SourceNode", { omitEmpty: true })
})
/** @since 0.1.0 */
export type IndirectPing = typeof IndirectPing.Type

/**
 * The answer to a ping, direct or relayed. memberlist: `ackResp`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Ack = Schema.TaggedStruct("Ack", {
  seqNo: FieldCodec.uint32("SeqNo"),
  payload: FieldCodec.nullableBytes("Payload")
})
/** @since 0.1.0 */
export type Ack = typeof Ack.Type

/**
 * "I asked, and it has not answered me either": the relay is fine. memberlist: `nackResp`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Nack = Schema.TaggedStruct("Nack", { seqNo: FieldCodec.uint32("SeqNo") })
/** @since 0.1.0 */
export type Nack = typeof Nack.Type

/**
 * "`from` did not hear from `node`." memberlist: `suspect`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Suspect = Schema.TaggedStruct("Suspect", {
  /** The incarnation that is accused. */
  incarnation: FieldCodec.uint32("Incarnation"),
  node: FieldCodec.string("Node"),
  from: FieldCodec.string("From")
})
/** @since 0.1.0 */
export type Suspect = typeof Suspect.Type

/**
 * "`node` is dead", or, with `from` equal to `node`, "I leave". memberlist: `dead`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Dead = Schema.TaggedStruct("Dead", {
  incarnation: FieldCodec.uint32("Incarnation"),
  node: FieldCodec.string("Node"),
  from: FieldCodec.string("From")
})
/** @since 0.1.0 */
export type Dead = typeof Dead.Type

/**
 * "`node` is alive, and this is where and what it is." memberlist: `alive`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Alive = Schema.TaggedStruct("Alive", {
  incarnation: FieldCodec.uint32("Incarnation"),
  node: FieldCodec.string("Node"),
  /** Opaque: stored, compared and passed on as received. */
  addr: FieldCodec.bytes("Addr"),
  /** 0 stands for the receiver's own bind port. */
  port: FieldCodec.uint16("Port"),
  meta: FieldCodec.nullableBytes("Meta"),
  /** `[PMin, PMax, PCur, DMin, DMax, DCur]`; any length arrives here, the membership rules judge it. */
  vsn: FieldCodec.bytes("Vsn")
})
/** @since 0.1.0 */
export type Alive = typeof Alive.Type

/**
 * A message of the application: raw bytes, no msgpack. memberlist: `userMsg`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const User = Schema.TaggedStruct("User", { payload: Schema.Uint8Array })
/** @since 0.1.0 */
export type User = typeof User.Type

/**
 * Why a stream was refused; the only answer a refused initiator gets. memberlist: `errResp`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ErrorResponse = Schema.TaggedStruct("ErrorResponse", { error: FieldCodec.string("Error") })
/** @since 0.1.0 */
export type ErrorResponse = typeof ErrorResponse.Type

/**
 * The wrapper around compressed bytes. memberlist: `compress`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Compress = Schema.Struct({
  /** 0 is LZW, the only one. */
  algo: FieldCodec.uint8("Algo"),
  buf: FieldCodec.bytes("Buf", { view: true })
})
/** @since 0.1.0 */
export type Compress = typeof Compress.Type

/**
 * What precedes the node states of a push/pull. memberlist: `pushPullHeader`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PushPullHeader = Schema.Struct({
  nodes: FieldCodec.int("Nodes"),
  userStateLen: FieldCodec.int("UserStateLen"),
  join: FieldCodec.boolean("Join")
})
/** @since 0.1.0 */
export type PushPullHeader = typeof PushPullHeader.Type

/**
 * One node in a push/pull. memberlist: `pushNodeState`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const NodeState = Schema.Struct({
  name: FieldCodec.string("Name"),
  addr: FieldCodec.bytes("Addr"),
  /** 0 stands for the receiver's own bind port. */
  port: FieldCodec.uint16("Port"),
  meta: FieldCodec.nullableBytes("Meta"),
  incarnation: FieldCodec.uint32("Incarnation"),
  /** 0 alive, 1 suspect, 2 dead, 3 left; others are for the merge to ignore. */
  state: FieldCodec.int("State"),
  /** Nearly all members speak the same versions. */
  vsn: FieldCodec.bytes("Vsn", { shared: true })
})
/** @since 0.1.0 */
export type NodeState = typeof NodeState.Type

/**
 * What precedes a user message on a stream. memberlist: `userMsgHeader`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const UserHeader = Schema.Struct({ userMsgLen: FieldCodec.int("UserMsgLen") })
/** @since 0.1.0 */
export type UserHeader = typeof UserHeader.Type

/**
 * The messages a datagram can carry.
 *
 * @category models
 * @since 0.1.0
 */
export type PacketMessage = Ping | IndirectPing | Ack | Nack | Suspect | Alive | Dead | User

type Bytes = Uint8Array

/** @internal */
export const pingCodec = MessagePack.derive(
  Ping,
  (seqNo: number, node: string, sourceAddr: Bytes, sourcePort: number, sourceNode: string) => ({
    _tag: "Ping" as const,
    seqNo,
    node,
    sourceAddr,
    sourcePort,
    sourceNode
  }),
  (m) => [m.seqNo, m.node, m.sourceAddr, m.sourcePort, m.sourceNode]
)
const indirectPing = MessagePack.derive(
  IndirectPing,
  (
    seqNo: number,
    target: Bytes,
    port: number,
    node: string,
    nack: boolean,
    sourceAddr: Bytes,
    sourcePort: number,
    sourceNode: string
  ) => ({ _tag: "IndirectPing" as const, seqNo, target, port, node, nack, sourceAddr, sourcePort, sourceNode }),
  (m) => [m.seqNo, m.target, m.port, m.node, m.nack, m.sourceAddr, m.sourcePort, m.sourceNode]
)
/** @internal */
export const ackCodec = MessagePack.derive(
  Ack,
  (seqNo: number, payload: Bytes | null) => ({ _tag: "Ack" as const, seqNo, payload }),
  (m) => [m.seqNo, m.payload]
)
const nack = MessagePack.derive(Nack, (seqNo: number) => ({ _tag: "Nack" as const, seqNo }), (m) => [m.seqNo])
const suspect = MessagePack.derive(
  Suspect,
  (incarnation: number, node: string, from: string) => ({ _tag: "Suspect" as const, incarnation, node, from }),
  (m) => [m.incarnation, m.node, m.from]
)
const dead = MessagePack.derive(
  Dead,
  (incarnation: number, node: string, from: string) => ({ _tag: "Dead" as const, incarnation, node, from }),
  (m) => [m.incarnation, m.node, m.from]
)
const alive = MessagePack.derive(
  Alive,
  (incarnation: number, node: string, addr: Bytes, port: number, meta: Bytes | null, vsn: Bytes) => ({
    _tag: "Alive" as const,
    incarnation,
    node,
    addr,
    port,
    meta,
    vsn
  }),
  (m) => [m.incarnation, m.node, m.addr, m.port, m.meta, m.vsn]
)
/** @internal */
export const errorResponseCodec = MessagePack.derive(
  ErrorResponse,
  (error: string) => ({ _tag: "ErrorResponse" as const, error }),
  (m) => [m.error]
)

/** @internal */
export const compressCodec = MessagePack.derive(
  Compress,
  (algo: number, buf: Bytes) => ({ algo, buf }),
  (m) => [m.algo, m.buf]
)
/** @internal */
export const pushPullHeaderCodec = MessagePack.derive(
  PushPullHeader,
  (nodes: number, userStateLen: number, join: boolean) => ({ nodes, userStateLen, join }),
  (m) => [m.nodes, m.userStateLen, m.join]
)
/** @internal */
export const nodeStateCodec = MessagePack.derive(
  NodeState,
  (name: string, addr: Bytes, port: number, meta: Bytes | null, incarnation: number, state: number, vsn: Bytes) => ({
    name,
    addr,
    port,
    meta,
    incarnation,
    state,
    vsn
  }),
  (m) => [m.name, m.addr, m.port, m.meta, m.incarnation, m.state, m.vsn]
)
/** @internal */
export const userHeaderCodec = MessagePack.derive(
  UserHeader,
  (userMsgLen: number) => ({ userMsgLen }),
  (m) => [m.userMsgLen]
)

/**
 * The bytes of a message: type byte and body.
 *
 * Values outside their Schema (an incarnation of 2^32, say) are truncated to their width, not refused. Whoever encodes
 * many messages gives the same `writer` for all of them.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (message: PacketMessage | ErrorResponse, writer: Writer = new Writer()): Uint8Array => {
  switch (message._tag) {
    case "Ping":
      return encodeBody(MessageType.Ping, pingCodec, message, writer)
    case "IndirectPing":
      return encodeBody(MessageType.IndirectPing, indirectPing, message, writer)
    case "Ack":
      return encodeBody(MessageType.Ack, ackCodec, message, writer)
    case "Nack":
      return encodeBody(MessageType.Nack, nack, message, writer)
    case "Suspect":
      return encodeBody(MessageType.Suspect, suspect, message, writer)
    case "Alive":
      return encodeBody(MessageType.Alive, alive, message, writer)
    case "Dead":
      return encodeBody(MessageType.Dead, dead, message, writer)
    case "ErrorResponse":
      return encodeBody(MessageType.Error, errorResponseCodec, message, writer)
    case "User":
      return prefixed(MessageType.User, message.payload)
  }
}

/** @internal */
export const encodeBody = <A>(
  type: number,
  codec: MessagePack.Codec<A>,
  value: A,
  writer: Writer = new Writer()
): Uint8Array => {
  writer.start(type)
  codec.write(writer, value)
  return writer.finish()
}

const prefixed = (type: number, payload: Uint8Array): Uint8Array => {
  const out = new Uint8Array(payload.length + 1)
  out[0] = type
  out.set(payload, 1)
  return out
}

/**
 * What decoding may still cost, shared by everything that came in one datagram.
 *
 * @category models
 * @since 0.1.0
 */
export interface Budget {
  /** Values that may be visited. */
  entries: number
  /** Bytes that may be decompressed. */
  bytes: number
}

/**
 * The message body in `bytes[start..end)`; what follows it is ignored. It may visit `MAX_MESSAGE_ENTRIES` values, and
 * takes them from the budget, if there is one.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decodeBody = <A>(
  codec: MessagePack.Codec<A>,
  bytes: Uint8Array,
  start: number,
  end: number,
  budget?: Budget
): A | Rejection.Rejection => {
  const granted = budget === undefined ? MAX_MESSAGE_ENTRIES : Math.min(budget.entries, MAX_MESSAGE_ENTRIES)
  const reader = new Reader().reset(bytes, start, end)
  reader.entries = granted
  const value = codec.read(reader, new MessagePack.Cursor())
  if (budget !== undefined) budget.entries -= granted - Math.max(0, reader.entries)
  return value ?? reject(reader.failure)
}

/** @internal */
export const reject = (failure: Failure | undefined): Rejection.Rejection => rejections[failure ?? "WrongType"]

// Built once: a flood of bad packets must not cost an allocation each.
const rejections: Record<Failure, Rejection.Rejection> = {
  Truncated: Rejection.make("Truncated", "the message ends inside a value"),
  TooDeep: Rejection.make("TooDeep", "values are nested too deeply"),
  TooMany: Rejection.make("TooMany", "the message has more values than any correct one"),
  Overflow: Rejection.make("InvalidMessage", "an integer does not fit its field"),
  WrongType: Rejection.make("InvalidMessage", "a value has the wrong type"),
  BadKey: Rejection.make("InvalidMessage", "a key is not a string")
}

/**
 * The codec of a message type that a datagram may carry; `undefined` for any other, and for `User`, whose body is no
 * msgpack.
 *
 * @internal
 */
export const packetCodec = (
  type: number
): MessagePack.Codec<Exclude<PacketMessage, User>> | undefined => packetCodecs[type]

// Widened for reading only: what a codec of one message reads is one of the messages.
const readOnly = <A extends Exclude<PacketMessage, User>>(
  codec: MessagePack.Codec<A>
): MessagePack.Codec<Exclude<PacketMessage, User>> => ({
  read: codec.read,
  write: (writer, value) => codec.write(writer, value as A)
})

const packetCodecs: ReadonlyArray<MessagePack.Codec<Exclude<PacketMessage, User>> | undefined> = [
  readOnly(pingCodec),
  readOnly(indirectPing),
  readOnly(ackCodec),
  readOnly(suspect),
  readOnly(alive),
  readOnly(dead),
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  readOnly(nack)
]
