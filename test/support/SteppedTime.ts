/**
 * `TestClock` without the event loop. Effect's own gives the event loop a turn for every timer that fires, and arms a real
 * one beside it: whole clusters take 1.7 times as long with it. This one is a synchronous loop; the order of fibers
 * is the same. Real input and output never complete in it.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scheduler from "effect/Scheduler"
import type { TestClock } from "effect/testing"
import { schedulerOf, TaskQueue } from "../../src/testing/clock/TaskQueue.ts"
import { VirtualClock } from "../../src/testing/clock/VirtualClock.ts"

/** Somebody who waits for time to pass. */
interface Step {
  /** The moment it waits for, of the moment at which its turn comes. */
  readonly until: (now: number) => number
  readonly done: () => void
  /** The moment itself, since its turn has come. */
  end?: number
}

class SteppedClock extends VirtualClock implements TestClock.TestClock {
  readonly steps: Array<Step> = []

  adjust(duration: Duration.Input): Effect.Effect<void> {
    const millis = Duration.toMillis(Duration.fromInputUnsafe(duration))
    return this.step((now) => now + millis)
  }
  setTime(timestamp: number): Effect.Effect<void> {
    return this.step(() => timestamp)
  }
  withLive<A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return effect
  }

  private step(until: Step["until"]): Effect.Effect<void> {
    return Effect.callback<void>((resume) => {
      const step: Step = { until, done: () => resume(Effect.void) }
      this.steps.push(step)
      return Effect.sync(() => {
        const at = this.steps.indexOf(step)
        if (at >= 0) this.steps.splice(at, 1)
      })
    })
  }
}

/** After so many batches of tasks at one moment time goes on all the same: a fiber that never waits does not stop it. */
const BUSY = 1_000

/** Runs a test whose `TestClock` this is to its end; throws what it fails with. */
export const run = <A, E>(test: Effect.Effect<A, E>): A => {
  const clock = new SteppedClock()
  const tasks = new TaskQueue()
  const context = Context.make(Clock.Clock, clock as Clock.Clock).pipe(
    Context.add(Scheduler.Scheduler, schedulerOf(tasks))
  )
  const fiber = Effect.runForkWith(context)(test)
  for (;;) {
    tasks.drain(BUSY)
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) {
      if (Exit.isSuccess(exit)) return exit.value
      throw Cause.squash(exit.cause)
    }
    const [step] = clock.steps
    if (step === undefined && !tasks.isEmpty) continue
    if (step === undefined) throw new Error(`the test waits at ${clock.time} ms, and nobody adjusts the clock`)
    const until = step.end ??= step.until(clock.time)
    const timer = clock.timers.next(until)
    if (timer === undefined) {
      clock.steps.shift()
      clock.advance(Math.max(until, clock.time))
      step.done()
    } else {
      clock.advance(timer.at)
      timer.fire?.()
    }
  }
}
