import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { clusterTest, passing, start, startMany } from "../../support/Cluster.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

describe("new metadata", () => {
  clusterTest(
    "is announced with the next incarnation, and told to others as an update",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      const report = yield* passing(a!.cluster.updateMeta(bytes("new"), { wait: "5 seconds" }))
      assert.deepInclude(report, { outcome: "Sent", sent: 1, members: 1 })
      assert.strictEqual((yield* a!.cluster.localMember).incarnation, 2)
      yield* TestClock.adjust("1 second")
      const update = b!.events.find(({ _tag }) => _tag === "MemberUpdated")
      assert.strictEqual(update?.member.metaText, "new")
      assert.include(a!.seen, "MemberUpdated a")
    })
  )

  clusterTest(
    "is not waited for where nobody is, nor for longer than asked",
    Effect.gen(function*() {
      const alone = yield* start("a", "10.0.0.1")
      assert.strictEqual((yield* alone.cluster.updateMeta(bytes("x"), { wait: "5 seconds" })).outcome, "Alone")
      yield* passing(alone.stop)
      const [a] = yield* startMany(2, {
        config: { gossipInterval: "1 hour", probeInterval: "1 hour", leaveTimeout: 0 }
      })
      const queued = { outcome: "Queued", sent: 0, confirmed: 0, members: 1 }
      assert.deepStrictEqual(yield* passing(a!.cluster.updateMeta(bytes("x"), { wait: "3 seconds" })), queued)
      assert.deepStrictEqual(yield* a!.cluster.updateMeta(bytes("y")), queued)
    })
  )

  clusterTest(
    "of more than 512 bytes is refused, and so is any after a leave",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1")
      yield* node.cluster.updateMeta(new Uint8Array(512))
      const tooLarge = yield* Effect.flip(node.cluster.updateMeta(new Uint8Array(513)))
      assert.deepStrictEqual([tooLarge._tag, (yield* node.cluster.localMember).meta.length], ["MetaTooLarge", 512])
      yield* passing(node.cluster.leave())
      assert.strictEqual((yield* Effect.flip(node.cluster.updateMeta(bytes("x"))))._tag, "NotParticipating")
    })
  )
})
