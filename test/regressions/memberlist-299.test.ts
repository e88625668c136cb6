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
  const storm = Effect.fnUntraced(function*(
    changes: number,
    { recovery = true, seconds = 10, size = 5 }: {
      readonly recovery?: boolean
      readonly seconds?: number
      readonly size?: number
    } = {}
  ) {
    const node = yield* start("a", "10.0.0.1", { config: { ...SILENT, recovery } })
    const peer = yield* fakePeer("p", "10.0.0.2")
    yield* peer.send(node, peer.alive())
    yield* TestClock.adjust("2 seconds")
    yield* node.cluster.broadcast(new Uint8Array(size))
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
      assert.isAbove(yield* storm(1), 0)
    })
  )

  clusterTest(
    "waits until the changes are over in the reference",
    Effect.gen(function*() {
      assert.strictEqual(yield* storm(40, { recovery: false }), 0)
    })
  )

  for (const size of [5, 300, 600, 1300]) {
    clusterTest(
      `has a fair share of the packets, also where it is a large part of one: ${size} bytes`,
      Effect.gen(function*() {
        assert.isAbove(yield* storm(40, { size }), 0)
      })
    )
  }
})
