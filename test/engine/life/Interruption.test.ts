import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { clusterTest, joinAt, passing, start } from "../../support/Cluster.ts"

const news = new TextEncoder().encode("news")
describe("calls", () => {
  // the goodbye of a scope's end is under way, and not complete
  clusterTest(
    "a leave after a scope's end tells of the goodbye under way",
    Effect.gen(function*() {
      const b = yield* start("b", "10.0.0.2")
      const a = yield* start("a", "10.0.0.1")
      const scope = yield* Scope.make()
      yield* passing(Scope.provide(a.cluster.joinScoped([b.address]), scope))
      yield* TestClock.adjust("2 seconds")
      yield* Scope.close(scope, Exit.void)
      const report = yield* passing(a.cluster.leave())
      assert.notStrictEqual(report.outcome, "AlreadyLeft")
    })
  )
  clusterTest(
    "a ping that is interrupted while the transport waits is not counted as sent",
    Effect.gen(function*() {
      let hang = false
      const b = yield* start("b", "10.0.0.2", { config: { probeInterval: 0, gossipInterval: 0, pushPullInterval: 0 } })
      const a = yield* start("a", "10.0.0.1", {
        config: { gossipInterval: 0, probeInterval: 0, pushPullInterval: 0 },
        transport: (inner) => ({ ...inner, send: (to, p) => hang ? Effect.never : inner.send(to, p) })
      })
      yield* joinAt(a, b.address)
      yield* TestClock.adjust("1 second")
      hang = true
      const f = yield* Effect.forkChild(a.cluster.updateMeta(news, { wait: "5 seconds" }), { startImmediately: true })
      const p = yield* Effect.forkChild(a.cluster.ping({ name: "b" }), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(p)
      yield* TestClock.adjust("10 seconds")
      const r = yield* f.pollUnsafe()!
      hang = false
      assert.strictEqual(r.sent, 0)
    })
  )
  clusterTest(
    "a transport that hangs keeps no scope open for long",
    Effect.gen(function*() {
      let hang = false
      const b = yield* start("b", "10.0.0.2")
      const a = yield* start("a", "10.0.0.1", {
        transport: (inner) => ({ ...inner, send: (to, p) => hang ? Effect.never : inner.send(to, p) })
      })
      yield* joinAt(a, b.address)
      hang = true
      const f = yield* Effect.forkChild(a.stop, { startImmediately: true })
      for (let i = 0; i < 30; i++) yield* TestClock.adjust("1 second")
      assert.isDefined(f.pollUnsafe())
    })
  )
})
