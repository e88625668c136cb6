import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { clusterTest, start } from "../../support/Cluster.ts"
import { type FakePeer, fakePeer } from "../../support/FakePeer.ts"

/** Only gossip. */
const gossiping = {
  gossipInterval: "100 millis",
  pushPullInterval: 0,
  probeInterval: 0,
  gossipToTheDeadTime: "2 seconds",
  enableCompression: false
} as const

const names = (peer: FakePeer) => [...new Set(peer.all("Alive").map(({ node }) => node))].sort()

describe("gossip", () => {
  clusterTest(
    "tells a member of every other one, ourselves included",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: gossiping })
      const peers = [yield* fakePeer("b", "10.0.0.2"), yield* fakePeer("c", "10.0.0.3")]
      for (const peer of peers) yield* peer.send(node, peer.alive())
      yield* TestClock.adjust("3 seconds")
      for (const peer of peers) assert.deepStrictEqual(names(peer), ["a", "b", "c"])
    })
  )

  clusterTest(
    "sends each piece of news as often as the cluster's size asks for, then falls silent",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: gossiping })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(node, peer.alive())
      yield* TestClock.adjust("5 seconds")
      // Two members: 4 × ⌈log₁₀ 3⌉ transmissions.
      assert.strictEqual(peer.all("Alive").filter(({ node }) => node === "p").length, 4)
      peer.forget()
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(peer.datagrams.length, 0)
    })
  )

  clusterTest(
    "reaches a member that died lately, not one dead for long, nor one that left",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { ...gossiping, recovery: false } })
      const dead = yield* fakePeer("dead", "10.0.0.8")
      const left = yield* fakePeer("left", "10.0.0.9")
      yield* dead.send(node, dead.alive())
      yield* left.send(node, left.alive())
      yield* TestClock.adjust("5 seconds")
      dead.forget()
      left.forget()
      yield* left.send(node, { _tag: "Dead", incarnation: 1, node: "left", from: "left" })
      yield* dead.send(node, { _tag: "Dead", incarnation: 1, node: "dead", from: "z" })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(dead.all("Dead").map(({ node }) => node).includes("dead"), true)
      assert.deepStrictEqual(left.datagrams, [])
      yield* TestClock.adjust("2 seconds")
      dead.forget()
      yield* dead.send(node, dead.alive({ node: "news", addr: Uint8Array.of(10, 0, 0, 77) }))
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual([dead.datagrams, left.datagrams], [[], []])
    })
  )

  clusterTest(
    "of a goodbye reaches the others with the goodbye's own words",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { ...gossiping, leaveTimeout: 0 } })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(node, peer.alive())
      yield* TestClock.adjust("2 seconds")
      yield* node.cluster.leave()
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(peer.all("Dead")[0], { _tag: "Dead", incarnation: 1, node: "a", from: "a" })
    })
  )
})
