/**
 * What can be seen of a node from outside: counters, metrics, logs.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import type { MemberlistConfig } from "../../MemberlistConfig.ts"
import * as Counters from "./Counters.ts"
import * as Logs from "./Logs.ts"
import * as Metrics from "./Metrics.ts"

export interface Telemetry {
  readonly counters: Counters.Counters
  readonly metrics: Metrics.Metrics
  readonly logs: Logs.Logs
  /** Whether the program has a tracer: without one nobody sees a span. */
  readonly isTraced: boolean
}

/** Makes the telemetry of a node that tells the time by `now`, in monotonic milliseconds. */
export const make = Effect.fnUntraced(function*(
  { metricLabels, name }: MemberlistConfig["Service"],
  now: () => number
) {
  const context = yield* Effect.context<never>()
  const counters = Counters.make(context, metricLabels)
  const debugs = LogLevel.isGreaterThanOrEqualTo("Debug", Context.get(context, References.MinimumLogLevel))
  const logs = yield* Logs.make({ name, now, onDrop: () => counters.count("log.dropped"), debugs })
  const isTraced = Context.getOrUndefined(context, Tracer.Tracer) !== undefined
  return { counters, metrics: Metrics.make(context, metricLabels), logs, isTraced }
})
