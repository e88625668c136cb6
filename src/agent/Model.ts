/**
 * What the agent's API tells and takes, as schemas: JSON that a shell script, a browser and a typed client read alike.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { MemberState, ProtocolVersions } from "../Member.ts"
import { Reachability, Way } from "../Reachability.ts"
import { FailedProbe, SuspicionReport, Verdict } from "../Verdict.ts"

/**
 * Bytes as they are told: as base64, and as text too where they are UTF-8.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Content = Schema.Struct({
  size: Schema.Int,
  base64: Schema.String,
  /** The same as text; absent when they are no UTF-8. */
  text: Schema.optionalKey(Schema.String)
})
/** @since 0.1.0 */
export type Content = typeof Content.Type

/**
 * Bytes as they are taken: as text, as base64, or as a JSON value, which is written without spaces.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Input = Schema.Union([
  Schema.Struct({ text: Schema.String }),
  Schema.Struct({ base64: Schema.String }),
  // whatever was read is JSON: it is not gone through once more
  Schema.Struct({ json: Schema.Unknown })
])
/** @since 0.1.0 */
export type Input = typeof Input.Type

/**
 * The most bytes of a request's body, with which the event loop is not held up for long. In base64 it holds three
 * quarters of that.
 *
 * @category limits
 * @since 0.1.0
 */
export const MAX_BODY = 262_144

const Instant = Schema.DateTimeUtc

/**
 * Which ways lead to a member and back.
 *
 * @category schemas
 * @since 0.1.0
 */
export const WaysView = Schema.Struct({
  ...Reachability.fields,
  /** Whether any way fails. */
  impaired: Schema.Boolean,
  /** What is likely to be the matter. */
  likelyCause: Schema.optionalKey(Schema.String)
})
/** @since 0.1.0 */
export type WaysView = typeof WaysView.Type

/**
 * A member, as the agent sees it now.
 *
 * @category schemas
 * @since 0.1.0
 */
export const MemberView = Schema.Struct({
  name: Schema.String,
  /** `ip:port`, an IPv6 address in brackets. */
  address: Schema.String,
  state: MemberState,
  incarnation: Schema.Int,
  /** The metadata that an agent announces (`PUT /v1/meta`); of other members, the bytes as they are. */
  meta: Content,
  versions: ProtocolVersions,
  /** Whether it is the agent's own node. */
  self: Schema.Boolean,
  /** Since when the agent has seen it in this state; absent where it does not know. */
  since: Schema.optionalKey(Instant),
  /** Which ways lead to it, as far as this agent has seen; absent for its own node, and for those that are gone. */
  reachability: Schema.optionalKey(WaysView),
  /** Until when the agent remembers it as lost, and looks for it; absent where it does not. */
  lostUntil: Schema.optionalKey(Instant)
})
/** @since 0.1.0 */
export type MemberView = typeof MemberView.Type

/**
 * A verdict, and the same in one line for people.
 *
 * @category schemas
 * @since 0.1.0
 */
export const VerdictView = Schema.Struct({
  ...Verdict.fields,
  /** Absent where the member was not suspect here. */
  suspicion: Schema.optionalKey(SuspicionReport),
  /** Absent where this node only heard from others. */
  probe: Schema.optionalKey(FailedProbe),
  text: Schema.String
})
/** @since 0.1.0 */
export type VerdictView = typeof VerdictView.Type

/**
 * What the agent is.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Info = Schema.Struct({
  /** The version of this package. */
  version: Schema.String,
  name: Schema.String,
  /** Where it listens for members, and where it told them to reach it: `ip:port`. */
  bound: Schema.String,
  advertised: Schema.String,
  /** Where this API listens: `http://ip:port`. */
  http: Schema.String,
  /** Whether calls need a token: none, those that change something, or all. */
  token: Schema.Literals(["none", "changes", "all"]),
  label: Schema.String,
  encrypted: Schema.Boolean,
  /** The seeds themselves, or where they come from, such as a name of DNS; `none`. */
  seeds: Schema.String,
  /** Empty: it remembers nothing across restarts. */
  snapshot: Schema.String,
  /** The preset that its timing begins with: `lan`, `wan` or `local`. Absent where a program has set each value. */
  preset: Schema.optionalKey(Schema.String),
  /** The rules of the protocol: `memberlist`, or `paper`, for experiments. */
  protocolProfile: Schema.String,
  /** Live members, suspects and this one included. */
  members: Schema.Int,
  startedAt: Instant
})
/** @since 0.1.0 */
export type Info = typeof Info.Type

