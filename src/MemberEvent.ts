/**
 * What happened to a member. A subscriber first gets one `MemberJoined` (and `MemberSuspected`) for each member of the
 * view it starts from, then every later change in the order the state changed.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Member } from "./Member.ts"

const fields = {
  /** The member right after the change. */
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
 * A live member changed its metadata.
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
  /** The first accuser. */
  from: Schema.String
}) {}

/**
 * A suspected member refuted: it was alive all along.
 *
 * @category models
 * @since 0.1.0
 */
export class MemberRecovered extends Schema.TaggedClass<MemberRecovered>()("MemberRecovered", fields) {}

/**
 * A member was declared dead.
 *
 * @category models
 * @since 0.1.0
 */
export class MemberFailed extends Schema.TaggedClass<MemberFailed>()("MemberFailed", {
  ...fields,
  /** Who declared it: this node's name when its own suspicion timer expired. */
  from: Schema.String,
  /** Those who had accused it, first accuser first, as far as this node heard. */
  accusers: Schema.Array(Schema.String)
}) {}

/**
 * A member said goodbye.
 *
 * @category models
 * @since 0.1.0
 */
export class MemberLeft extends Schema.TaggedClass<MemberLeft>()("MemberLeft", fields) {}

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
  MemberLeft
])
/** @since 0.1.0 */
export type MemberEvent = typeof MemberEvent.Type
