import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { clusterTest, passing, start, startMany } from "../../support/Cluster.ts"
import { fakePeer, introduce } from "../../support/FakePeer.ts"

const news = new TextEncoder().encode("news")
describe("NewsReport", () => {
  clusterTest(
    "does not count a stranger that is pinged",
    Effect.gen(function*() {
      const [a] = yield* startMany(2)
      yield* fakePeer("s", "10.0.0.9")
      yield* a!.cluster.updateMeta(news)
      yield* passing(a!.cluster.ping({ address: "10.0.0.9:7946" }))
      yield* passing(a!.cluster.updateMeta(news, { wait: 0 }))
      const f = yield* Effect.forkChild(a!.cluster.updateMeta(news, { wait: "10 seconds" }), { startImmediately: true })
      yield* passing(a!.cluster.ping({ address: "10.0.0.9:7946" }))
      for (let i = 0; i < 100; i++) yield* TestClock.adjust("100 millis")
      const r = f.pollUnsafe()
      const v = yield* r!
      assert.isAtMost(v.sent, v.members)
    })
  )
  clusterTest(
    "does not count a stranger that pings",
    Effect.gen(function*() {
      const [a] = yield* startMany(2)
      const s = yield* fakePeer("s", "10.0.0.9")
      const f = yield* Effect.forkChild(a!.cluster.updateMeta(news, { wait: "10 seconds" }), { startImmediately: true })
      yield* s.send(a!, s.ping(1))
      for (let i = 0; i < 100; i++) yield* TestClock.adjust("100 millis")
      const v = yield* f.pollUnsafe()!
      assert.isAtMost(v.sent, v.members)
    })
  )
  clusterTest(
    "does not count the dead",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* fakePeer("b", "10.0.0.2")
      const c = yield* fakePeer("c", "10.0.0.3")
      yield* introduce(a, b, c)
      yield* b.send(a, { _tag: "Dead", incarnation: 1, node: "c", from: "b" })
      yield* TestClock.adjust("20 millis")
      const v = yield* passing(a.cluster.updateMeta(news, { wait: "10 seconds" }))
      assert.isAtMost(v.sent, v.members)
    })
  )
})
