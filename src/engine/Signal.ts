/**
 * Wakes a waiting fiber from synchronous code, always through the scheduler. (`Latch` and `Deferred` may run the woken
 * fiber at once, inside the caller: a subscriber's code would then run in the middle of a rule's atomic step.)
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Scheduler from "effect/Scheduler"

export interface Signal {
  /** Wakes the waiter, or the next one to wait. Notifying twice before anybody waits is notifying once. */
  readonly notify: () => void
  /** For one fiber at a time. */
  readonly wait: Effect.Effect<void>
}

export const make: Effect.Effect<Signal> = Effect.map(Scheduler.Scheduler, (scheduler) => {
  const dispatcher = scheduler.makeDispatcher()
  let isTold = false
  let isScheduled = false
  let waiter: ((woken: Effect.Effect<void>) => void) | undefined

  const wake = () => {
    isScheduled = false
    if (!isTold || waiter === undefined) return
    const resume = waiter
    isTold = false
    waiter = undefined
    resume(Effect.void)
  }

  return {
    notify: () => {
      isTold = true
      if (waiter === undefined || isScheduled) return
      isScheduled = true
      dispatcher.scheduleTask(wake, 0)
    },
    wait: Effect.callback<void>((resume) => {
      if (isTold) {
        isTold = false
        return resume(Effect.void)
      }
      waiter = resume
      return Effect.sync(() => {
        if (waiter === resume) waiter = undefined
      })
    })
  }
})
