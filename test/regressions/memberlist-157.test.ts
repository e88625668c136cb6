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
    "is let in as soon as its former life was found dead",
    Effect.gen(function*() {
      // a probe finds it, and in a cluster of three a suspicion takes 4 s
      const seconds = yield* returned({})
      assert.isAtLeast(seconds, 4)
      assert.isAtMost(seconds, 8)
    })
  )

  clusterTest(
    "is let in at once when its former life has left",
    Effect.gen(function*() {
      const [a, b, c] = yield* startMany(3)
      if (a === undefined || b === undefined || c === undefined) return assert.fail("three nodes")
      yield* passing(c.stop)
      const back = yield* start("c", "10.0.0.33")
      yield* passing(back.cluster.join([a.address]))
      yield* TestClock.adjust("1 second")
      for (const node of [a, b]) {
        const members = yield* node.cluster.members
        assert.isTrue(members.some(({ ip, name }) => name === "c" && ip === back.ip))
      }
    })
  )

  clusterTest(
    "does not lose its name again to a late claim of its former address",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a, b, c] = yield* startMany(3)
      if (a === undefined || b === undefined || c === undefined) return assert.fail("three nodes")
      const former = c.ip
      yield* network.crash(former)
      yield* TestClock.adjust("10 seconds")
      const back = yield* start("c", "10.0.0.33")
      yield* passing(back.cluster.join([a.address]))
      yield* network.restart(former)
      for (let i = 0; i < 60; i++) {
        yield* TestClock.adjust("1 second")
        for (const node of [a, b]) {
          const members = yield* node.cluster.members
          assert.isTrue(members.some(({ ip, name }) => name === "c" && ip === back.ip), `after ${i} s`)
        }
      }
      // both live: the name has one holder for the others, and never goes to and fro
      assert.lengthOf(a.seen.filter((event) => event === "MemberUpdated c"), 0)
    })
  )

  clusterTest(
    "is let in when its former life is forgotten, without recovery",
    Effect.gen(function*() {
      const seconds = yield* returned({ recovery: false })
      // found dead, then remembered for gossipToTheDeadTime of 30 s
      assert.isAtLeast(seconds, 30)
      assert.isBelow(seconds, 120)
    })
  )

  clusterTest(
    "is let in when it was found dead and deadNodeReclaimTime is over, without recovery",
    Effect.gen(function*() {
      const seconds = yield* returned({ deadNodeReclaimTime: "2 seconds", recovery: false })
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
