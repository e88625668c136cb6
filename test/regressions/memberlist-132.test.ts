import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { JoinRejected } from "../../src/MemberlistError.ts"
import { clusterTest, joinAt, start, view } from "../support/Cluster.ts"

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
})
