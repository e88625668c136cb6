/**
 * How late the node's timers are, measured with those it has anyway.
 *
 * @since 0.1.0
 */
import type { Lateness } from "../../Lateness.ts"
import { isLate } from "../../swim/probing/LocalHealth.ts"
import type { Logs } from "../telemetry/Logs.ts"

/**
 * Asked when a timer that was due at `due` (monotonic milliseconds) fires: how late it is, in milliseconds; 0 when that
 * is nothing out of the ordinary.
 */
export type LateBy = (due: number) => number

/** Nobody is late where `source` is absent. */
export const make = (
  source: Lateness | undefined,
  { logs, now, probeTimeout }: { readonly logs: Logs; readonly now: () => number; readonly probeTimeout: number }
): LateBy =>
(due) => {
  if (source === undefined) return 0
  const late = source.measure(due, now())
  if (!isLate(late, probeTimeout)) return 0
  // an answer that came in time may have been read too late
  if (late >= probeTimeout) logs.note("NodeLate", { detail: told(late, source.busy()) })
  return late
}

const told = (late: number, busy: number | undefined): string => {
  const by = `a timer fired ${(late / 1000).toFixed(1)} s late`
  return busy === undefined ? by : `${by}; the event loop was busy ${Math.round(100 * busy)} % of the time`
}