/**
 * How far the agent has come with joining by itself. `Joined` and `Alone` are ready.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ReadinessView = Schema.Struct({
  state: Schema.Literals(["Joined", "Alone", "Trying", "GaveUp", "Left"]),
  ready: Schema.Boolean,
  /** How often all seeds were tried, while it is trying or has given up. */
  attempts: Schema.optionalKey(Schema.Int),
  /** Why it is alone, or what stands in the way. */
  why: Schema.optionalKey(Schema.String)
})
/** @since 0.1.0 */
export type ReadinessView = typeof ReadinessView.Type

/**
 * How the agent is.
 *
 * @category schemas
 * @since 0.1.0
 */
export const HealthView = Schema.Struct({
  /** Lifeguard's local health score: 0 is healthy, higher means that this node doubts itself. */
  score: Schema.Int,
  readiness: ReadinessView,
  members: Schema.Record(MemberState, Schema.Int),
  /** How many of the dead are lost: they may come back, and the agent looks for them. */
  lost: Schema.Int,
  /** What was counted so far, `name` or `name:reason`. */
  counters: Schema.Record(Schema.String, Schema.Finite),
  /** What the HTTP API counted. */
  http: Schema.Record(Schema.String, Schema.Finite)
})
/** @since 0.1.0 */
export type HealthView = typeof HealthView.Type

const about = {
  member: MemberView,
  /** When the agent told it. */
  at: Instant,
  /** How many events this stream lost immediately before this one, because its reader was too slow. */
  missed: Schema.Int
}

/** Returns the schema of one Server-Sent Event: its number in the stream, its name, and the data as JSON. */
export const event = <const Name extends string, Fields extends Schema.Struct.Fields>(name: Name, fields: Fields) =>
  Schema.Struct({
    id: Schema.String,
    event: Schema.Literal(name),
    data: Schema.fromJsonString(Schema.toCodecJson(Schema.Struct(fields)))
  })

const told = { at: about.at, missed: about.missed }

/**
 * What happened, as one Server-Sent Event: its number in this stream, its name, and the data as JSON. First come the
 * current members as `MemberJoined`, then each change in order. The last three are about several members at once: what
 * is found of a split (`docs/recovery.md`).
 *
 * @category schemas
 * @since 0.1.0
 */
export const EventView = Schema.Union([
  event("MemberJoined", about),
  event("MemberUpdated", { ...about, previous: MemberView }),
  event("MemberSuspected", { ...about, from: Schema.String, verdict: VerdictView }),
  event("MemberRecovered", { ...about, verdict: VerdictView }),
  event("MemberFailed", {
    ...about,
    from: Schema.String,
    accusers: Schema.Array(Schema.String),
    verdict: VerdictView
  }),
  event("MemberLeft", { ...about, verdict: VerdictView }),
  event("MemberReachabilityChanged", { ...about, reachability: WaysView, previous: WaysView }),
  event("MemberConflict", { ...about, other: MemberView, replaced: Schema.Boolean }),
  event("SplitSuspected", { ...told, lost: Schema.Array(Schema.String), present: Schema.Array(Schema.String) }),
  /** The first that is back, or, with nobody `missing`, the last, which may have `left`. */
  event("Healed", { ...told, name: Schema.String, state: MemberState, missing: Schema.Array(Schema.String) }),
  /** Without a `name` it was a seed. */
  event("PutAside", { ...told, name: Schema.optionalKey(Schema.String), address: Schema.String, reason: Schema.String })
])
/** @since 0.1.0 */
export type EventView = typeof EventView.Type

/**
 * Where a value of a topic goes.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PublishView = Schema.Struct({
  /** Other live members that take part, as far as the agent knows. None of them has confirmed it. */
  others: Schema.Int
})
/** @since 0.1.0 */
export type PublishView = typeof PublishView.Type

/**
 * A value of a topic, as one Server-Sent Event.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ValueView = event("value", {
  value: Content,
  /** The name of the member that published it. */
  from: Schema.String,
  at: Instant,
  missed: Schema.Int
})
/** @since 0.1.0 */
export type ValueView = typeof ValueView.Type

/**
 * A message that another member's application sent to this one, as one Server-Sent Event. The protocol does not carry
 * the sender's name.
 *
 * @category schemas
 * @since 0.1.0
 */
export const MessageView = event("message", {
  content: Content,
  /** Where it came from: `ip:port`. */
  from: Schema.String,
  via: Schema.Literals(["packet", "stream"]),
  at: Instant,
  missed: Schema.Int
})
/** @since 0.1.0 */
export type MessageView = typeof MessageView.Type

