import { assert, describe } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { WITNESSES } from "../../../src/engine/exchange/Leave.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, joinAt, passing, startMany, stateOf } from "../../support/Cluster.ts"

describe("a leave", () => {
  for (const recovery of [true, false]) {
    clusterTest(
      recovery
        ? "is certain to be known to some members, also where no packet arrives"
        : "is known to nobody where no packet arrives, without recovery",
      Effect.gen(function*() {
        const net = yield* SimulatedNetwork
        const nodes = yield* startMany(6, { config: { recovery } })
        const [first, ...others] = nodes
        if (first === undefined) return assert.fail("six nodes")
        yield* net.cut(first.ip, "*", "packets")
        const report = yield* passing(first.cluster.leave({ timeout: "3 seconds" }))
        assert.strictEqual(report.confirmed, recovery ? WITNESSES : 0)
        const states = yield* Effect.forEach(others, (node) => stateOf(node, "a"))
        // those who know pass it on
        assert.isAtLeast(states.filter((state) => state === "left").length, recovery ? WITNESSES : 0)
        if (!recovery) assert.notInclude(states, "left")
        yield* TestClock.adjust("1 minute")
        for (const node of others) assert.notInclude(node.seen, "MemberFailed a")
      })
    )
  }

  clusterTest(
    "waits a second at most for members that say nothing",
    Effect.gen(function*() {
      const net = yield* SimulatedNetwork
      const [first, ...others] = yield* startMany(3)
      if (first === undefined) return assert.fail("three nodes")
      for (const { ip } of others) yield* net.crash(ip, "Silent")
      const [took] = yield* passing(Effect.timed(first.cluster.leave({ timeout: "30 seconds" })))
      // as long as gossip takes, and no longer than before
      assert.isAtMost(Duration.toMillis(took), 3_000)
    })
  )

  clusterTest(
    "that a join takes back while its list is on the way does not stand",
    Effect.gen(function*() {
      for (let after = 0; after <= 40; after += 4) {
        const [first, second] = yield* startMany(2)
        if (first === undefined || second === undefined) return assert.fail("two nodes")
        const leaving = yield* Effect.forkChild(first.cluster.leave(), { startImmediately: true })
        yield* TestClock.adjust(after)
        yield* joinAt(first, second.address)
        yield* TestClock.adjust("10 seconds")
        assert.isDefined(leaving.pollUnsafe(), `after ${after} ms`)
        for (const node of [first, second]) assert.strictEqual(yield* stateOf(node, "a"), "alive", `after ${after} ms`)
        yield* passing(first.stop)
        yield* passing(second.stop)
      }
    })
  )
})
