/**
 * Calls the delegate's hooks, so that none of them can stop the protocol: each call runs in a fiber of its own, which
 * whoever waits for it can leave behind. A hook that is asked has a time to answer. One that dies, is too late, or is
 * reached again from inside itself gives no answer; that is counted and told, and the caller goes on with what no
 * answer means there.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Delegate } from "../../Delegate.ts"
import type { JoinRejected } from "../../MemberlistError.ts"
import type { Counters } from "../telemetry/Counters.ts"
import type { Logs } from "../telemetry/Logs.ts"
import type { Work } from "../Work.ts"
import * as Answers from "./Answers.ts"
import * as HookFibers from "./HookFibers.ts"

/**
 * Calls of one hook that were given up and do not end when they are interrupted. With so many of them the hook is not
 * called again until one ends.
 */
export const MAX_STUCK = 16

/** One call of a hook. */
interface Call {
  ended: boolean
}

/**
 * The calls that the current fiber was started from inside of, by hook. A fiber that a hook leaves behind keeps them,
 * so each knows whether it has ended.
 */
const Inside = Context.Reference<ReadonlyMap<keyof Delegate, Call>>("effect-memberlist/engine/HookCalls/Inside", {
  defaultValue: () => new Map()
})

export interface HookCalls {
  /** The hook's answer within `millis`, or none. */
  readonly ask: <A>(
    hook: "ackPayload" | "localState" | "broadcasts",
    millis: number,
    call: () => Effect.Effect<A>
  ) => Effect.Effect<Option.Option<A>>
  /** The same for a hook that decides; its refusal is an answer. */
  readonly judge: (
    hook: "admit" | "merge",
    millis: number,
    call: () => Effect.Effect<void, JoinRejected>
  ) => Effect.Effect<Option.Option<void>, JoinRejected>
  /** Tells a hook, and waits until it has ended, however long that takes; whoever is interrupted does not wait. */
  readonly tell: (hook: keyof Delegate, call: () => Effect.Effect<void>) => Effect.Effect<void>
}

const entries = { died: "HookDied", late: "HookLate", reentered: "HookReentered" } as const

export const make = Effect.fnUntraced(function*(
  work: Work,
  counters: Counters,
  logs: Logs
): Effect.fn.Return<HookCalls, never, Scope.Scope> {
  const fibers = yield* HookFibers.make(work, counters, logs)

  const tellOf = (hook: keyof Delegate, why: keyof typeof entries, cause?: Cause.Cause<unknown>): void => {
    if (fibers.closed()) return
    counters.count(`hook.${why}`, hook)
    logs.note(entries[why], { reason: hook, cause })
  }

  const noAnswer = (hook: Answers.Asked, why: keyof typeof entries, cause?: Cause.Cause<unknown>) => {
    tellOf(hook, why, cause)
    return Effect.succeedNone
  }

  /**
   * The answer of a call that has ended. Whatever is neither a value nor a failure of the hook's own type is a death.
   */
  const answerOf = <A, E>(hook: Answers.Asked, exit: Exit.Exit<A, E>): Effect.Effect<Option.Option<A>, E> => {
    if (Exit.isSuccess(exit)) return Effect.succeed(Option.some(exit.value))
    const failure = Cause.findError(exit.cause)
    return Result.isSuccess(failure) ? Effect.fail(failure.success) : noAnswer(hook, "died", exit.cause)
  }

  /** One call. It is started, and left behind, in one step with the wait, so that no interruption can fall between. */
  const call = <A, E>(
    hook: Answers.Asked,
    millis: number,
    effect: Effect.Effect<A, E>
  ): Effect.Effect<Option.Option<A>, E> =>
    Effect.callback((resume) => {
      const fiber = fibers.start(hook, effect)
      if (fiber === undefined) return resume(Effect.succeedNone)
      const exit = fiber.pollUnsafe()
      // A hook that does not wait for anything has answered already, without a timer.
      if (exit !== undefined) return resume(answerOf(hook, exit))
      const cancel = fibers.after(millis, () => {
        leave()
        resume(noAnswer(hook, "late"))
      })
      const forget = fiber.addObserver((exit) => {
        cancel()
        resume(answerOf(hook, exit))
      })
      const leave = () => {
        cancel()
        forget()
        fibers.abandon(hook, fiber)
      }
      return Effect.sync(leave)
    })

  const ask = <A, E>(
    hook: Answers.Asked,
    millis: number,
    effect: Effect.Effect<A, E>
  ): Effect.Effect<Option.Option<A>, E> =>
    Effect.flatMap(Inside, (inside) => {
      if (inside.get(hook)?.ended === false) return noAnswer(hook, "reentered")
      if (fibers.stuck(hook) >= MAX_STUCK) return noAnswer(hook, "late")
      const own: Call = { ended: false }
      const ends = Effect.ensuring(effect, Effect.sync(() => void (own.ended = true)))
      return call(hook, millis, Effect.provideService(ends, Inside, new Map([...inside, [hook, own]])))
    })

  return {
    ask: (hook, millis, call) =>
      ask(
        hook,
        millis,
        Effect.catch(Answers.checked(hook, call), (error) => Effect.die(Answers.unexpected(hook, error)))
      ),
    judge: (hook, millis, call) =>
      ask(
        hook,
        millis,
        Effect.mapError(Answers.checked(hook, call), (error) => {
          const { mistake, refusal } = Answers.refusalOf(hook, error)
          if (mistake !== undefined) tellOf(hook, "died", Cause.die(mistake))
          return refusal
        })
      ),
    tell: (hook, call) =>
      Effect.callback((resume) => {
        const fiber = fibers.start(
          hook,
          Effect.catchCause(Answers.checked(hook, call), (cause) => Effect.sync(() => tellOf(hook, "died", cause)))
        )
        if (fiber === undefined) return resume(Effect.void)
        const forget = fiber.addObserver(() => resume(Effect.void))
        return Effect.sync(() => {
          forget()
          fibers.abandon(hook, fiber)
        })
      })
  }
})
