import { describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Context from "effect/Context"
import { MemberlistLive } from "../../src/Memberlist.ts"
import { SimulatedCluster, VirtualTime } from "../../src/testing/index.ts"
import * as Topic from "../../src/Topic.ts"

const Orders = Topic.make("orders", Schema.Struct({ id: Schema.Int }))

const live = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): A => {
  const program = Effect.scoped(effect).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  const exit = VirtualTime.run(program, { seed: 1, limit: "1 hour" })
  if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
  return exit.value
}

class Log extends Context.Service<Log, Array<string>>()("Log") {
  static readonly layer = Layer.effect(
    Log,
    Effect.gen(function*() {
      const got: Array<string> = []
      const orders = yield* Orders
      yield* orders.subscribe.pipe(
        Stream.runForEach(({ from, value }) => Effect.sync(() => void got.push(`${value.id} of ${from}`))),
        Effect.forkScoped({ startImmediately: true })
      )
      return got
    })
  )
}
const NodeLive = Log.layer.pipe(Layer.provideMerge(Orders.layer()), Layer.provideMerge(MemberlistLive))

const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i + 1}`)

describe("a topic", () => {
  for (const [count, loss] of [[10, 0], [50, 0], [50, 0.25]] as const) {
    it(`works ${count} ${loss}`, () => {
      const seen = live(Effect.gen(function*() {
        const cluster = yield* SimulatedCluster.make({
          nodes: names(count),
          seed: 1,
          network: { latency: [1, 5] },
          layer: () => NodeLive
        })
        yield* cluster.startAll
        yield* Effect.sleep("20 seconds")
        if (loss > 0) yield* cluster.network.inject({ _tag: "Loss", from: ["*"], to: ["*"], probability: loss })
        const all = (what: string) => Effect.map(Effect.forEach(cluster.names, (name) =>
          cluster.run(name, Orders.use(({ counters }) => Effect.map(counters, (c) => c.get(what) ?? 0)))), (all) => all.reduce((a, b) => a + b))
        const parts = yield* cluster.run("n1", Orders.use((o) => o.participants))
        const rows: Array<unknown> = [parts.length]
        for (let i = 0; i < 20; i++) {
          const before = yield* all("payload.received")
          yield* cluster.run(`n${i % count + 1}`, Orders.use((orders) => orders.publish({ id: i })))
          yield* Effect.sleep("2 seconds")
          rows.push(((yield* all("payload.received")) - before) / (count - 1))
        }
        yield* Effect.sleep("5 seconds")
        const logs = yield* Effect.forEach(cluster.names, (name) => cluster.run(name, Effect.map(Log, (log) => log.slice())))
        const counters = yield* cluster.run("n1", Orders.use(({ counters }) => counters))
        return { rows, logs: logs.map((log) => log.length), dup: logs.map((log) => new Set(log).size), counters }
      }))
      console.log(count, loss, JSON.stringify(seen.rows), JSON.stringify(seen.logs), JSON.stringify(Object.fromEntries(seen.counters)))
    })
  }
})
