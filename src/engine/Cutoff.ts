/**
 * Work, or a wait, that something else may cut off: the end of the node, or a deadline. Those hardly ever come, and
 * with `Effect.raceFirst` both sides have a fiber: here only one has.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Interrupts the work, which then has this outcome. */
export type Cut<A, E> = (outcome: Effect.Effect<A, E>) => void

/**
 * Runs work that may be cut off. `listen` is told how, when the work waits for the first time, and returns what is done
 * when it has ended, however it did. An interruption of the caller is one of the work.
 */
export const cuttable = <A, E, B, F>(
  work: Effect.Effect<A, E>,
  listen: (cut: Cut<B, F>) => () => void
): Effect.Effect<A | B, E | F> =>
  Effect.withFiber((caller) =>
    Effect.callback<A | B, E | F>((resume) => {
      const fiber = Effect.runForkWith(caller.context)(work)
      const exit = fiber.pollUnsafe()
      if (exit !== undefined) return resume(exit)
      let outcome: Effect.Effect<A | B, E | F> | undefined
      const stop = listen((instead) => {
        outcome ??= instead
        fiber.interruptUnsafe(caller.id)
      })
      fiber.addObserver((exit) => {
        stop()
        resume(outcome ?? exit)
      })
      return Fiber.interrupt(fiber)
    })
  )

/**
 * Waits for an answer for at most `millis`, and has `late` instead when none came. `there` gives one that has come
 * already: it is asked in the same operation that begins to listen, because an answer may come between any two.
 * `listen` is given what takes the answer, and answers how to stop listening; it must not call back at once. It is
 * `Effect.timeoutOption` with one fiber for the time, where that has one for the answer as well: every probe waits like
 * this.
 */
export const within = <A, B>(
  millis: () => number,
  late: B,
  there: () => A | undefined,
  listen: (answered: (answer: A) => void) => () => void
): Effect.Effect<A | B> =>
  Effect.contextWith((context: Context.Context<never>) =>
    Effect.callback<A | B>((resume) => {
      const already = there()
      if (already !== undefined) return resume(Effect.succeed(already))
      const timer = Effect.runForkWith(context)(Effect.sleep(millis()))
      const end = () => {
        forget()
        timer.interruptUnsafe()
        stop()
      }
      const stop = listen((answer) => {
        end()
        resume(Effect.succeed(answer))
      })
      const forget = timer.addObserver(() => {
        stop()
        resume(Effect.succeed(late))
      })
      return Effect.sync(end)
    })
  )
