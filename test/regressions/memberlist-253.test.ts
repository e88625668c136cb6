import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import * as Frame from "../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, passing, start, startMany, stateOf } from "../support/Cluster.ts"
import { fakePeer } from "../support/FakePeer.ts"

describe("memberlist #253: members that left", () => {
  clusterTest(
    "are forgotten after gossipToTheDeadTime, and no push/pull carries them on, however many there were",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      if (a === undefined || b === undefined) return assert.fail("two nodes")
      for (let i = 0; i < 20; i++) {
        const guest = yield* start(`guest-${i}`, `10.0.1.${i + 1}`)
        yield* joinAt(guest, a.address)
        // long enough for everybody to hear of it: a goodbye that comes at once may overtake the news
        yield* TestClock.adjust("1 second")
        yield* passing(guest.stop)
        yield* TestClock.adjust("1 second")
      }
      assert.strictEqual(yield* stateOf(b, "guest-19"), "left")
      yield* TestClock.adjust("60 seconds")
      for (const node of [a, b]) {
        for (let i = 0; i < 20; i++) assert.isUndefined(yield* stateOf(node, `guest-${i}`))
      }
      const peer = yield* fakePeer("p", "10.0.0.9")
      const answer = yield* peer.ask(
        a,
        Frame.encodePushPull({ join: false, nodes: [peer.row()], userState: new Uint8Array() })
      )
      if (answer === "closed" || answer._tag !== "PushPull") return assert.fail("a list")
      assert.deepStrictEqual(answer.nodes.map(({ name }) => name).sort(), ["a", "b"])
    })
  )
})
