/**
 * What a node does, and finds, to bring a split list together again. What happens to single members is told by
 * `MemberEvent`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Member } from "./Member.ts"

const fields = {
  /**
   * How many of these events this subscriber lost immediately before this one, because it was slower for longer than
   * `eventBuffer` events.
   */
  missed: Schema.Int
}

/**
 * Several members were lost together (two or more within one suspicion time, or all others): the network between them
 * and this node may be broken. Told once for each such group, when its names are complete.
 *
 * @category models
 * @since 0.1.0
 */
export class SplitSuspected extends Schema.TaggedClass<SplitSuspected>()("SplitSuspected", {
  ...fields,
  /** The names of those that were lost. */
  lost: Schema.Array(Schema.String),
  /** The names of those that are left, this node included. */
  present: Schema.Array(Schema.String)
}) {}

/**
 * The first of those that were lost together is back; the others follow within moments, where they are back too. Told
 * again when nobody of them is missing any more: then `missing` is empty.
 *
 * @category models
 * @since 0.1.0
 */
export class Healed extends Schema.TaggedClass<Healed>()("Healed", {
  ...fields,
  /** The first that came back. At the end it is the last that was missing; it is `left` where it said goodbye. */
  member: Member,
  /** The names of those that were lost with it and are not back so far. */
  missing: Schema.Array(Schema.String)
}) {}

/**
 * Somebody else is where a lost member, or a seed, was expected: another cluster, by its label, its keys, its protocol
 * versions or its delegate, or a node with this node's name. It is not contacted again until a join names it.
 *
 * @category models
 * @since 0.1.0
 */
export class PutAside extends Schema.TaggedClass<PutAside>()("PutAside", {
  ...fields,
  /** The member that was expected there; none for a seed. */
  name: Schema.UndefinedOr(Schema.String),
  /** Where: `ip:port`, or the seed as it was given. */
  address: Schema.String,
  /** What differs. */
  reason: Schema.String
}) {}

/**
 * @category schemas
 * @since 0.1.0
 */
export const RecoveryEvent = Schema.Union([SplitSuspected, Healed, PutAside])
/** @since 0.1.0 */
export type RecoveryEvent = typeof RecoveryEvent.Type
