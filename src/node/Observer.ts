/**
 * What the sockets count and log, with the labels and the log of their node. The protocol has its own counters: it starts
 * after the sockets are open.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Counters from "../engine/telemetry/Counters.ts"
import * as Logs from "../engine/telemetry/Logs.ts"
import type { MemberlistConfig } from "../MemberlistConfig.ts"

export interface Observer {
  readonly count: Counters.Counters["count"]
  readonly log: Logs.Logs["write"]
}

/** Sees nothing. */
export const blind: Observer = { count: () => {}, log: () => Effect.void }

/** An observer for the sockets of one node, and what it has counted. It writes until the scope closes. */
export const make = Effect.fnUntraced(function*(
  config: MemberlistConfig["Service"]
): Effect.fn.Return<Observer & { readonly totals: Counters.Counters["totals"] }, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const counters = Counters.make(yield* Effect.context<never>(), config.metricLabels)
  const logs = yield* Logs.make({
    name: config.name,
    now: () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6,
    onDrop: () => counters.count("log.dropped")
  })
  yield* Effect.addFinalizer(() => logs.flush)
  yield* Effect.forkScoped(logs.loop)
  return { count: counters.count, log: logs.write, totals: counters.totals }
})
