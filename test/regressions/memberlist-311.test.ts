import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, type NodeOptions, startMany, stateOf } from "../support/Cluster.ts"
import { fakePeer } from "../support/FakePeer.ts"

/**
 * The state after a mass restart: b runs at incarnation 1, and an obituary of its former life, at incarnation 100,
 * reaches c, whose news of it gets lost.
 */
const obituary = Effect.fnUntraced(function*(options: NodeOptions) {
  const network = yield* SimulatedNetwork
  const [a, b, c] = yield* startMany(3, options)
  if (a === undefined || b === undefined || c === undefined) return assert.fail("three nodes")
  const old = yield* fakePeer("old", "10.0.0.9", { onMessage: "none" })
  yield* network.cut(c.ip, "*", "packets")
  yield* old.send(c, { _tag: "Dead", incarnation: 100, node: "b", from: "old" })
  yield* TestClock.adjust("10 millis")
  assert.strictEqual(yield* stateOf(c, "b"), "dead")
  yield* TestClock.adjust("5 seconds")
  yield* network.heal()
  assert.strictEqual(yield* stateOf(a, "b"), "alive")
  return { a, b, c }
})

describe("memberlist #311: an obituary of a member's former life", () => {
  clusterTest(
    "is contradicted when a push/pull carries it on before it is forgotten",
    Effect.gen(function*() {
      const { a, b, c } = yield* obituary({ config: { pushPullInterval: "5 seconds" } })
      yield* TestClock.adjust("20 seconds")
      for (const node of [a, b, c]) assert.strictEqual(yield* stateOf(node, "b"), "alive")
      const own = yield* b.cluster.localMember
      assert.isAbove(own.incarnation, 100)
    })
  )

  for (const pushPullInterval of ["30 seconds", 0] as const) {
    clusterTest(
      `is contradicted within a few probe intervals, with a push/pull interval of ${pushPullInterval}`,
      Effect.gen(function*() {
        const { a, b, c } = yield* obituary({ config: { pushPullInterval } })
        yield* TestClock.adjust("5 seconds")
        for (const node of [a, b, c]) assert.strictEqual(yield* stateOf(node, "b"), "alive")
      })
    )
  }

  clusterTest(
    "hides a live member without recovery, until a push/pull carries it on or it is forgotten",
    Effect.gen(function*() {
      const { a, b, c } = yield* obituary({ config: { recovery: false } })
      yield* TestClock.adjust("15 seconds")
      assert.strictEqual(yield* stateOf(c, "b"), "dead")
      yield* TestClock.adjust("105 seconds")
      for (const node of [a, b, c]) assert.strictEqual(yield* stateOf(node, "b"), "alive")
    })
  )

  clusterTest(
    "hides a live member for good without recovery where nothing carries it on",
    Effect.gen(function*() {
      const { a, b, c } = yield* obituary({ config: { pushPullInterval: 0, recovery: false } })
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(yield* stateOf(c, "b"), undefined)
      assert.strictEqual(yield* stateOf(b, "c"), "alive")
      assert.strictEqual(yield* stateOf(a, "b"), "alive")
    })
  )
})
