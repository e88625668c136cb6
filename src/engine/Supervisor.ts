/**
 * Keeps the protocol's loops running: a loop that dies is restarted after a pause, counted and logged; interruption,
 * which is how the scope ends it, is not a death.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Counters } from "./telemetry/Counters.ts"
import type { Logs } from "./telemetry/Logs.ts"

/** The pause after a first death, in milliseconds. Each further one is twice as long. */
export const FIRST_PAUSE = 10

/** The longest pause, in milliseconds. */
export const LONGEST_PAUSE = 5_000

/**
 * A loop that ran for so long is well: its next death is a first one again. Milliseconds; six times the longest pause,
 * and longer than the intervals of all loops but the push/pull, so that a loop that dies at each of its turns is not
 * taken for well.
 */
export const WELL_AFTER = 30_000

/** What the supervisor needs of a node. */
export interface Supervised {
  readonly counters: Counters
  readonly logs: Logs
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Uniform in [0, 1). */
  readonly random: () => number
}

/** Runs `loop`, again and again. Pauses differ by a fifth, so that nodes that fail together do not return together. */
const restarting = Effect.fnUntraced(function*<E>(
  name: string,
  { counters, logs, now, random }: Supervised,
  loop: Effect.Effect<never, E>
): Effect.fn.Return<never> {
  let pause = FIRST_PAUSE
  for (;;) {
    const begun = now()
    const cause = yield* Effect.flip(Effect.sandbox(loop))
    if (now() - begun >= WELL_AFTER) pause = FIRST_PAUSE
    counters.count("fiber.restarted", name)
    const failed = Cause.hasFails(cause) && !Cause.hasDies(cause)
    yield* logs.write(failed ? "ReceiveFailed" : "LoopRestarted", { reason: name, cause })
    yield* Effect.sleep(Duration.millis(pause * (0.8 + 0.4 * random())))
    pause = Math.min(LONGEST_PAUSE, 2 * pause)
  }
})

/** Runs `loop` in the current scope until that closes. */
export const supervise = <E>(
  name: string,
  node: Supervised,
  loop: Effect.Effect<never, E>
): Effect.Effect<void, never, Scope.Scope> => Effect.asVoid(Effect.forkScoped(restarting(name, node, loop)))
