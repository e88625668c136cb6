import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import * as Places from "../../../src/engine/receiving/Places.ts"
import { TransportError } from "../../../src/MemberlistError.ts"
import type { Connection } from "../../../src/Transport.ts"

const gone = new TransportError({
  operation: "read",
  kind: "Closed",
  scope: "Remote",
  address: "10.0.0.9:1",
  cause: new Error("gone")
})

/** A connection that brings these chunks, one every so often, and then nothing more. */
const bringing = (chunks: ReadonlyArray<number>, everyMillis: number, ip = "10.0.0.9"): Connection => {
  let at = 0
  return {
    peer: { ip, port: 1 },
    pull: Effect.suspend(() => {
      const size = chunks[at++]
      return size === undefined ? Effect.never : Effect.as(Effect.sleep(everyMillis), new Uint8Array(size))
    }),
    write: () => Effect.never
  }
}

/** The next bytes of a stream that does not end in these tests. */
const pulled = (connection: Connection) =>
  Effect.catchIf(connection.pull, Cause.isDone, () => Effect.die("an end that nothing brought"))

const silent = (ip?: string): Connection => bringing([], 0, ip)

/** A ledger, what it counted, and a way to have streams served that take their places and do as they are told. */
const ledger = Effect.fnUntraced(function*(limits: Partial<Places.Options> = {}) {
  const counted: Array<string> = []
  const told: Array<string> = []
  const clock = yield* Effect.clockWith(Effect.succeed)
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const places = Places.make({
    maxStreams: 3,
    maxBytes: 100,
    maxExchanges: 2,
    timeout: 10_000,
    now: () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6,
    counters: { count: (name, ...[reason]) => void counted.push(`${name}:${reason}`) },
    logs: { note: (entry, details) => void told.push(`${entry}: ${details?.detail}`) },
    start: (watch) => run(watch).pollUnsafe() === undefined,
    ...limits
  })
  /** Serves the connection until it is ended; `first` is done as soon as it has its place. */
  const open = Effect.fnUntraced(function*(
    connection: Connection,
    first: (place: Places.Place) => void = () => {},
    then: (place: Places.Place) => Effect.Effect<unknown, TransportError> = () => Effect.never
  ) {
    const got = yield* Deferred.make<Places.Place>()
    const fiber = yield* Effect.forkChild(
      places.serve(connection, (place) =>
        Effect.suspend(() => {
          first(place)
          Deferred.doneUnsafe(got, Exit.succeed(place))
          return then(place)
        })),
      { startImmediately: true }
    )
    return { fiber, place: yield* Deferred.await(got) }
  })
  const state = () => ({ taken: places.taken(), bytes: places.bytes(), exchanges: places.exchanges() })
  return { places, counted, told, open, state }
})

const nothing = { taken: 0, bytes: 0, exchanges: 0 }

const ended = (fiber: Fiber.Fiber<unknown, unknown>) => fiber.pollUnsafe() !== undefined

describe("places", () => {
  it.effect("are given to whoever comes, at the cost of the longest idle", () =>
    Effect.gen(function*() {
      const { counted, open, state } = yield* ledger()
      const streams = []
      for (let i = 0; i < 5; i++) {
        streams.push(yield* open(silent()))
        yield* TestClock.adjust("1 second")
      }
      assert.deepStrictEqual(streams.map(({ fiber }) => ended(fiber)), [true, true, false, false, false])
      assert.deepStrictEqual(counted, ["stream.evicted:PlaceNeeded", "stream.evicted:PlaceNeeded"])
      for (const { fiber } of streams) yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(state(), nothing)
    }))

  it.effect("are free again however serving ends, with whatever it held", () =>
    Effect.gen(function*() {
      const { open, state } = yield* ledger()
      const holding = (place: Places.Place) => {
        place.holds(30)
        place.exchange()
      }
      for (const then of [Effect.void, Effect.fail(gone), Effect.die("bug"), Effect.interrupt, Effect.never]) {
        const { fiber } = yield* open(silent(), holding, () => Effect.andThen(Effect.sleep("1 second"), then))
        assert.deepStrictEqual(state(), { taken: 1, bytes: 30, exchanges: 1 })
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(state(), nothing)
      }
    }))

  it.effect("hold nothing for a stream that was ended, whatever it still says", () =>
    Effect.gen(function*() {
      const { open, state } = yield* ledger({ maxStreams: 1 })
      const first = yield* open(silent(), (place) => void place.holds(50))
      const second = yield* open(silent())
      assert.isTrue(ended(first.fiber))
      assert.isFalse(first.place.holds(60))
      assert.isFalse(first.place.exchange())
      first.place.complete(true)
      assert.deepStrictEqual(state(), { taken: 1, bytes: 0, exchanges: 0 })
      yield* Fiber.interrupt(second.fiber)
      assert.deepStrictEqual(state(), nothing)
    }))
})

