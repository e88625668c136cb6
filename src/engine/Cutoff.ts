/**
 * Work that something else may cut off: the end of the node, or a deadline. Both hardly ever come, and with
 * `Effect.raceFirst` a fiber waits for each, beside the one that works: here only the work has a fiber.
 *
 * @since 0.1.0
 */
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
