import { assert, describe } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
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

/** Appends a letter. */
const append = (letter: string) => (current: Uint8Array) => Uint8Array.of(...current, ...bytes(letter))

describe("metadata that a function computes", () => {
  clusterTest(
    "is made of what was announced last, and announced once",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      yield* a!.cluster.updateMeta(append("x"))
      const report = yield* passing(a!.cluster.updateMeta(append("y"), { wait: "5 seconds" }))
      assert.deepInclude(report, { outcome: "Sent", sent: 1, members: 1 })
      const own = yield* a!.cluster.localMember
      assert.deepStrictEqual([own.metaText, own.incarnation], ["xy", 3])
      yield* TestClock.adjust("1 second")
      assert.strictEqual(b!.events.findLast(({ _tag }) => _tag === "MemberUpdated")?.member.metaText, "xy")
    })
  )

  clusterTest(
    "has what every function made of it, however many there are at once",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1")
      const letters = Array.from({ length: 26 }, (_, i) => String.fromCharCode(97 + i))
      yield* Effect.forEach(letters, (letter) => node.cluster.updateMeta(append(letter)), { concurrency: "unbounded" })
      const own = yield* node.cluster.localMember
      assert.deepStrictEqual([own.metaText.split("").sort(), own.incarnation], [letters, 27])
    })
  )

  clusterTest(
    "is not announced where it is the same as before",
    Effect.gen(function*() {
      const [a] = yield* startMany(2)
      yield* a!.cluster.updateMeta(bytes("x"))
      const unchanged = yield* passing(a!.cluster.updateMeta(() => bytes("x"), { wait: "5 seconds" }))
      assert.deepStrictEqual(unchanged, { outcome: "Unchanged", sent: 0, confirmed: 0, members: 1 })
      assert.strictEqual((yield* a!.cluster.localMember).incarnation, 2)
      // bytes are announced also where they are the same, as memberlist does
      yield* a!.cluster.updateMeta(bytes("x"))
      assert.strictEqual((yield* a!.cluster.localMember).incarnation, 3)
    })
  )

  clusterTest(
    "is what the function returns, and not what it does to the bytes it is given",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { meta: bytes("abc") } })
      const kept: Array<Uint8Array> = []
      yield* node.cluster.updateMeta((current) => {
        current[0] = 0
        kept.push(current)
        return bytes("abc")
      })
      assert.strictEqual((yield* node.cluster.localMember).incarnation, 1)
      yield* node.cluster.updateMeta((current) => {
        current[0] = 120
        kept.push(current)
        return current
      })
      kept[1]?.fill(0)
      assert.strictEqual((yield* node.cluster.localMember).metaText, "xbc")
    })
  )

  clusterTest(
    "is not announced where the function refuses, returns too much, throws, or calls the cluster itself",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { meta: bytes("x") } })
      const { updateMeta } = node.cluster
      assert.strictEqual(yield* Effect.flip(updateMeta(() => Result.fail("no"))), "no")
      const tooLarge = yield* Effect.flip(updateMeta(() => new Uint8Array(513)))
      assert.deepInclude(tooLarge, { _tag: "MetaTooLarge", size: 513, limit: 512 })
      const defect = yield* Effect.exit(updateMeta(() => {
        throw new Error("a bug")
      }))
      assert.deepStrictEqual(defect, Exit.die(new Error("a bug")))
      assert.strictEqual((yield* node.cluster.localMember).incarnation, 1)
      const nested = yield* Effect.exit(updateMeta((current) => {
        Effect.runSync(updateMeta(append("inner")))
        return Uint8Array.of(...current, 33)
      }))
      assert.include(Cause.pretty(Exit.isFailure(nested) ? nested.cause : Cause.empty), "called the cluster itself")
      assert.strictEqual((yield* node.cluster.localMember).metaText, "xinner")
      assert.strictEqual((yield* updateMeta(() => Result.succeed(bytes("y")))).outcome, "Alone")
      assert.strictEqual((yield* node.cluster.localMember).metaText, "y")
    })
  )

  clusterTest(
    "is announced whole where the wait for its news is interrupted, and not computed where the call never ran",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2, { config: { gossipInterval: "1 hour", probeInterval: "1 hour" } })
      const waiting = yield* Effect.forkChild(a!.cluster.updateMeta(append("x"), { wait: "1 hour" }), {
        startImmediately: true
      })
      yield* Fiber.interrupt(waiting)
      assert.strictEqual((yield* a!.cluster.localMember).metaText, "x")
      let calls = 0
      const never = yield* Effect.forkChild(a!.cluster.updateMeta((current) => {
        calls++
        return current
      }))
      yield* Fiber.interrupt(never)
      yield* passing(a!.cluster.leave({ timeout: "1 second" }))
      const counting = a!.cluster.updateMeta((current) => {
        calls++
        return current
      })
      assert.strictEqual((yield* Effect.flip(counting))._tag, "NotParticipating")
      yield* a!.stop
      assert.strictEqual((yield* Effect.flip(counting))._tag, "MemberlistClosed")
      assert.strictEqual(calls, 0)
      yield* b!.stop
    })
  )
})
