/**
 * What happened to a member. A subscriber first gets one `MemberJoined` (and `MemberSuspected`) for each member of the
 * view it starts from, and one `MemberReachabilityChanged` for each that a way fails to; then every later change, and
 * every name conflict, in the order the state changed.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Member } from "./Member.ts"
import { Reachability } from "./Reachability.ts"
import { Verdict } from "./Verdict.ts"

const fields = {
  /** The member right after the change; in a conflict the existing one, as it was before. */
  member: Member,
  /**
   * How many events this subscriber lost immediately before this one, because it was slower than the cluster for longer
   * than `eventBuffer` events. When it is not 0, read `members` again.
   */
  missed: Schema.Int
}

/**
 * A member became alive: new, returned, or moved after it had left or died.
 *
 * @category models
 * @since 0.1.0
 */
export class MemberJoined extends Schema.TaggedClass<MemberJoined>()("MemberJoined", fields) {}

/**
 * A live member changed its metadata, or, with the policy `replace`, its address.
 *
 * @category models
 * @since 0.1.0
 */
export class MemberUpdated extends Schema.TaggedClass<MemberUpdated>()("MemberUpdated", {
  ...fields,
  previous: Member
}) {}

/**
 * A member did not answer and has until the suspicion timeout to refute.
 *
 * @category models
 * @since 0.1.0
 */
export class MemberSuspected extends Schema.TaggedClass<MemberSuspected>()("MemberSuspected", {
  ...fields,
  /** The first accuser; a name that is not UTF-8 is text that is not well-formed. */
  from: Schema.String,
  /** What this node knows about why. */
  verdict: Verdict
}) {}

/**
 * A suspected member refuted: it was alive all along.
 *
 * @category models
 * @since 0.1.0
 */
export class MemberRecovered extends Schema.TaggedClass<MemberRecovered>()("MemberRecovered", {
  ...fields,
  /** The suspicion that it was under, and how that ended. */
  verdict: Verdict
}) {}

/**
 * A member was declared dead.
 *
 * @category models
 * @since 0.1.0
 */
export class MemberFailed extends Schema.TaggedClass<MemberFailed>()("MemberFailed", {
  ...fields,
  /**
   * Who declared it: this node's name when its own suspicion ended, or when the member, which nothing ever came
   * from, made place for another in a full table (`maxMembers`). A name that is not UTF-8 is text that is not
   * well-formed.
   */
  from: Schema.String,
  /** Those who had accused it, first accuser first, as far as this node heard; empty when it made place for another. */
  accusers: Schema.Array(Schema.String),
  /** What this node knows about why. */
  verdict: Verdict
}) {}

/**
 * A member said goodbye.
 *
 * @category models
 * @since 0.1.0
 */
export class MemberLeft extends Schema.TaggedClass<MemberLeft>()("MemberLeft", {
  ...fields,
  /** Its goodbye, and the suspicion that it was under, if any. */
  verdict: Verdict
}) {}

/**
 * A way to a member, or back, fails while another works, or the member does not list this node; or that is over.
 * Nothing changed in the member list. Judged by what is sent anyway, and told when it changes.
 *
 * @category models
 * @since 0.1.0
 */
export class MemberReachabilityChanged
  extends Schema.TaggedClass<MemberReachabilityChanged>()("MemberReachabilityChanged", {
    ...fields,
    /** What is known now; `likelyCause` says what may be the matter. */
    reachability: Reachability,
    /** What was known before. */
    previous: Reachability
  })
{}

/**
 * Two nodes claim one name. Nothing changed by this event: when the name went over, a `MemberUpdated` follows (a
 * `MemberJoined` when the existing one was not alive any more). One conflict between the same two addresses is told
 * once a minute, and at most 64 different ones.
 *
 * The `member` may be this node itself, or one that is dead and whose name is still reserved (`deadNodeReclaimTime`).
 *
 * @category models
 * @since 0.1.0
 */
export class MemberConflict extends Schema.TaggedClass<MemberConflict>()("MemberConflict", {
  ...fields,
  /** The claimant, as it describes itself, with its address. */
  other: Member,
  /** Whether the claimant has the name from now on (`nameConflictPolicy`); else the member keeps it. */
  replaced: Schema.Boolean
}) {}

/**
 * @category schemas
 * @since 0.1.0
 */
export const MemberEvent = Schema.Union([
  MemberJoined,
  MemberUpdated,
  MemberSuspected,
  MemberRecovered,
  MemberFailed,
  MemberLeft,
  MemberReachabilityChanged,
  MemberConflict
])
/** @since 0.1.0 */
export type MemberEvent = typeof MemberEvent.Type