describe("a stream without progress", () => {
  it.effect("ends after five seconds, even when it brings a byte now and then", () =>
    Effect.gen(function*() {
      for (const chunks of [[], Array<number>(100).fill(1)]) {
        const { counted, open, told } = yield* ledger()
        const { fiber } = yield* open(bringing(chunks, 300), undefined, ({ connection }) =>
          Effect.forever(pulled(connection)))
        yield* TestClock.adjust("4900 millis")
        assert.isFalse(ended(fiber))
        yield* TestClock.adjust("200 millis")
        assert.isTrue(ended(fiber))
        assert.deepStrictEqual(counted, ["stream.failed:Timeout"])
        assert.deepStrictEqual(told, [
          "StreamFailed: read 10.0.0.9:1: timeout (less than 512 bytes in 5000 ms)"
        ])
      }
    }))

  it.effect("is one that brings fewer than 512 bytes: one that brings as many goes on", () =>
    Effect.gen(function*() {
      const { open } = yield* ledger({ timeout: 60_000 })
      const { fiber } = yield* open(bringing(Array<number>(10).fill(256), 2_000), undefined, ({ connection }) =>
        Effect.forever(pulled(connection)))
      yield* TestClock.adjust("20 seconds")
      assert.isFalse(ended(fiber))
      yield* TestClock.adjust("31 seconds")
      assert.isTrue(ended(fiber))
    }))

  it.effect("is not one that waits for us: our own work is no idleness of its peer", () =>
    Effect.gen(function*() {
      const { open } = yield* ledger()
      const { fiber } = yield* open(bringing([600, 600], 200), undefined, ({ connection }) =>
        Effect.gen(function*() {
          yield* pulled(connection)
          yield* Effect.sleep("4900 millis")
          return yield* pulled(connection)
        }))
      yield* TestClock.adjust("6 seconds")
      assert.isDefined(yield* Fiber.join(fiber))
    }))

  it.effect("and one with progress, whose request takes longer than tcpTimeout, end", () =>
    Effect.gen(function*() {
      const { open, told } = yield* ledger({ timeout: 8_000 })
      const { fiber } = yield* open(bringing(Array<number>(100).fill(600), 1_000), undefined, ({ connection }) =>
        Effect.forever(pulled(connection)))
      yield* TestClock.adjust("7900 millis")
      assert.isFalse(ended(fiber))
      yield* TestClock.adjust("200 millis")
      assert.isTrue(ended(fiber))
      assert.deepStrictEqual(told, ["StreamFailed: read 10.0.0.9:1: timeout (no end after 8000 ms)"])
    }))

  it.effect("ends no later than tcpTimeout when that is shorter", () =>
    Effect.gen(function*() {
      const { open } = yield* ledger({ timeout: 1_000 })
      const { fiber } = yield* open(silent(), undefined, ({ connection }) => pulled(connection))
      yield* TestClock.adjust("1 second")
      assert.isTrue(ended(fiber))
    }))

  it.effect("ends as well when its peer does not read the answer, and holds it until then", () =>
    Effect.gen(function*() {
      const { open, state, told } = yield* ledger()
      const { fiber } = yield* open(silent(), undefined, ({ connection }) => connection.write(new Uint8Array(80)))
      assert.deepStrictEqual(state(), { taken: 1, bytes: 80, exchanges: 0 })
      yield* TestClock.adjust("5 seconds")
      assert.isTrue(ended(fiber))
      assert.deepStrictEqual(told, ["StreamFailed: write 10.0.0.9:1: timeout (less than 512 bytes in 5000 ms)"])
      assert.deepStrictEqual(state(), nothing)
    }))
})

