import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { TestClock } from "effect/testing"
import { Keyring } from "../../src/Keyring.ts"
import * as TransmitLimitedQueue from "../../src/TransmitLimitedQueue.ts"
import { clusterTest, passing, start, startMany } from "../support/Cluster.ts"

// The `slice` of a Buffer shares its memory, unlike that of the Uint8Array it is.
const buffer = (text: string) => Buffer.from(text)
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe("a Buffer that is reused after it was handed over", () => {
  clusterTest(
    "does not change a queued broadcast",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      const payload = buffer("first")
      yield* a!.cluster.broadcast(payload)
      payload.write("later")
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([...new Set(b!.messages.map(({ payload }) => text(payload)))], ["first"])
    })
  )

  clusterTest(
    "does not change our metadata, configured or updated",
    Effect.gen(function*() {
      const configured = buffer("first")
      const a = yield* start("a", "10.0.0.1", { config: { meta: configured } })
      configured.write("later")
      assert.strictEqual(text((yield* a.cluster.localMember).meta), "first")
      const updated = buffer("second")
      yield* passing(a.cluster.updateMeta(updated))
      updated.write("latest")
      assert.strictEqual(text((yield* a.cluster.localMember).meta), "second")
    })
  )

  clusterTest(
    "does not change a broadcast in a queue of the application",
    Effect.gen(function*() {
      const queue = yield* TransmitLimitedQueue.make({ retransmitMult: 1, members: Effect.succeed(1) })
      const message = buffer("first")
      yield* queue.queueBroadcast({ message })
      message.write("later")
      assert.deepStrictEqual((yield* queue.getBroadcasts(0, 100)).map(text), ["first"])
    })
  )

  clusterTest(
    "does not change a key",
    Effect.gen(function*() {
      const key = Buffer.alloc(16, 1)
      const ring = yield* Effect.orDie(Keyring.make({ primary: key }))
      key.fill(2)
      assert.deepStrictEqual(ring.keysUnsafe(), [new Uint8Array(16).fill(1)])
    })
  )
})

describe("a member's bytes that its user changes", () => {
  clusterTest(
    "do not change what is known of the member, here or in what is told to others",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2, { config: { meta: buffer("first") } })
      const found = Option.getOrThrow(yield* a!.cluster.member("b"))
      found.addr.fill(0)
      found.meta.fill(0)
      const c = yield* start("c", "10.0.0.9")
      yield* passing(c.cluster.join([a!.ip]))
      const heard = Option.getOrThrow(yield* c.cluster.member("b"))
      assert.deepStrictEqual([heard.addr, text(heard.meta)], [Uint8Array.of(10, 0, 0, 2), "first"])
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* b!.cluster.members).length, 3)
    })
  )
})
