import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import * as Frame from "../../src/wire/stream/Frame.ts"
import { clusterTest, type NodeOptions, startMany } from "../support/Cluster.ts"
import { fakePeer } from "../support/FakePeer.ts"

/** Three members of which one is gone, and a peer that missed it and exchanges its list after `seconds`. */
const outdated = Effect.fnUntraced(function*(seconds: number, config: NodeOptions["config"] = {}) {
  const network = yield* SimulatedNetwork
  const nodes = yield* startMany(3, { config })
  const [a] = nodes
  if (a === undefined) return assert.fail("three nodes")
  yield* network.crash("10.0.0.3")
  yield* TestClock.adjust("28 seconds")
  for (const node of nodes.slice(0, 2)) assert.include(node.seen, "MemberFailed c")
  const late = yield* fakePeer("late", "10.0.0.9")
  const gone = yield* fakePeer("c", "10.0.0.33", { onMessage: "none" })
  const row = { ...gone.row(), addr: Uint8Array.of(10, 0, 0, 3) }
  yield* TestClock.adjust(seconds * 1000)
  const before = nodes.map((node) => node.seen.length)
  yield* late.ask(a, Frame.encodePushPull({ join: false, nodes: [row], userState: new Uint8Array() }))
  yield* TestClock.adjust("60 seconds")
  return nodes.slice(0, 2).map((node, i) => node.seen.slice(before[i]).filter((event) => event.endsWith(" c")))
})

describe("memberlist #312: a push/pull with a peer that still believes a gone member alive", () => {
  clusterTest(
    "revives nobody who is still remembered dead",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* outdated(1), [[], []])
    })
  )

  clusterTest(
    "revives no member that all have forgotten: nobody answers there, and it is not listed",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* outdated(120), [[], []])
    })
  )

  clusterTest(
    "revives a member that was forgotten everywhere without recovery, until it is found dead again",
    Effect.gen(function*() {
      const story = ["MemberJoined c", "MemberSuspected c", "MemberFailed c"]
      assert.deepStrictEqual(yield* outdated(120, { recovery: false }), [story, story])
    })
  )

  clusterTest(
    "revives it where a member that believes such lists, as Go members do, gossips it on",
    Effect.gen(function*() {
      const nodes = yield* startMany(2)
      const [a] = nodes
      if (a === undefined) return assert.fail("two nodes")
      // it believes what the late peer says, and gossips it
      const believer = yield* fakePeer("go", "10.0.0.8")
      const gone = yield* fakePeer("c", "10.0.0.33", { onMessage: "none" })
      yield* believer.send(a, believer.alive(), { ...gone.alive(), addr: Uint8Array.of(10, 0, 0, 3) })
      yield* TestClock.adjust("1 second")
      for (const node of nodes) assert.include(node.seen, "MemberJoined c")
    })
  )
})
