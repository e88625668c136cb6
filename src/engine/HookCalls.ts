/**
 * Calls the hooks whose answer the protocol waits for, so that none of them can stop it: each call runs in a fiber of its
 * own and has a time to answer. One that dies, is too late, or is reached again from inside itself gives no answer; that
 * is counted and told, and the caller goes on with what no answer means there.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as FiberSet from "effect/FiberSet"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Delegate } from "../Delegate.ts"
import type { Counters } from "./Counters.ts"
import * as Fibers from "./Fibers.ts"
import type { Logs } from "./Logs.ts"

/** A hook that answers. */
export type Asked = "admit" | "merge" | "ackPayload" | "localState" | "broadcasts"

/**
 * Calls of one hook that were too late and do not end when they are interrupted. With so many of them the hook is not
 * called again until one ends.
 */
export const MAX_STUCK = 16

/** Acks that may wait for their payload at one time; further ones are sent without. */
export const MAX_ASIDE = 1024

/** The hooks that the current fiber is inside of. */
const Inside = Context.Reference<ReadonlySet<keyof Delegate>>("effect-memberlist/engine/HookCalls/Inside", {
  defaultValue: () => new Set()
})

export interface HookCalls {
  /** The hook's answer within `millis`, or none. A typed failure is an answer. */
  readonly ask: <A, E>(
    hook: Asked,
    millis: number,
    call: () => Effect.Effect<A, E>
  ) => Effect.Effect<Option.Option<A>, E>
  /** Runs work that may have to wait for hooks beside the current fiber; `false` when too much of it is waiting. */
  readonly aside: (work: Effect.Effect<void>) => Effect.Effect<boolean>
  /** How much such work there is. */
  readonly asides: () => number
}

const entries = { died: "HookDied", late: "HookLate", reentered: "HookReentered" } as const

export const make = Effect.fnUntraced(function*(
  counters: Counters,
  logs: Logs
): Effect.fn.Return<HookCalls, never, Scope.Scope> {
  const calls = yield* FiberSet.make<unknown, unknown>()
  const waiting = yield* FiberSet.make<void>()
  const stuck = new Map<Asked, number>()

  const noAnswer = (hook: Asked, why: keyof typeof entries, cause?: Cause.Cause<unknown>) => {
    counters.count(`hook.${why}`, hook)
    logs.note(entries[why], { reason: hook, cause })
    return Effect.succeedNone
  }

  /** The answer of a call that has ended. Whatever is neither a value nor a failure of the hook's own type is a death. */
  const answerOf = <A, E>(hook: Asked, exit: Exit.Exit<A, E>): Effect.Effect<Option.Option<A>, E> => {
    if (Exit.isSuccess(exit)) return Effect.succeed(Option.some(exit.value))
    const failure = Cause.findError(exit.cause)
    return Result.isSuccess(failure) ? Effect.fail(failure.success) : noAnswer(hook, "died", exit.cause)
  }

  /** Gives up on a call. It is interrupted, but not waited for: it may refuse to end. */
  const abandon = <A, E>(hook: Asked, fiber: Fiber.Fiber<A, E>) => {
    stuck.set(hook, (stuck.get(hook) ?? 0) + 1)
    fiber.addObserver(() => stuck.set(hook, (stuck.get(hook) ?? 1) - 1))
    fiber.interruptUnsafe()
    return noAnswer(hook, "late")
  }

  return {
    ask: Effect.fnUntraced(function*(hook, millis, call) {
      const inside = yield* Inside
      if (inside.has(hook)) return yield* noAnswer(hook, "reentered")
      if ((stuck.get(hook) ?? 0) >= MAX_STUCK) return yield* noAnswer(hook, "late")
      const effect = Effect.provideService(Effect.suspend(call), Inside, new Set([...inside, hook]))
      const fiber = yield* FiberSet.run(calls, effect)
      // A hook that does not wait for anything has answered already, without a timer.
      const exit = fiber.pollUnsafe() ?? (yield* Effect.timeoutOption(Fiber.await(fiber), Duration.millis(millis)).pipe(
        Effect.onInterrupt(() => Effect.sync(() => fiber.interruptUnsafe())),
        Effect.map(Option.getOrUndefined)
      ))
      return yield* exit === undefined ? abandon(hook, fiber) : answerOf(hook, exit)
    }),
    aside: (work) =>
      Effect.flatMap(
        FiberSet.size(waiting),
        (size) => size >= MAX_ASIDE ? Effect.succeed(false) : Effect.as(FiberSet.run(waiting, work), true)
      ),
    asides: () => Fibers.inSet(waiting)
  }
})
