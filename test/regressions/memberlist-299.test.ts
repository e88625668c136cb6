import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { clusterTest, start } from "../support/Cluster.ts"
import { fakePeer } from "../support/FakePeer.ts"

/** Metadata with which three changes fill a packet to the last byte or two. */
const META = 403

const SILENT = { probeInterval: "1 hour", pushPullInterval: 0, leaveTimeout: 0 } as const

describe("memberlist #299: a user broadcast while members change faster than gossip carries", () => {
  /** A node that broadcasts while it hears of `changes` large changes of members in each gossip interval. */
  const storm = Effect.fnUntraced(function*(changes: number, seconds: number) {
    const node = yield* start("a", "10.0.0.1", { config: SILENT })
    const peer = yield* fakePeer("p", "10.0.0.2")
    yield* peer.send(node, peer.alive())
    yield* TestClock.adjust("2 seconds")
    yield* node.cluster.broadcast(new TextEncoder().encode("hello"))
    for (let incarnation = 1; incarnation <= seconds * 5; incarnation++) {
      for (let i = 0; i < changes; i++) {
        const addr = Uint8Array.of(10, 0, 1, i + 1)
        yield* peer.send(node, peer.alive({ node: `m${i}`, addr, incarnation, meta: new Uint8Array(META) }))
      }
      yield* TestClock.adjust("200 millis")
    }
    return peer.all("User").length
  })

  clusterTest(
    "rides along when the changes leave room",
    Effect.gen(function*() {
      assert.isAbove(yield* storm(1, 10), 0)
    })
  )

  clusterTest(
    "(known; wanted: a fair share of every packet) waits until the changes are over",
    Effect.gen(function*() {
      assert.strictEqual(yield* storm(40, 10), 0)
    })
  )
})
