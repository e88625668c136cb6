import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as TransmitLimitedQueue from "../src/TransmitLimitedQueue.ts"
import { clusterTest, passing, start } from "./support/Cluster.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (payload: Uint8Array) => new TextDecoder().decode(payload)

/** A queue that sends everything `retransmits` times, and the names of what is finished. */
const make = Effect.fnUntraced(function*(retransmits: number, maxQueued?: number) {
  const queue = yield* TransmitLimitedQueue.make({ retransmitMult: retransmits, members: Effect.succeed(1), maxQueued })
  const finished: Array<string> = []
  const add = (message: string, more: Partial<TransmitLimitedQueue.Broadcast> = {}) =>
    queue.queueBroadcast({
      message: bytes(message),
      finished: Effect.sync(() => void finished.push(message)),
      ...more
    })
  const get = (limit: number, overhead = 0) =>
    Effect.map(queue.getBroadcasts(overhead, limit), (messages) => messages.map(text))
  /** What `finished` effects did, after they had their turn. */
  const told = Effect.as(Effect.yieldNow, finished)
  return { queue, add, get, told }
})

const invalidatesAll = { invalidates: () => true }

describe("a transmit-limited queue", () => {
  it.effect("sends the least sent first, among them the longest, among those the newest, each once a call", () =>
    Effect.gen(function*() {
      const { add, get } = yield* make(9)
      for (const message of ["a", "bb", "c", "ddd"]) yield* add(message, { unique: true })
      assert.deepStrictEqual(yield* get(5), ["ddd", "bb"])
      assert.deepStrictEqual(yield* get(100), ["c", "a", "ddd", "bb"])
      assert.deepStrictEqual(yield* get(1), ["c"])
    }))

  it.effect("counts the overhead of each message, and passes over what does not fit", () =>
    Effect.gen(function*() {
      const { add, get, queue } = yield* make(9)
      for (const message of ["1234567890", "123", "12"]) yield* add(message, { unique: true })
      assert.deepStrictEqual(yield* get(12, 3), ["123", "12"])
      assert.deepStrictEqual(yield* get(12, 3), ["123", "12"])
      assert.deepStrictEqual(yield* get(3, 3), [])
      assert.deepStrictEqual(yield* get(13, 3), ["1234567890"])
      assert.strictEqual(yield* queue.numQueued, 3)
    }))

  it.effect("sends each message retransmitMult × ⌈log₁₀(members + 1)⌉ times, as many members as there are then", () =>
    Effect.gen(function*() {
      let members = 9
      const queue = yield* TransmitLimitedQueue.make({ retransmitMult: 2, members: Effect.sync(() => members) })
      const rounds = Effect.fnUntraced(function*() {
        yield* queue.queueBroadcast({ message: bytes("x"), unique: true })
        let rounds = 0
        while ((yield* queue.getBroadcasts(0, 10)).length > 0) rounds++
        return rounds
      })
      assert.strictEqual(yield* rounds(), 2)
      members = 10
      assert.strictEqual(yield* rounds(), 4)
      members = 100
      assert.strictEqual(yield* rounds(), 6)
      members = 0
      assert.strictEqual(yield* rounds(), 1)
    }))

  it.effect("replaces a named broadcast by a newer one of its name, and finishes the old one", () =>
    Effect.gen(function*() {
      const { add, get, queue, told } = yield* make(9)
      yield* add("old", { name: "n" })
      yield* get(100)
      yield* add("other", { name: "m" })
      yield* add("new", { name: "n" })
      assert.deepStrictEqual(yield* told, ["old"])
      assert.strictEqual(yield* queue.numQueued, 2)
      assert.deepStrictEqual(yield* get(100), ["other", "new"])
    }))

  it.effect("does not replace broadcasts with an empty name", () =>
    Effect.gen(function*() {
      const { add, queue, told } = yield* make(9)
      yield* add("a", { name: "" })
      yield* add("b", { name: "" })
      assert.strictEqual(yield* queue.numQueued, 2)
      assert.deepStrictEqual(yield* told, [])
    }))

  it.effect("asks about invalidation only between broadcasts that are neither named nor unique", () =>
    Effect.gen(function*() {
      const { add, get, told } = yield* make(9)
      const asked: Array<string> = []
      const asking = (answer: boolean) => ({
        invalidates: ({ message }: TransmitLimitedQueue.Broadcast) => {
          asked.push(text(message))
          return answer
        }
      })
      yield* add("plain", asking(true))
      yield* add("named", { name: "n", ...asking(true) })
      yield* add("unique", { unique: true, ...asking(true) })
      assert.deepStrictEqual(asked, [])
      yield* add("keeps", asking(false))
      assert.deepStrictEqual([asked, yield* told], [["plain"], []])
      yield* add("takes", asking(true))
      assert.deepStrictEqual((yield* told).slice().sort(), ["keeps", "plain"])
      assert.deepStrictEqual((yield* get(100)).slice().sort(), ["named", "takes", "unique"])
    }))

  it.effect("hands the broadcasts themselves to invalidates, fields of their own included", () =>
    Effect.gen(function*() {
      interface Versioned extends TransmitLimitedQueue.Broadcast {
        readonly version: number
      }
      const { get, queue } = yield* make(9)
      const versioned = (version: number): Versioned => ({
        version,
        message: bytes(`v${version}`),
        invalidates: (queued) => "version" in queued && Number(queued.version) < version
      })
      for (const version of [2, 1, 3]) yield* queue.queueBroadcast(versioned(version))
      assert.deepStrictEqual(yield* get(100), ["v3"])
    }))

  it.effect("runs finished once for each: sent often enough, replaced, invalidated, pruned, reset", () =>
    Effect.gen(function*() {
      const { add, get, queue, told } = yield* make(2)
      yield* add("sent", { unique: true })
      yield* get(100)
      assert.deepStrictEqual(yield* told, [])
      yield* get(100)
      assert.deepStrictEqual(yield* told, ["sent"])
      yield* add("replaced", { name: "n" })
      yield* add("named", { name: "n" })
      yield* add("invalidated")
      yield* add("plain", invalidatesAll)
      assert.deepStrictEqual((yield* told).slice(1), ["replaced", "invalidated"])
      yield* queue.prune(1)
      assert.deepStrictEqual((yield* told).slice(3), ["named"])
      yield* queue.reset
      assert.deepStrictEqual((yield* told).slice(4), ["plain"])
      assert.strictEqual(yield* queue.numQueued, 0)
      assert.deepStrictEqual(yield* get(100), [])
    }))

  it.effect("prunes the most sent first, among them the shortest, among those the oldest", () =>
    Effect.gen(function*() {
      const { add, get, queue, told } = yield* make(9)
      for (const message of ["sent", "a", "bb", "c"]) {
        yield* add(message, { unique: true })
        if (message === "sent") yield* get(100)
      }
      yield* queue.prune(4)
      assert.deepStrictEqual(yield* told, [])
      yield* queue.prune(1)
      assert.deepStrictEqual(yield* told, ["sent", "a", "c"])
      yield* queue.prune(0)
      yield* queue.prune(0)
      assert.strictEqual(yield* queue.numQueued, 0)
    }))

  it.effect("holds as many as it may, and prunes for newer ones", () =>
    Effect.gen(function*() {
      const { add, get, told } = yield* make(9, 2)
      for (const message of ["1", "2", "3"]) yield* add(message, { unique: true })
      assert.deepStrictEqual(yield* told, ["1"])
      assert.deepStrictEqual(yield* get(100), ["3", "2"])
    }))

  it.effect("keeps its own copy of the bytes", () =>
    Effect.gen(function*() {
      const { get, queue } = yield* make(9)
      const message = bytes("x")
      yield* queue.queueBroadcast({ message })
      message[0] = 0
      assert.deepStrictEqual(yield* get(100), ["x"])
    }))

  it.effect("is not in the middle of anything when finished runs: it may use the queue", () =>
    Effect.gen(function*() {
      const { add, get, queue } = yield* make(1)
      const sizes: Array<number> = []
      yield* add("first", {
        unique: true,
        finished: Effect.gen(function*() {
          sizes.push(yield* queue.numQueued)
          yield* queue.queueBroadcast({ message: bytes("second"), unique: true })
          sizes.push((yield* queue.getBroadcasts(0, 100)).length)
        })
      })
      assert.deepStrictEqual(yield* get(100), ["first"])
      yield* Effect.yieldNow
      assert.deepStrictEqual(sizes, [0, 1])
    }))

  it.effect("goes on when a finished effect dies or never ends, and its scope ends those", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      let ended = false
      const queue = yield* TransmitLimitedQueue.make({ retransmitMult: 1, members: Effect.succeed(1) }).pipe(
        Scope.provide(scope)
      )
      const never = Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (ended = true)))
      yield* queue.queueBroadcast({ message: bytes("a"), unique: true, finished: Effect.die("broken") })
      yield* queue.queueBroadcast({ message: bytes("b"), unique: true, finished: never })
      assert.strictEqual((yield* queue.getBroadcasts(0, 100)).length, 2)
      yield* Effect.yieldNow
      yield* queue.queueBroadcast({ message: bytes("c"), unique: true })
      assert.deepStrictEqual((yield* queue.getBroadcasts(0, 100)).map(text), ["c"])
      assert.isFalse(ended)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(ended)
    }))

  it.effect("changes nothing when invalidates throws", () =>
    Effect.gen(function*() {
      const { add, get } = yield* make(9)
      yield* add("a")
      const exit = yield* Effect.exit(add("b", {
        invalidates: () => {
          throw new Error("broken")
        }
      }))
      assert.isTrue(Exit.isFailure(exit))
      assert.deepStrictEqual(yield* get(100), ["a"])
    }))
})

describe("a delegate with a transmit-limited queue", () => {
  clusterTest(
    "gossips what is queued, as often as it should, and is told when that is done",
    Effect.gen(function*() {
      let members = 1
      const queue = yield* TransmitLimitedQueue.make({ retransmitMult: 3, members: Effect.sync(() => members) })
      const a = yield* start("a", "10.0.0.1", { delegate: { broadcasts: queue.getBroadcasts } })
      const b = yield* start("b", "10.0.0.2")
      yield* passing(b.cluster.join([a.address]))
      members = (yield* a.cluster.members).length
      let done = 0
      const finished = Effect.sync(() => void done++)
      yield* queue.queueBroadcast({ name: "config", message: bytes("config 1"), finished })
      yield* queue.queueBroadcast({ name: "config", message: bytes("config 2"), finished })
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(b.messages.map(({ payload }) => text(payload)), ["config 2", "config 2", "config 2"])
      assert.strictEqual(done, 2)
      assert.strictEqual(yield* queue.numQueued, 0)
    })
  )
})
