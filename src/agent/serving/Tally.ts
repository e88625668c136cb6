/**
 * What the HTTP API counts: for `GET /v1/health`, and as metrics.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"

const counter = (name: string, description: string) =>
  Metric.counter(`memberlist.http.${name}`, { description, incremental: true })

const counters = {
  requests: counter("requests", "requests to the agent, by the class of their status"),
  refused: counter("refused", "requests that the agent refused before it did anything, by the reason"),
  missed: counter("missed", "events that readers of the agent's streams lost, because they were too slow"),
  unsent: counter("unsent", "changes of the cluster that the agent itself was too slow to tell of"),
  checks: counter("checks", "checks that were asked for, and answers to those of other agents, given and refused")
}

const open = Metric.gauge("memberlist.http.streams", { description: "streams of the agent that are open" })

/** What can be counted. */
export type Counted = keyof typeof counters

/**
 * What was counted.
 *
 * @category services
 * @since 0.1.0
 */
export class Tally extends Context.Service<Tally, {
  readonly add: (what: Counted, reason?: string, by?: number) => void
  readonly streams: (open: number) => void
  /** What was counted so far, `name` or `name:reason`. */
  readonly all: Effect.Effect<Readonly<Record<string, number>>>
}>()("effect-memberlist/agent/Tally") {
  static readonly layer: Layer.Layer<Tally> = Layer.effect(
    this,
    Effect.map(Effect.context<never>(), (context) => {
      const totals = new Map<string, number>()
      const instruments = new Map<string, Metric.Counter<number>>()
      const instrument = (what: Counted, reason: string | undefined): Metric.Counter<number> => {
        if (reason === undefined) return counters[what]
        const key = `${what}:${reason}`
        const known = instruments.get(key)
        if (known !== undefined) return known
        const made = Metric.withAttributes(counters[what], { reason })
        instruments.set(key, made)
        return made
      }
      return Tally.of({
        add: (what, reason, by = 1) => {
          const key = reason === undefined ? what : `${what}:${reason}`
          totals.set(key, (totals.get(key) ?? 0) + by)
          instrument(what, reason).updateUnsafe(by, context)
        },
        streams: (count) => {
          totals.set("streams", count)
          open.updateUnsafe(count, context)
        },
        all: Effect.sync(() => Object.fromEntries(totals))
      })
    })
  )
}
