import { assert, describe } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { TestClock } from "effect/testing"
import * as Packet from "../../../src/wire/packet/Packet.ts"
import { clusterTest, joinAt, passing, start } from "../../support/Cluster.ts"

const plain: Packet.Inbound = {
  label: new Uint8Array(),
  skipLabelCheck: false,
  keys: [],
  verifyIncoming: false,
  acceptsFirstCipher: true
}

// `leave` may yield (here: after every third operation) between its step and `Goodbye.make`; a join's introduction
// that falls between the two has announced us again, and the goodbye then names that announcement.
describe("a leave beside a join", () => {
  clusterTest(
    "says goodbye only to what was announced before it",
    Effect.gen(function*() {
      const wrong: Array<string> = []
      for (let n = 0; n < 45; n++) {
        let gate: Deferred.Deferred<void> | undefined
        const atGate = { now: false }
        const goodbyes = new Set<number>()
        const b = yield* start(`b${n}`, `10.0.${n}.2`)
        const a = yield* start(`a${n}`, `10.0.${n}.1`, {
          delegate: {
            merge: () =>
              gate === undefined ? Effect.void : Effect.suspend(() => {
                atGate.now = true
                return Deferred.await(gate!)
              })
          },
          transport: (inner) => ({
            ...inner,
            send: (to, payload) => {
              for (const m of Packet.decode(payload, plain).messages) {
                if (m._tag === "Dead" && m.from === `a${n}` && m.node === `a${n}`) goodbyes.add(m.incarnation)
              }
              return inner.send(to, payload)
            }
          })
        })
        yield* joinAt(a, b.address)
        gate = yield* Deferred.make<void>()
        const join = yield* Effect.forkDetach(a.cluster.join([b.address]), { startImmediately: true })
        while (!atGate.now) yield* TestClock.adjust("1 millis")
        const before = (yield* a.cluster.localMember).incarnation
        yield* Effect.forkDetach(
          Effect.provideService(a.cluster.leave({ timeout: 0 }), References.MaxOpsBeforeYield, 3),
          { startImmediately: true }
        )
        for (let i = 0; i < n; i++) yield* Effect.yieldNow
        yield* Deferred.succeed(gate, undefined)
        for (let i = 0; i < 40; i++) yield* TestClock.adjust("50 millis")
        const own = yield* a.cluster.localMember
        // still a member, so every goodbye must be to the earlier announcement
        if (own.state === "alive" && [...goodbyes].some((incarnation) => incarnation > before)) {
          wrong.push(
            `after ${n} turns: goodbyes to ${[
              ...goodbyes
            ]}, we were at ${before}, are at ${own.incarnation}; ${join.pollUnsafe()?._tag}; b saw ${
              b.seen.filter((e) => e.endsWith(a.name)).join(", ")
            }`
          )
        }
        yield* passing(a.stop)
        yield* passing(b.stop)
      }
      assert.deepStrictEqual(wrong, [])
    })
  )
})
