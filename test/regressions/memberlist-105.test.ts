import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, passing, start } from "../support/Cluster.ts"

/** 32 hosts that are down, each of which costs a TCP timeout of 10 s. */
const down = Array.from({ length: 32 }, (_, i) => `10.0.9.${i + 1}`)
const seeds = [...down, "10.0.0.1"]

const switchOff = Effect.gen(function*() {
  const network = yield* SimulatedNetwork
  for (const host of down) yield* network.crash(host)
})

const duration = Effect.fnUntraced(function*(joinConcurrency: number) {
  yield* switchOff
  yield* start("a", "10.0.0.1")
  const b = yield* start("b", "10.0.0.2", { config: { joinConcurrency } })
  const before = yield* Clock.currentTimeMillis
  const report = yield* passing(b.cluster.join(seeds))
  assert.strictEqual(report.contacted.length, 1)
  assert.strictEqual(report.failed.length, 32)
  return ((yield* Clock.currentTimeMillis) - before) / 1000
})

describe("memberlist #105: a join through 33 seeds of which 32 do not answer", () => {
  for (const [concurrency, seconds] of [[1, 320], [4, 80], [33, 10]] as const) {
    clusterTest(
      `takes ${seconds} seconds with joinConcurrency ${concurrency}`,
      Effect.gen(function*() {
        assert.closeTo(yield* duration(concurrency), seconds, 1)
      })
    )
  }

  clusterTest(
    "is known to others at once, and ends then for those who ask for the first success",
    Effect.gen(function*() {
      yield* switchOff
      const a = yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2", { config: { joinConcurrency: 33 } })
      const all = yield* Effect.forkChild(b.cluster.join(seeds), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* a.cluster.members).length, 2)
      assert.isUndefined(all.pollUnsafe())
      const c = yield* start("c", "10.0.0.3", { config: { joinConcurrency: 33 } })
      const first = yield* Effect.forkChild(c.cluster.join(seeds, { until: "first" }), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      const { contacted, failed, untried } = yield* Fiber.join(first)
      assert.deepStrictEqual(contacted, [{ seed: "10.0.0.1", address: "10.0.0.1:7946" }])
      assert.deepStrictEqual([failed, untried], [[], down])
      assert.strictEqual((yield* a.cluster.members).length, 3)
    })
  )

  clusterTest(
    "can be interrupted at any time",
    Effect.gen(function*() {
      yield* switchOff
      yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2")
      const join = yield* Effect.forkChild(b.cluster.join(seeds), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(join)
      assert.isDefined(join.pollUnsafe())
    })
  )
})
