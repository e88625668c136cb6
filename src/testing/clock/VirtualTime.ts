/**
 * Virtual time that advances by itself: a program that sleeps for an hour ends at once, and takes the same steps each
 * time it is given the same seed.
 *
 * `TestClock` is the tool where a test decides when time passes. Here nobody has to: whenever nothing is left to do at
 * one moment, the clock moves to the next timer. It is a `Clock` on a binary heap and a `Scheduler` on one queue,
 * driven by a synchronous loop, and takes fibers in the order in which `TestClock` takes them, so both give the same
 * run.
 *
 * Real input and output never complete in it: an effect that waits for a promise is reported as stuck.
 *
 * ```ts
 * import { Effect } from "effect"
 * import { VirtualTime } from "effect-memberlist/testing"
 *
 * const exit = VirtualTime.run(Effect.sleep("1 hour"), { seed: 1 })
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Scheduler from "effect/Scheduler"
import { Sharing } from "../../engine/Sharing.ts"
import * as SharedEntries from "./SharedEntries.ts"
import { schedulerOf, TaskQueue } from "./TaskQueue.ts"
import { VirtualClock } from "./VirtualClock.ts"

/**
 * How to run.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Seeds Effect's `Random` for the whole run. */
  readonly seed: string | number
  /** The latest virtual moment, from the start; a program that is not done by then is stuck. Default: no limit. */
  readonly limit?: Duration.Input | undefined
}

/**
 * Nothing is left that could wake the program, or its time is over.
 *
 * @category errors
 * @since 0.1.0
 */
export class VirtualTimeStuck extends Error {
  override readonly name = "VirtualTimeStuck"
  constructor(millis: number, timersLeft: boolean) {
    const why = timersLeft ? "the limit is reached" : "no timer is left (does it wait for real I/O?)"
    super(`the program did not end by ${millis} ms of virtual time: ${why}`)
  }
}

/**
 * Runs a program to its end, synchronously. The exit is the program's own, or a `VirtualTimeStuck` defect.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <A, E>(effect: Effect.Effect<A, E>, options: Options): Exit.Exit<A, E> => {
  const clock = new VirtualClock()
  const tasks = new TaskQueue()
  const limit = options.limit === undefined ? Infinity : Duration.toMillis(Duration.fromInputUnsafe(options.limit))
  const context = Context.make(Clock.Clock, clock as Clock.Clock).pipe(
    Context.add(Scheduler.Scheduler, schedulerOf(tasks)),
    Context.add(Sharing, SharedEntries.make())
  )
  const fiber = Effect.runForkWith(context)(Random.withSeed(effect, options.seed))
  for (;;) {
    tasks.drain()
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return exit
    const timer = clock.timers.next(limit)
    if (timer === undefined) return Exit.die(new VirtualTimeStuck(clock.time, clock.timers.size > 0))
    clock.advance(timer.at)
    timer.fire?.()
  }
}
