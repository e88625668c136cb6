/**
 * The fibers that calls of the delegate's hooks run in (`Work.ts`). They are the one exception to "every fiber ends
 * with its scope": the end of the scope interrupts them, and does not wait for them, because a hook may refuse to be
 * interrupted. Those that had not ended by then are counted and logged.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Scope from "effect/Scope"
import type { Delegate } from "../../Delegate.ts"
import type { Counters } from "../telemetry/Counters.ts"
import type { Logs } from "../telemetry/Logs.ts"
import type { Work } from "../Work.ts"

type Hook = keyof Delegate

export interface HookFibers {
  /** Starts a call; `undefined`, with nothing called, when there are too many, or the node has closed. */
  readonly start: <A, E>(hook: Hook, call: Effect.Effect<A, E>) => Fiber.Fiber<A, E> | undefined
  /** Gives up on a call: it is interrupted, and stuck until it ends. */
  readonly abandon: (hook: Hook, fiber: Fiber.Fiber<unknown, unknown>) => void
  /** How many calls that were given up have not ended. */
  readonly stuck: (hook: Hook) => number
  /** Notifies after so long, or when the node closes. Returns how to cancel it. */
  readonly after: (millis: number, notify: () => void) => () => void
  /** Whether the node has closed: then nothing is started, and what ends is nobody's concern. */
  readonly closed: () => boolean
}

/** Counts the calls by hook. */
const byHook = (hooks: Iterable<Hook>): ReadonlyMap<Hook, number> => {
  const out = new Map<Hook, number>()
  for (const hook of hooks) out.set(hook, (out.get(hook) ?? 0) + 1)
  return out
}

export const make = Effect.fnUntraced(function*(
  work: Work,
  counters: Counters,
  logs: Logs
): Effect.fn.Return<HookFibers, never, Scope.Scope> {
  const running = new Map<Fiber.Fiber<unknown, unknown>, Hook>()
  const stuck = new Map<Hook, number>()
  const waits = new Set<() => void>()
  let closed = false

  const report = Effect.suspend(() =>
    Effect.forEach(byHook(running.values()), ([hook, calls]) => {
      counters.count("hook.stuck", hook, calls)
      return logs.write("HookStuck", { reason: hook, detail: calls === 1 ? "1 call" : `${calls} calls` })
    }, { discard: true })
  )

  yield* Effect.addFinalizer(() =>
    Effect.withFiber((current) => {
      closed = true
      // A hook that closes the node itself is not cut off in the middle of doing so.
      running.delete(current)
      for (const fiber of running.keys()) fiber.interruptUnsafe()
      for (const end of waits) end()
      // One turn, for those that have something to clean up.
      return running.size === 0 ? Effect.void : Effect.andThen(Effect.yieldNow, report)
    })
  )

  return {
    start: (hook, call) => {
      if (closed) return undefined
      const fiber = work.watch("hook", call)
      if (fiber !== undefined && fiber.pollUnsafe() === undefined) {
        running.set(fiber, hook)
        fiber.addObserver(() => running.delete(fiber))
      }
      return fiber
    },
    abandon: (hook, fiber) => {
      stuck.set(hook, (stuck.get(hook) ?? 0) + 1)
      fiber.addObserver((exit) => {
        stuck.set(hook, (stuck.get(hook) ?? 1) - 1)
        if (closed || Exit.isSuccess(exit) || !Cause.hasDies(exit.cause)) return
        counters.count("hook.died", hook)
        logs.note("HookDied", { reason: hook, cause: exit.cause })
      })
      fiber.interruptUnsafe()
    },
    stuck: (hook) => stuck.get(hook) ?? 0,
    after: (millis, notify) => {
      const over = Effect.sync(() => {
        if (waits.delete(end)) notify()
      })
      const fiber = work.watch("deadline", Effect.andThen(Effect.sleep(millis), over))
      const cancel = () => {
        waits.delete(end)
        fiber?.interruptUnsafe()
      }
      const end = () => {
        cancel()
        notify()
      }
      waits.add(end)
      return cancel
    },
    closed: () => closed
  }
})
