import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { JoinRejected } from "../../src/MemberlistError.ts"
import { clusterTest, joinAt, start, startMany, view } from "../support/Cluster.ts"

const closed = { merge: () => Effect.fail(new JoinRejected({ reason: "the cluster is closed" })) }

describe("memberlist #132: a veto against a merge", () => {
  clusterTest(
    "of the cluster reaches the joiner with its reason, and neither side knows the other",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { delegate: closed })
      const b = yield* start("b", "10.0.0.2")
      const error = yield* Effect.flip(joinAt(b, a.address))
      const [failed] = error.failed
      assert.strictEqual(failed?.error._tag, "JoinRejected")
      assert.include(failed?.error.message, "the cluster is closed")
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* view(a), ["a alive"])
      assert.deepStrictEqual(yield* view(b), ["b alive"])
    })
  )

  clusterTest(
    "of the joiner comes before the cluster hears of it, and neither side knows the other",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2", { delegate: closed })
      yield* Effect.flip(joinAt(b, a.address))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* view(a), ["a alive"])
      assert.deepStrictEqual(yield* view(b), ["b alive"])
    })
  )

  clusterTest(
    "in silence, as Go members have them, is found by the one that nobody lists, and so is its end",
    Effect.gen(function*() {
      let open = false
      const refuses = (name: string): Effect.Effect<void, JoinRejected> =>
        open || name !== "d" ? Effect.void : Effect.fail(new JoinRejected({ reason: "not on the list" }))
      const delegate = { admit: ({ name }: { readonly name: string }) => refuses(name) }
      const cluster = yield* startMany(3, { delegate })
      const d = yield* start("d", "10.0.0.4")
      // nothing tells the joiner
      assert.deepStrictEqual((yield* joinAt(d, "10.0.0.1:7946")).failed, [])
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* view(d), ["a alive", "b alive", "c alive", "d alive"])
      for (const node of cluster) assert.deepStrictEqual(yield* view(node), ["a alive", "b alive", "c alive"])
      const told = () =>
        d.events.flatMap((event) =>
          event._tag === "MemberReachabilityChanged" ? [`${event.member.name}: ${event.reachability.listed}`] : []
        )
      assert.deepStrictEqual(told().sort(), ["a: no", "b: no", "c: no"])
      open = true
      yield* TestClock.adjust("10 minutes")
      for (const node of cluster) assert.include(yield* view(node), "d alive")
      assert.deepStrictEqual(told().slice(3).sort(), ["a: yes", "b: yes", "c: yes"])
    })
  )
})
