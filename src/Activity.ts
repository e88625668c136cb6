/**
 * What a node does without being asked, while somebody watches: its probes, its gossip and its push/pulls. It is a
 * sample for eyes and diagrams: above a rate, some of it is left out. What happens to members is told by `MemberEvent`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

const fields = {
  /**
   * How much of the activity this subscriber was not told of immediately before this: left out above the rate, or lost
   * because the subscriber was slow.
   */
  missed: Schema.Int
}

/**
 * How a probe ended:
 *
 * - `direct`: the member answered the ping.
 * - `indirect`: an answer came after others were asked to ping the member, theirs or a late one of its own.
 * - `stream`: only the ping over TCP was answered.
 * - `failed`: nobody got an answer; the member is suspected.
 * - `unsent`: the ping could not be sent because of this node itself.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ProbeOutcome = Schema.Literals(["direct", "indirect", "stream", "failed", "unsent"])
/** @since 0.1.0 */
export type ProbeOutcome = typeof ProbeOutcome.Type

/**
 * A probe of this node is over. SWIM §4.1.
 *
 * @category models
 * @since 0.1.0
 */
export class ProbeEnded extends Schema.TaggedClass<ProbeEnded>()("ProbeEnded", {
  ...fields,
  /** The name of the member that was probed. */
  member: Schema.String,
  outcome: ProbeOutcome,
  /** The names of the members that were asked to ping it; empty where the ping was answered in time. */
  helpers: Schema.Array(Schema.String),
  /** Milliseconds from the beginning to the outcome. */
  millis: Schema.Finite
}) {}

/**
 * A gossip packet was sent. News that rides on pings and acks is not told.
 *
 * @category models
 * @since 0.1.0
 */
export class GossipSent extends Schema.TaggedClass<GossipSent>()("GossipSent", {
  ...fields,
  /** The name of the member it was sent to. */
  to: Schema.String,
  /** How many messages were in it, about members and of the application. */
  news: Schema.Int
}) {}

/**
 * A push/pull is over: two members have exchanged their lists, periodically or for a join.
 *
 * @category models
 * @since 0.1.0
 */
export class PushPullEnded extends Schema.TaggedClass<PushPullEnded>()("PushPullEnded", {
  ...fields,
  /** The other member's name, where it can be told: who calls does not give it, and may share its address. */
  with: Schema.UndefinedOr(Schema.String),
  /** The other end: `ip:port`. */
  address: Schema.String,
  /** Whether this node began it, or the other one did. */
  by: Schema.Literals(["us", "peer"]),
  /** Whether it is part of a join. */
  join: Schema.Boolean,
  outcome: Schema.Literals(["merged", "failed"]),
  /** What it failed with: the tag of an error, `Interrupted` or `Died`. */
  reason: Schema.UndefinedOr(Schema.String),
  /** Milliseconds that it took. */
  millis: Schema.Finite
}) {}

/**
 * @category schemas
 * @since 0.1.0
 */
export const Activity = Schema.Union([ProbeEnded, GossipSent, PushPullEnded])
/** @since 0.1.0 */
export type Activity = typeof Activity.Type
