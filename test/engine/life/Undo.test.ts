import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as Message from "../../../src/wire/message/Message.ts"
import { clusterTest, passing, start } from "../../support/Cluster.ts"
import { asked, type FakePeer, fakePeer, introduce } from "../../support/FakePeer.ts"

const refusing = Effect.fnUntraced(function*(name: string, ip: string) {
  const refuse = Message.encode({ _tag: "ErrorResponse", error: "not you" })
  const peer: FakePeer = yield* fakePeer(name, ip, {
    onStream: asked(() => peer, (connection) => Effect.ignore(connection.write(refuse)))
  })
  return peer
})

describe("a joinScoped that fails", () => {
  clusterTest(
    "does not undo another join, which succeeds",
    Effect.gen(function*() {
      const r = yield* refusing("r", "10.0.0.9")
      const b = yield* start("b", "10.0.0.2", { delegate: { merge: () => Effect.sleep("1 second") } })
      const a = yield* start("a", "10.0.0.1")
      const join = yield* Effect.forkDetach(a.cluster.join([b.address]), { startImmediately: true })
      yield* TestClock.adjust("200 millis")
      const scope = yield* Scope.make()
      const failed = yield* passing(Effect.exit(Scope.provide(a.cluster.joinScoped([`${r.ip}:7946`]), scope)))
      assert.strictEqual(failed._tag, "Failure")
      for (let i = 0; i < 100; i++) yield* TestClock.adjust("50 millis")
      const report = yield* join.pollUnsafe()!
      assert.strictEqual(report.contacted.length, 1)
      assert.strictEqual((yield* a.cluster.localMember).state, "alive")
    })
  )
  clusterTest(
    "does not take out a member whose cluster seems dead",
    Effect.gen(function*() {
      const r = yield* refusing("r", "10.0.0.9")
      const a = yield* start("a", "10.0.0.1")
      const b = yield* fakePeer("b", "10.0.0.2")
      yield* introduce(a, b)
      yield* b.send(a, { _tag: "Dead", incarnation: 1, node: "b", from: "somebody" })
      yield* TestClock.adjust("100 millis")
      const scope = yield* Scope.make()
      yield* passing(Effect.exit(Scope.provide(a.cluster.joinScoped([`${r.ip}:7946`]), scope)))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* a.cluster.localMember).state, "alive")
    })
  )
  clusterTest(
    "does not hold up the release of the layer by the goodbye with which it is undone",
    Effect.gen(function*() {
      const r = yield* refusing("r", "10.0.0.9")
      const a = yield* start("a", "10.0.0.1")
      const scope = yield* Scope.make()
      const join = yield* Effect.forkDetach(Scope.provide(a.cluster.joinScoped([`${r.ip}:7946`]), scope), {
        startImmediately: true
      })
      // refused, and said again every 200 ms, because the goodbye may overtake the list
      yield* TestClock.adjust("100 millis")
      assert.isUndefined(join.pollUnsafe())
      const release = yield* Effect.forkDetach(a.stop, { startImmediately: true })
      yield* TestClock.adjust(0)
      assert.isDefined(join.pollUnsafe())
      yield* TestClock.adjust("600 millis")
      assert.isDefined(release.pollUnsafe())
    })
  )
})
