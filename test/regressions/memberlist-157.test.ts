import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, type NodeOptions, passing, start, startMany } from "../support/Cluster.ts"

/** A member dies and comes back under its name at another address; seconds until the others see it there. */
const returned = Effect.fnUntraced(function*(config: NonNullable<NodeOptions["config"]>) {
  const network = yield* SimulatedNetwork
  const [a, b] = yield* startMany(3, { config })
  if (a === undefined || b === undefined) return assert.fail("three nodes")
  yield* network.crash("10.0.0.3")
  yield* TestClock.adjust("1 second")
  const back = yield* start("c", "10.0.0.33", { config })
  for (let seconds = 1; seconds < 300; seconds++) {
    yield* Effect.ignore(passing(back.cluster.join([a.address])))
    yield* TestClock.adjust("1 second")
    const seen = [yield* a.cluster.members, yield* b.cluster.members]
    if (seen.every((view) => view.some((member) => member.name === "c" && member.ip === back.ip))) return seconds
  }
  return Infinity
})

describe("memberlist #157: a member that comes back under its name at another address", () => {
  clusterTest(
    "(known, kept as in the reference; wanted: sooner by default) is let in when its former life is forgotten",
    Effect.gen(function*() {
      const seconds = yield* returned({})
      // found dead, then remembered for gossipToTheDeadTime of 30 s
      assert.isAtLeast(seconds, 30)
      assert.isBelow(seconds, 120)
    })
  )

  clusterTest(
    "is let in when it was found dead and deadNodeReclaimTime is over",
    Effect.gen(function*() {
      const seconds = yield* returned({ deadNodeReclaimTime: "2 seconds" })
      assert.isAtLeast(seconds, 4)
      assert.isAtMost(seconds, 30)
    })
  )

  clusterTest(
    "is let in at once where nameConflictPolicy says replace",
    Effect.gen(function*() {
      assert.isAtMost(yield* returned({ nameConflictPolicy: "replace" }), 3)
    })
  )
})
