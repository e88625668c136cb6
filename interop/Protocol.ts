/**
 * The JSON lines a peer process speaks: requests on its stdin, answers and events on its stdout. The Go peer and ours
 * speak the same, so a scenario does not know which one it drives. Byte strings are base64, durations milliseconds.
 */
import * as Schema from "effect/Schema"

const optional = Schema.optionalKey

/** Bytes both sides can produce: xorshift32 noise from `seed`, or `repeat` over and over (text that compresses). */
export const Generate = Schema.Struct({
  size: Schema.Number,
  seed: optional(Schema.Number),
  repeat: optional(Schema.String)
})
export type Generate = typeof Generate.Type

/** A node's configuration; what is absent keeps the value of its preset: Local, unless another is asked for. */
export const StartOptions = Schema.Struct({
  name: Schema.String,
  /** Go only: the name as bytes, which need not be UTF-8. */
  rawName: optional(Schema.String),
  bindAddress: optional(Schema.String),
  bindPort: optional(Schema.Number),
  advertiseAddress: optional(Schema.String),
  /** Go only: advertise 127.0.0.1 in its 16-byte form, as a node bound to 0.0.0.0 does with its interface's address. */
  wideAddress: optional(Schema.Boolean),
  label: optional(Schema.String),
  secretKey: optional(Schema.String),
  compression: optional(Schema.Boolean),
  protocolVersion: optional(Schema.Number),
  /** The delegate's: min, max, current. */
  delegateProtocol: optional(Schema.Tuple([Schema.Number, Schema.Number, Schema.Number])),
  meta: optional(Schema.String),
  ackPayload: optional(Schema.String),
  userState: optional(Generate),
  udpBufferSize: optional(Schema.Number),
  suspicionMult: optional(Schema.Number),
  indirectChecks: optional(Schema.Number),
  disableTcpPings: optional(Schema.Boolean),
  probeIntervalMs: optional(Schema.Number),
  probeTimeoutMs: optional(Schema.Number),
  gossipIntervalMs: optional(Schema.Number),
  pushPullIntervalMs: optional(Schema.Number),
  tcpTimeoutMs: optional(Schema.Number),
  preset: optional(Schema.Literals(["local", "lan"])),
  /** Go only: the names that its merge and alive delegates veto. */
  refuses: optional(Schema.Array(Schema.String)),
  /** Ours only. */
  recovery: optional(Schema.Boolean),
  /** Ours only. */
  healIntervalMs: optional(Schema.Number),
  /** Ours only: the file of its snapshot. */
  snapshot: optional(Schema.String),
  /** Ours only: has a topic and typed metadata, whose value has the node's name as its role and 0 slots. */
  modules: optional(Schema.Struct({ syncIntervalMs: Schema.Number }))
})
export type StartOptions = typeof StartOptions.Type

/** One entry of a peer's member table. `addr` is the hex of the raw address bytes. */
export const MemberView = Schema.Struct({
  name: Schema.String,
  ip: Schema.String,
  addr: Schema.String,
  port: Schema.Number,
  meta: Schema.String,
  state: Schema.Literals(["alive", "suspect", "dead", "left"]),
  incarnation: Schema.Number,
  /** min, max, current, and the same three of the delegate. */
  versions: Schema.Array(Schema.Number)
})
export type MemberView = typeof MemberView.Type

/** A payload by length and digest, and whole when it is small. */
export const PayloadView = Schema.Struct({
  size: Schema.Number,
  sha256: Schema.String,
  data: Schema.optionalKey(Schema.String)
})
export type PayloadView = typeof PayloadView.Type

const stamped = { at: Schema.Number }

/** A change in the member table. Only our node tells `suspected` and `recovered`; Go's has no callback for them. */
export const MemberChange = Schema.Struct({
  ...stamped,
  event: Schema.Literals(["joined", "updated", "suspected", "recovered", "failed", "left"]),
  node: MemberView
})
export type MemberChange = typeof MemberChange.Type

export const MessageReceived = Schema.Struct({
  ...stamped,
  event: Schema.Literal("message"),
  ...PayloadView.fields
})

export const RemoteStateMerged = Schema.Struct({
  ...stamped,
  event: Schema.Literal("remoteState"),
  join: Schema.Boolean,
  ...PayloadView.fields
})

export const PingCompleted = Schema.Struct({
  ...stamped,
  event: Schema.Literal("pingComplete"),
  name: Schema.String,
  micros: Schema.Number,
  ...PayloadView.fields
})

/** Two addresses claim one name; the addresses are hex. */
export const ConflictSeen = Schema.Struct({
  ...stamped,
  event: Schema.Literal("conflict"),
  name: Schema.String,
  existing: Schema.String,
  existingPort: Schema.Number,
  other: Schema.String,
  otherPort: Schema.Number
})

/** Ours only: what `cluster.recovery` told. */
export const RecoveryTold = Schema.Struct({
  ...stamped,
  event: Schema.Literal("recovery"),
  tag: Schema.Literals(["SplitSuspected", "Healed", "PutAside"]),
  text: Schema.String
})
export type RecoveryTold = typeof RecoveryTold.Type

export const PeerEvent = Schema.Union([
  MemberChange,
  MessageReceived,
  RemoteStateMerged,
  PingCompleted,
  ConflictSeen,
  RecoveryTold
])
export type PeerEvent = typeof PeerEvent.Type

export const Succeeded = Schema.Struct({ id: Schema.Number, ok: Schema.Literal(true), result: Schema.Unknown })

/** `tag` is the error's `_tag` (ours) or Go type; `causes` are the tags of what was inside it, seed by seed. */
export const Refused = Schema.Struct({
  id: Schema.Number,
  ok: Schema.Literal(false),
  error: Schema.Struct({
    tag: Schema.String,
    message: Schema.String,
    causes: Schema.optionalKey(Schema.Array(Schema.String))
  })
})

export const Line = Schema.fromJsonString(Schema.Union([Succeeded, Refused, PeerEvent]))
export type Line = typeof Line.Type

/** What a node of ours with a topic and typed metadata has seen of them: values in the order they came, slots by name. */
export const ModulesView = Schema.Struct({
  received: Schema.Array(Schema.Struct({ number: Schema.Number, from: Schema.String })),
  participants: Schema.Array(Schema.String),
  counters: Schema.Record(Schema.String, Schema.Number),
  /** The replicated map. */
  places: Schema.Record(Schema.String, Schema.Number),
  slots: Schema.Record(Schema.String, Schema.Number)
})
export type ModulesView = typeof ModulesView.Type

export const Started = Schema.Struct({ name: Schema.String, ip: Schema.String, port: Schema.Number })
export type Started = typeof Started.Type

/** The text of a base64 byte string, and back. */
export const base64 = (text: string): string => Buffer.from(text, "utf8").toString("base64")
export const text = (encoded: string): string => Buffer.from(encoded, "base64").toString("utf8")
