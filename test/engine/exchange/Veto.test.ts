import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { JoinRejected } from "../../../src/MemberlistError.ts"
import { clusterTest, joinAt, start } from "../../support/Cluster.ts"

describe("a veto's reason", () => {
  clusterTest(
    "survives the cut in the middle of a surrogate pair",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", {
        delegate: { merge: () => Effect.fail(new JoinRejected({ reason: "日".repeat(1023) + "😀 and more" })) }
      })
      const b = yield* start("b", "10.0.0.2")
      const error = yield* Effect.flip(joinAt(b, a.address))
      const why = error.failed[0]?.error
      if (why?._tag !== "JoinRejected") return assert.fail("a veto")
      assert.strictEqual(why.reason.slice(0, 3), "日日日")
    })
  )
})
