import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, joinAt, startMany, view } from "../support/Cluster.ts"

const left = ["10.0.0.1", "10.0.0.2"]
const right = ["10.0.0.3", "10.0.0.4"]

describe("memberlist #222: a cluster that was split", () => {
  clusterTest(
    "is whole again when the split was shorter than the suspicions",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const nodes = yield* startMany(4)
      yield* network.partition([left, right])
      yield* TestClock.adjust("3 seconds")
      yield* network.heal()
      yield* TestClock.adjust("60 seconds")
      for (const node of nodes) assert.strictEqual((yield* view(node)).length, 4)
    })
  )

  clusterTest(
    "is whole again when the dead are still gossiped to",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const nodes = yield* startMany(4, { config: { gossipToTheDeadTime: "10 minutes" } })
      yield* network.partition([left, right])
      yield* TestClock.adjust("2 minutes")
      yield* network.heal()
      // nothing is left to be gossiped, so only news makes them talk to the dead
      yield* nodes[0]?.cluster.updateMeta(Uint8Array.of(1)) ?? Effect.void
      yield* TestClock.adjust("2 minutes")
      for (const node of nodes) assert.strictEqual((yield* view(node)).length, 4)
    })
  )

  clusterTest(
    "is whole again within a minute when everybody has forgotten the other side",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const nodes = yield* startMany(4)
      yield* network.partition([left, right])
      yield* TestClock.adjust("3 minutes")
      yield* network.heal()
      yield* TestClock.adjust("1 minute")
      for (const node of nodes) assert.strictEqual((yield* view(node)).length, 4)
    })
  )

  clusterTest(
    "stays split without recovery when everybody has forgotten the other side",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const nodes = yield* startMany(4, { config: { recovery: false } })
      yield* network.partition([left, right])
      yield* TestClock.adjust("3 minutes")
      yield* network.heal()
      yield* TestClock.adjust("10 minutes")
      const sides = [["a alive", "b alive"], ["a alive", "b alive"], ["c alive", "d alive"], ["c alive", "d alive"]]
      for (const [i, node] of nodes.entries()) assert.deepStrictEqual(yield* view(node), sides[i])
    })
  )

  clusterTest(
    "is healed by one join",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const nodes = yield* startMany(4)
      yield* network.partition([left, right])
      yield* TestClock.adjust("3 minutes")
      yield* network.heal()
      const [first, , third] = nodes
      if (first === undefined || third === undefined) return assert.fail("four nodes")
      yield* joinAt(first, third.address)
      yield* TestClock.adjust("10 seconds")
      for (const node of nodes) assert.strictEqual((yield* view(node)).length, 4)
    })
  )
})
