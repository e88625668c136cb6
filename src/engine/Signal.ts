/**
 * Wakes a waiting fiber from synchronous code, always through the scheduler. (`Latch` and `Deferred` may run the woken
 * fiber at once, inside the caller: a subscriber's code would then run in the middle of a rule's atomic step.)
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"

export interface Signal {
  /** Wakes the waiter, or the next one to wait. Notifying twice before anybody waits is notifying once. */
  readonly notify: () => void
  readonly wait: Effect.Effect<void>
}

export const make: Effect.Effect<Signal> = Effect.map(Queue.dropping<void>(1), (queue) => ({
  notify: () => void Queue.offerUnsafe(queue, undefined),
  wait: Queue.take(queue)
}))