describe("bytes", () => {
  it.effect("that do not fit cost the longest idle of the large streams of the heaviest address", () =>
    Effect.gen(function*() {
      const { counted, open, state } = yield* ledger({ maxStreams: 9 })
      const small = yield* open(silent(), (place) => void place.holds(5))
      yield* TestClock.adjust("1 second")
      const large = yield* open(silent(), (place) => void place.holds(50))
      const other = yield* open(silent("10.0.0.8"), (place) => void place.holds(30))
      yield* TestClock.adjust("1 second")
      const newcomer = yield* open(silent())
      assert.isTrue(newcomer.place.holds(40))
      assert.deepStrictEqual(
        [small, large, other, newcomer].map(({ fiber }) => ended(fiber)),
        [false, true, false, false]
      )
      assert.deepStrictEqual(counted, ["stream.evicted:BytesNeeded"])
      assert.deepStrictEqual(state(), { taken: 3, bytes: 75, exchanges: 0 })
    }))

  it.effect("that alone are too many cost nobody else anything", () =>
    Effect.gen(function*() {
      const { counted, open, state } = yield* ledger()
      const held = yield* open(silent(), (place) => void place.holds(99))
      const greedy = yield* open(silent())
      assert.isFalse(greedy.place.holds(101))
      yield* TestClock.adjust("1 milli")
      assert.deepStrictEqual([held, greedy].map(({ fiber }) => ended(fiber)), [false, true])
      assert.deepStrictEqual(counted, ["stream.evicted:BytesNeeded"])
      assert.deepStrictEqual(state(), { taken: 1, bytes: 99, exchanges: 0 })
    }))

  it.effect("of a request count until a key of ours has opened it, those of an answer until it is read", () =>
    Effect.gen(function*() {
      const { open, state } = yield* ledger()
      const { place } = yield* open(silent(), (place) => void place.holds(60))
      place.complete(false)
      assert.strictEqual(state().bytes, 60)
      place.complete(true)
      assert.strictEqual(state().bytes, 0)
      yield* Effect.forkScoped(place.connection.write(new Uint8Array(70)), { startImmediately: true })
      assert.strictEqual(state().bytes, 70)
    }))
})

describe("places for push/pulls", () => {
  it.effect("are taken from peers that do not read their answers, after a moment, and from nobody else", () =>
    Effect.gen(function*() {
      const { counted, open, places } = yield* ledger({ maxStreams: 9 })
      const exchange = (place: Places.Place) => void place.exchange()
      const ours = yield* open(silent(), exchange)
      const unread = yield* open(silent(), exchange, ({ connection }) => connection.write(new Uint8Array(1)))
      const newcomer = yield* open(silent())
      assert.isFalse(places.canExchange())
      assert.isFalse(newcomer.place.exchange())
      yield* TestClock.adjust(Places.UNREAD_GRACE)
      assert.isTrue(places.canExchange())
      assert.isTrue(newcomer.place.exchange())
      assert.deepStrictEqual([ours, unread, newcomer].map(({ fiber }) => ended(fiber)), [false, true, false])
      assert.deepStrictEqual(counted, ["stream.evicted:ExchangeNeeded"])
      assert.strictEqual(places.exchanges(), 2)
    }))
})
