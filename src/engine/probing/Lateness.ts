/**
 * How late the node's timers are, measured with those it has anyway.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import type { Lateness } from "../../Lateness.ts"
import { isLate } from "../../swim/probing/LocalHealth.ts"
import type { Telemetry } from "../telemetry/Telemetry.ts"

/**
 * Asked when a timer that was due at `due` (monotonic milliseconds) fires: how late it is, in milliseconds; 0 when that
 * is nothing out of the ordinary.
 */
export type LateBy = (due: number) => number

/**
 * Nobody is late where `source` is absent. It may be the application's own: where it throws, the loops that ask it go
 * on with what the timers say.
 */
export const make = (
  source: Lateness | undefined,
  { counters, logs, now, probeTimeout }: Pick<Telemetry, "counters" | "logs"> & {
    readonly now: () => number
    readonly probeTimeout: number
  }
): LateBy => {
  const ask = <A>(answer: () => A, otherwise: A): A => {
    try {
      return answer()
    } catch (error) {
      counters.count("fiber.died", "lateness")
      logs.note("LatenessDied", { cause: Cause.die(error) })
      return otherwise
    }
  }
  return (due) => {
    if (source === undefined) return 0
    const time = now()
    const late = ask(() => source.measure(due, time), Math.max(0, time - due))
    if (!isLate(late, probeTimeout)) return 0
    // an answer that came in time may have been read too late
    if (late >= probeTimeout) logs.note("NodeLate", { detail: told(late, ask(() => source.busy(), undefined)) })
    return late
  }
}

const told = (late: number, busy: number | undefined): string => {
  const by = `a timer fired ${(late / 1000).toFixed(1)} s late`
  return busy === undefined ? by : `${by}; the event loop was busy ${Math.round(100 * busy)} % of the time`
}
