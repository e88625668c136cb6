/**
 * How many fibers there are, read at once. Effect's own sizes are effects, and an observer of the table is synchronous.
 *
 * @since 0.1.0
 */
import type * as FiberSet from "effect/FiberSet"

/** The fibers of a set; none when it is closed. */
export const inSet = <A, E>({ state }: FiberSet.FiberSet<A, E>): number =>
  state._tag === "Closed" ? 0 : state.backing.size
