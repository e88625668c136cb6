/**
 * How many fibers there are, read at once. Effect's own sizes are effects, and an observer of the table is synchronous.
 *
 * @since 0.1.0
 */
import type * as FiberMap from "effect/FiberMap"
import type * as FiberSet from "effect/FiberSet"
import * as MutableHashMap from "effect/MutableHashMap"

/** The fibers of a set; none when it is closed. */
export const inSet = <A, E>({ state }: FiberSet.FiberSet<A, E>): number =>
  state._tag === "Closed" ? 0 : state.backing.size

/** The fibers of a map; none when it is closed. */
export const inMap = <K, A, E>({ state }: FiberMap.FiberMap<K, A, E>): number =>
  state._tag === "Closed" ? 0 : MutableHashMap.size(state.backing)