/**
 * What a join did, seed by seed.
 *
 * @category schemas
 * @since 0.1.0
 */
export const JoinView = Schema.Struct({
  contacted: Schema.Array(Schema.Struct({ seed: Schema.String, address: Schema.String })),
  ourselves: Schema.Array(Schema.Struct({ seed: Schema.String, address: Schema.String })),
  failed: Schema.Array(Schema.Struct({ seed: Schema.String, error: Schema.String, message: Schema.String })),
  /** Live members after the join, this one included. */
  members: Schema.Int
})
/** @since 0.1.0 */
export type JoinView = typeof JoinView.Type

/**
 * A key of the ring by its fingerprint: the first 16 hexadecimal digits of the SHA-256 of its bytes. The keys
 * themselves are never told.
 *
 * @category schemas
 * @since 0.1.0
 */
export const KeyView = Schema.Struct({
  fingerprint: Schema.String,
  /** What is sent is sealed with it. */
  primary: Schema.Boolean,
  bits: Schema.Int
})
/** @since 0.1.0 */
export type KeyView = typeof KeyView.Type

/**
 * Whether a change of keys outlives a restart.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Persistence = Schema.Struct({
  /** Whether the agent's key file has the keys as they are now, and in this order. */
  persisted: Schema.Boolean,
  /** Why not, and what must be changed before a restart. */
  reason: Schema.optionalKey(Schema.String)
})
/** @since 0.1.0 */
export type Persistence = typeof Persistence.Type

/**
 * A key that was added or is used now.
 *
 * @category schemas
 * @since 0.1.0
 */
export const KeyChange = Schema.Struct({ ...KeyView.fields, ...Persistence.fields })
/** @since 0.1.0 */
export type KeyChange = typeof KeyChange.Type

/**
 * To how many members news of the agent's own node was sent.
 *
 * @category schemas
 * @since 0.1.0
 */
export const NewsView = Schema.Struct({
  outcome: Schema.Literals(["Sent", "Unreached", "Queued", "Superseded", "Alone", "AlreadyLeft", "Unchanged"]),
  sent: Schema.Int,
  confirmed: Schema.Int,
  members: Schema.Int
})
/** @since 0.1.0 */
export type NewsView = typeof NewsView.Type

/**
 * What the agent of another member says of itself when it is asked.
 *
 * @category schemas
 * @since 0.1.0
 */
export const AgentCheck = Schema.Struct({
  /** Milliseconds that its clock is ahead of this agent's, and by how much that may be wrong. */
  clock: Schema.Struct({ ahead: Schema.Finite, within: Schema.Finite }),
  label: Schema.String,
  /** The fingerprints of its keys, the primary one first, at most 16. */
  keys: Schema.Array(Schema.String)
})
/** @since 0.1.0 */
export type AgentCheck = typeof AgentCheck.Type

/**
 * What came of trying the ways to other members and back, just now.
 *
 * @category schemas
 * @since 0.1.0
 */
export const CheckView = Schema.Struct({
  /** Live members beside this agent; a check looks at 16 of them at most. */
  others: Schema.Int,
  /** Milliseconds that the latest of 25 timers of this agent was late: how long its event loop was held up. */
  late: Schema.Finite,
  label: Schema.String,
  /** The fingerprints of this agent's keys, the primary one first, at most 16. */
  keys: Schema.Array(Schema.String),
  members: Schema.Array(Schema.Struct({
    name: Schema.String,
    address: Schema.String,
    state: MemberState,
    /** Milliseconds of a ping by UDP, or why there is no answer. */
    ping: Schema.optionalKey(Schema.Finite),
    pingError: Schema.optionalKey(Schema.String),
    /** The same over a stream. */
    stream: Schema.optionalKey(Schema.Finite),
    streamError: Schema.optionalKey(Schema.String),
    /** Small packets to it, and from it. */
    udpOut: Way,
    udpIn: Way,
    /** Streams that this agent opens, and that the other one opens. */
    tcpOut: Way,
    tcpIn: Way,
    /** Packets as long as packets may be; of those from it, as long as it makes them. */
    fullOut: Way,
    fullIn: Way,
    /** Bytes of content in such a packet of this agent. */
    size: Schema.optionalKey(Schema.Int),
    /**
     * Whether it answered as an agent; `not asked` where this agent has no topics. What only agents can tell is unknown
     * without an answer.
     */
    answers: Schema.Literals(["yes", "no", "no agent", "not asked"]),
    agent: Schema.optionalKey(AgentCheck)
  }))
})
/** @since 0.1.0 */
export type CheckView = typeof CheckView.Type
