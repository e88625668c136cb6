/**
 * What both sides are asked to do: pure data, so that it can be sent to Go, shrunk, printed and replayed. Bytes are
 * hexadecimal text, durations are whole nanoseconds.
 */
import * as Schema from "effect/Schema"

const Bytes = Schema.String
const BytesOrNone = Schema.NullOr(Schema.String)
/** Nanoseconds from the beginning of the step to its end. */
const after = Schema.Number

/** One row of a peer's table. */
export const Row = Schema.Struct({
  name: Schema.String,
  addr: Bytes,
  port: Schema.Number,
  meta: BytesOrNone,
  inc: Schema.Number,
  state: Schema.Number,
  vsn: Bytes
})
export type Row = typeof Row.Type

const AliveStep = Schema.Struct({
  do: Schema.Literal("alive"),
  node: Schema.String,
  inc: Schema.Number,
  addr: Bytes,
  port: Schema.Number,
  meta: BytesOrNone,
  vsn: Bytes,
  after
})
const accusation = { node: Schema.String, inc: Schema.Number, from: Schema.String, after }

/** One thing that happens, and the time it takes. */
export const Step = Schema.Union([
  AliveStep,
  Schema.Struct({ do: Schema.Literal("suspect"), ...accusation }),
  Schema.Struct({ do: Schema.Literal("dead"), ...accusation }),
  /** A push/pull brings a peer's table: the versions are verified, then it is merged. */
  Schema.Struct({ do: Schema.Literal("merge"), rows: Schema.Array(Row), after }),
  /** A datagram arrives. */
  Schema.Struct({ do: Schema.Literal("packet"), bytes: Bytes, after }),
  /** The local node announces new metadata. */
  Schema.Struct({ do: Schema.Literal("update"), meta: BytesOrNone, after }),
  Schema.Struct({ do: Schema.Literal("leave"), after }),
  /** The local node announces itself again. */
  Schema.Struct({ do: Schema.Literal("return"), after }),
  /** A round of probing ends: who has been gone for long is forgotten. */
  Schema.Struct({ do: Schema.Literal("reap"), after }),
  /** Probing changed the health score. */
  Schema.Struct({ do: Schema.Literal("health"), delta: Schema.Number, after }),
  /** A packet of so many bytes takes along what is queued. */
  Schema.Struct({ do: Schema.Literal("draw"), limit: Schema.Number, after }),
  Schema.Struct({ do: Schema.Literal("wait"), after })
])
export type Step = typeof Step.Type
export type Claim = Extract<Step, { readonly do: "alive" | "suspect" | "dead" }>

/** The local node, and the settings that the rules depend on. */
export const Setup = Schema.Struct({
  name: Schema.String,
  addr: Bytes,
  port: Schema.Number,
  meta: BytesOrNone,
  protocolVersion: Schema.Number,
  suspicionMult: Schema.Number,
  suspicionMaxMult: Schema.Number,
  probeInterval: Schema.Number,
  deadNodeReclaimTime: Schema.Number,
  gossipToTheDeadTime: Schema.Number,
  awarenessMaxMultiplier: Schema.Number,
  retransmitMult: Schema.Number,
  /** Whether only addresses in 10.0.0.0/8 may appear. */
  restricted: Schema.Boolean,
  /** Whether a message too long for any packet stays queued, so that the queue is never empty. */
  keepsIds: Schema.Boolean
})
export type Setup = typeof Setup.Type

export const Sequence = Schema.Struct({ setup: Setup, steps: Schema.Array(Step) })
export type Sequence = typeof Sequence.Type

/** A file that `--replay` reads. */
export const SequenceFile = Schema.fromJsonString(Sequence)

export const MILLISECOND = 1_000_000
export const SECOND = 1_000 * MILLISECOND

/** The settings of a LAN node of memberlist, named `self`. */
export const LAN: Setup = {
  name: "self",
  addr: "0a000001",
  port: 7946,
  meta: null,
  protocolVersion: 2,
  suspicionMult: 4,
  suspicionMaxMult: 6,
  probeInterval: SECOND,
  deadNodeReclaimTime: 0,
  gossipToTheDeadTime: 30 * SECOND,
  awarenessMaxMultiplier: 8,
  retransmitMult: 4,
  restricted: false,
  keepsIds: true
}
