/**
 * Keeps the protocol's loops running: a loop that dies is restarted after a pause, counted and logged; interruption,
 * which is how the scope ends it, is not a death.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Counters } from "./telemetry/Counters.ts"
import type { Logs } from "./telemetry/Logs.ts"

/** Pauses of 10 ms, doubling to 5 s, jittered so that nodes that fail together do not return together. */
const pauses = Schedule.min([Schedule.exponential("10 millis"), Schedule.spaced("5 seconds")]).pipe(Schedule.jittered)

/** Runs `loop` in the current scope until that closes. */
export const supervise = <E>(
  name: string,
  { counters, logs }: { readonly counters: Counters; readonly logs: Logs },
  loop: Effect.Effect<never, E>
): Effect.Effect<void, never, Scope.Scope> =>
  loop.pipe(
    Effect.tapCause((cause) =>
      Cause.hasInterruptsOnly(cause) ? Effect.void : Effect.suspend(() => {
        counters.count("fiber.restarted", name)
        return logs.write(Cause.hasDies(cause) ? "LoopRestarted" : "ReceiveFailed", { reason: name, cause })
      })
    ),
    Effect.sandbox,
    Effect.retry(pauses),
    Effect.forkScoped,
    Effect.asVoid
  )
