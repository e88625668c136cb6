import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import type { JoinOptions } from "../../../src/Memberlist.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, passing, start, view } from "../../support/Cluster.ts"

/** Seven nodes that do not know each other, and one that joins them. */
const strangers = Effect.gen(function*() {
  for (let i = 1; i <= 7; i++) yield* start(`n${i}`, `10.0.0.${i}`)
  return yield* start("z", "10.0.0.100")
})
const seeds = Array.from({ length: 7 }, (_, i) => `10.0.0.${i + 1}`)

const joined = Effect.fnUntraced(function*(options?: JoinOptions) {
  const node = yield* strangers
  const report = yield* passing(node.cluster.join(seeds, options))
  return { ...report, members: (yield* view(node)).length }
})

/** 32 hosts that take 10 s each to fail, and one that answers behind one name. */
const hosts = { "many.test": [...Array.from({ length: 32 }, (_, i) => `10.0.9.${i + 1}`), "10.0.0.1"] }

describe("a join", () => {
  for (const [what, options] of [["nothing else is", undefined], ["all are", { until: "all" }]] as const) {
    clusterTest(
      `tries all seeds when ${what} asked for`,
      Effect.gen(function*() {
        const { contacted, untried } = yield* joined(options)
        assert.deepStrictEqual([contacted.length, untried], [7, []])
      })
    )
  }

  clusterTest(
    "until the first peer has answered leaves the rest untried",
    Effect.gen(function*() {
      const { contacted, failed, members, untried } = yield* joined({ until: "first" })
      assert.strictEqual(contacted.length, 1)
      assert.strictEqual(failed.length, 0)
      assert.sameMembers([...contacted.map(({ seed }) => seed), ...untried], seeds)
      assert.isAtLeast(members, 2)
    })
  )

  for (const [until, contacted] of [[3, 3], [1, 1], [0, 1], [-5, 1], [7, 7], [100, 7], [Number.NaN, 7]] as const) {
    clusterTest(
      `until ${until} of seven peers have answered contacts ${contacted}, one at a time`,
      Effect.gen(function*() {
        yield* strangers
        const node = yield* start("y", "10.0.0.101", { config: { joinConcurrency: 1 } })
        const report = yield* passing(node.cluster.join(seeds, { until }))
        assert.strictEqual(report.contacted.length, contacted)
        assert.deepStrictEqual(report.untried, seeds.slice(contacted))
      })
    )
  }

  clusterTest(
    "with fewer peers than it wants is a join all the same, and one with none fails",
    Effect.gen(function*() {
      yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2")
      const report = yield* passing(b.cluster.join(["10.0.0.1", "10.0.0.8", "10.0.0.9"], { until: 2 }))
      assert.deepStrictEqual([report.contacted.length, report.failed.length, report.untried.length], [1, 2, 0])
      const error = yield* passing(Effect.flip(b.cluster.join(["10.0.0.8", "x/y/z"], { until: "first" })))
      assert.strictEqual(error._tag, "JoinFailed")
    })
  )

  clusterTest(
    "through a name with 33 addresses tries as many of them at once as of seeds",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      for (const host of hosts["many.test"].slice(0, 32)) yield* network.crash(host)
      yield* start("a", "10.0.0.1")
      const took = Effect.fnUntraced(function*(name: string, ip: string, options: JoinOptions = {}) {
        const node = yield* start(name, ip, { config: { joinConcurrency: 11 } })
        const before = yield* Clock.currentTimeMillis
        const report = yield* passing(node.cluster.join(["many.test"], options))
        assert.strictEqual(report.contacted.length, 1)
        return { seconds: ((yield* Clock.currentTimeMillis) - before) / 1000, report }
      })
      assert.closeTo((yield* took("b", "10.0.0.2")).seconds, 30, 1)
      const first = yield* took("c", "10.0.0.3", { until: "first" })
      assert.closeTo(first.seconds, 20, 1)
      assert.deepStrictEqual([first.report.failed.length, first.report.untried], [22, ["many.test"]])
    }),
    { hosts }
  )

  clusterTest(
    "in one scope with fewer peers leaves with it",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2")
      yield* passing(
        Effect.scoped(Effect.andThen(b.cluster.joinScoped(["10.0.0.1", "10.0.0.9"], { until: 1 }), Effect.sleep(1_000)))
      )
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* view(a), ["a alive"])
    })
  )

  for (let at = 0; at <= 60; at += 5) {
    clusterTest(
      `that is interrupted after ${at} ms has happened or not, and the next one works`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1")
        yield* start("b", "10.0.0.2")
        const c = yield* start("c", "10.0.0.3")
        const joining = yield* Effect.forkChild(c.cluster.join(["10.0.0.1", "10.0.0.2", "10.0.0.9"], { until: 2 }), {
          startImmediately: true
        })
        yield* TestClock.adjust(at)
        yield* passing(Fiber.interrupt(joining))
        yield* passing(c.cluster.join(["10.0.0.2", "10.0.0.1"], { until: 2 }))
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* view(c), ["a alive", "b alive", "c alive"])
        assert.deepStrictEqual(yield* view(a), ["a alive", "b alive", "c alive"])
      })
    )
  }
})
