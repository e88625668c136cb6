import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { Memberlist } from "../../src/Memberlist.ts"
import { MessageTooLarge } from "../../src/MemberlistError.ts"
import * as Outgoing from "../../src/topic/Outgoing.ts"

/** What waits to be sent by a node whose streams to `silent` do not end, with the names that streams went to. */
const making = Effect.fnUntraced(function*(capacity: number) {
  const begun: Array<string> = []
  const counts = new Map<string, number>()
  const send: Memberlist["Service"]["send"] = (to, payload, options) => {
    if (options?.reliable !== true) {
      return Effect.fail(new MessageTooLarge({ carrier: "packet", size: payload.length, limit: 10 }))
    }
    const name = "name" in to ? to.name : ""
    begun.push(name)
    return name === "silent" ? Effect.never : Effect.void
  }
  const cluster = { send } as Memberlist["Service"]
  const outgoing = yield* Outgoing.make(
    cluster,
    capacity,
    (what, by = 1) => counts.set(what, (counts.get(what) ?? 0) + by)
  )
  return { outgoing, begun, counts }
})
const large = new Uint8Array(100)
/** Lets fibers run that have something to do. */
const passing = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow, { discard: true })
const times = (count: number, name: string) => Array.from({ length: count }, () => name)

describe("frames that go over streams", () => {
  it.effect("are not held up by a peer that does not answer", () =>
    Effect.gen(function*() {
      const { begun, counts, outgoing } = yield* making(64)
      outgoing.offer(times(20, "silent"), large)
      outgoing.offer(["a", "b"], large)
      for (let i = 0; i < 100; i++) yield* Effect.yieldNow
      assert.deepStrictEqual(begun, ["silent", "silent", "a", "b"])
      assert.deepStrictEqual([...counts], [["frame.sent:stream", 2], ["frame.bytes", 200]])
    }))

  it.effect("hold up publishers for a second when they wait for a peer that does not answer, and few wait for it then", () =>
    Effect.gen(function*() {
      const { counts, outgoing } = yield* making(64)
      outgoing.offer(["a"], large)
      yield* passing
      for (let i = 0; i < 50; i++) {
        outgoing.offer(["silent"], large)
        yield* passing
      }
      const waiting = yield* Effect.forkScoped(outgoing.room, { startImmediately: true })
      yield* TestClock.adjust("900 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.isDefined(waiting.pollUnsafe())
      outgoing.offer(["silent"], large)
      yield* passing
      assert.strictEqual(counts.get("frame.dropped:Silent"), 1)
      // those that are not silent are sent to as before
      outgoing.offer(["b"], large)
      yield* passing
      assert.strictEqual(counts.get("frame.sent:stream"), 2)
    }))

  it.effect("are dropped and counted where too many wait for one peer, and no publisher may go on", () =>
    Effect.gen(function*() {
      const { begun, counts, outgoing } = yield* making(16)
      // the first tells what a datagram holds
      outgoing.offer(["a"], large)
      for (let i = 0; i < 100; i++) yield* Effect.yieldNow
      for (let i = 0; i < 40; i++) {
        outgoing.offer(["silent"], large)
        for (let j = 0; j < 10; j++) yield* Effect.yieldNow
      }
      assert.deepStrictEqual(begun, ["a", "silent", "silent"])
      assert.strictEqual(counts.get("frame.dropped:Full"), 40 - 2 - 16)
      const waiting = yield* Effect.forkScoped(outgoing.room, { startImmediately: true })
      assert.isUndefined(waiting.pollUnsafe())
      outgoing.end()
      yield* Effect.yieldNow
      assert.isDefined(waiting.pollUnsafe())
    }))
})
