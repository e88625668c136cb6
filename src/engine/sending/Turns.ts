/**
 * Work for streams that takes longer than a moment is done in slices, and the streams take turns: one slice of one of
 * them, then everything else that waits. A hundred streams that each took a slice at every turn would hold up an ack by
 * a hundred slices.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"

export interface Turns {
  /** Does one slice, when it is its turn and others have had theirs. */
  readonly take: <A, E>(slice: Effect.Effect<A, E>) => Effect.Effect<A, E>
}

export const make: Effect.Effect<Turns> = Effect.map(Semaphore.make(1), (turn) => ({
  take: (slice) => turn.withPermits(1)(Effect.andThen(Effect.yieldNow, slice))
}))

/** Does all that `slices` have to do, the first slice at once. */
export const inSlices = <A>(turns: Turns, slices: Generator<undefined, A>): Effect.Effect<A> => {
  const next = (): Effect.Effect<A> => {
    const { done, value } = slices.next()
    return done === true ? Effect.succeed(value) : Effect.flatten(turns.take(Effect.sync(next)))
  }
  return Effect.suspend(next)
}
