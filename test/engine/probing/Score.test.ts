import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, startMany } from "../../support/Cluster.ts"

describe("local health", () => {
  clusterTest(
    "stays good when a probe fails but every helper says that it failed for them too",
    Effect.gen(function*() {
      // A helper nacks after its own probe timeout: with LAN defaults (500 ms of a 1 s interval) that is just too late.
      const nodes = yield* startMany(4, { config: { probeTimeout: "200 millis" } })
      const net = yield* SimulatedNetwork
      yield* net.crash("10.0.0.4")
      for (let i = 0; i < 40; i++) {
        yield* TestClock.adjust("250 millis")
        for (const node of nodes.slice(0, 3)) assert.strictEqual(yield* node.cluster.health, 0)
      }
      assert.include(nodes[0]!.seen, "MemberSuspected d")
    })
  )

  clusterTest(
    "falls while a node hears nobody, and recovers when it hears again",
    Effect.gen(function*() {
      const [a] = yield* startMany(4)
      const net = yield* SimulatedNetwork
      yield* net.cut("*", "10.0.0.1")
      yield* TestClock.adjust("10 seconds")
      const doubting = yield* a!.cluster.health
      assert.isAbove(doubting, 1)
      yield* net.heal()
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual(yield* a!.cluster.health, 0)
    })
  )

  clusterTest(
    "loses a point when the node has to refute",
    Effect.gen(function*() {
      const nodes = yield* startMany(4)
      const net = yield* SimulatedNetwork
      yield* net.crash("10.0.0.4")
      yield* TestClock.adjust("4 seconds")
      yield* net.restart("10.0.0.4")
      let worst = 0
      for (let i = 0; i < 100; i++) {
        yield* TestClock.adjust("50 millis")
        worst = Math.max(worst, yield* nodes[3]!.cluster.health)
      }
      assert.isAtLeast(worst, 1)
      const refuted = yield* nodes[3]!.cluster.localMember
      assert.isAtLeast(refuted.incarnation, 2)
    })
  )
})
