/** Layers whose build is interrupted. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import { MaxOpsBeforeYield } from "effect/Scheduler"

/** What is left of a build. */
export interface Remains {
  /** Whether it was complete by then. */
  readonly isBuilt: boolean
  /** How many of its fibers still run. */
  readonly fibers: () => number
}

/**
 * Builds a layer and interrupts it, released again if it was complete, after so many turns of the scheduler. A turn has
 * the fewest operations with which a fiber gets on. `ending` runs the interruption, where virtual time has to pass for
 * it.
 */
export const interruptedAfter = Effect.fnUntraced(function*<A, E, R>(
  steps: number,
  layer: Layer.Layer<A, E, R>,
  ending: (interruption: Effect.Effect<void>) => Effect.Effect<void> = (interruption) => interruption
): Effect.fn.Return<Remains, never, R> {
  let active = 0
  let isBuilt = false
  const counting = {
    recordFiberStart: () => void active++,
    recordFiberEnd: () => void active--
  }
  const build = Layer.build(layer).pipe(
    Effect.andThen(Effect.sync(() => void (isBuilt = true))),
    Effect.andThen(Effect.never),
    Effect.scoped,
    Effect.provideService(MaxOpsBeforeYield, 3),
    Effect.provideService(Metric.FiberRuntimeMetrics, counting)
  )
  const fiber = yield* Effect.forkDetach(build)
  for (let i = 0; i < steps; i++) yield* Effect.yieldNow
  yield* ending(Fiber.interrupt(fiber))
  return { isBuilt, fibers: () => active }
})
