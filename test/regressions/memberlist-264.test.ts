import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, startMany, view } from "../support/Cluster.ts"

describe("memberlist #264: a member that TCP does not reach while UDP does", () => {
  clusterTest(
    "(known; wanted: its lack of TCP is part of what members and events show) is a member like any other",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const nodes = yield* startMany(3)
      yield* network.cut("*", "10.0.0.3", "streams")
      yield* network.cut("10.0.0.3", "*", "streams")
      const before = nodes.map((node) => node.events.length)
      yield* TestClock.adjust("10 minutes")
      for (const [i, node] of nodes.entries()) {
        assert.deepStrictEqual(yield* view(node), ["a alive", "b alive", "c alive"])
        assert.strictEqual(node.events.length, before[i])
      }
    })
  )

  clusterTest(
    "shows in the counter of failed push/pulls",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a] = yield* startMany(2)
      yield* network.cut("*", "10.0.0.2", "streams")
      yield* TestClock.adjust("5 minutes")
      assert.isAbove((yield* a?.cluster.counters ?? Effect.succeed(new Map())).get("pushpull.failed:TransportError"), 3)
    })
  )
})
