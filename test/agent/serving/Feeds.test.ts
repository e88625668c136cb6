import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Feeds } from "../../../src/agent/serving/Feeds.ts"
import { Tally } from "../../../src/agent/serving/Tally.ts"

const within = (limit: number) => Effect.provide(Layer.provideMerge(Feeds.layer(limit), Tally.layer))

const textOf = (response: HttpServerResponse): Stream.Stream<string> =>
  response.body._tag === "Stream" ? Stream.orDie(Stream.decodeText(response.body.stream)) : Stream.empty

const numbered = (id: number, length = 0) => (missed: number) => `${id}${"x".repeat(length)} ${missed}\n`

/** The number of an event, and how many were lost before it. */
const read = (text: string) =>
  text.split("\n").filter((line) => line !== "" && line !== ":").map((line) => line.replace(/x+/, ""))

describe("a reader", () => {
  it.effect("gets the beginning, and then each event", () =>
    Effect.gen(function*() {
      const feed = (yield* Feeds).make()
      feed.publish(numbered(0))
      const response = yield* feed.answer(() => ["a 0\n", "b 0\n"])
      feed.publish(numbered(1))
      feed.publish(numbered(2))
      yield* (yield* Feeds).end
      const text = yield* Stream.mkString(textOf(response))
      assert.deepStrictEqual(read(text), ["a 0", "b 0", "1 0", "2 0"])
    }).pipe(Effect.scoped, within(1)))

  it.effect("that is slower loses events, is told how many, and takes nothing of the others", () =>
    Effect.gen(function*() {
      const feeds = yield* Feeds
      const feed = feeds.make()
      const slow = yield* feed.answer(() => [])
      const fast = yield* Effect.forkChild(Stream.mkString(textOf(yield* feed.answer(() => []))), {
        startImmediately: true
      })
      // of 100,000 characters each, two fit
      for (let id = 1; id <= 5; id++) {
        feed.publish(numbered(id, 100_000))
        yield* TestClock.adjust("1 second")
      }
      const seen: Array<string> = []
      const reading = yield* Effect.forkChild(
        Stream.runForEach(textOf(slow), (text) => Effect.sync(() => void seen.push(text))),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 second")
      feed.publish(numbered(6))
      yield* feeds.end
      yield* Fiber.join(reading)
      assert.deepStrictEqual(read(seen.join("")), ["1 0", "2 0", "6 3"])
      assert.deepStrictEqual(read(yield* Fiber.join(fast)), ["1 0", "2 0", "3 0", "4 0", "5 0", "6 0"])
      assert.strictEqual((yield* (yield* Tally).all)["missed"], 3)
    }).pipe(Effect.scoped, within(2)))

  it.effect("gets the beginning whole, however long it is, in parts", () =>
    Effect.gen(function*() {
      const feeds = yield* Feeds
      const feed = feeds.make()
      const beginning = Array.from({ length: 1_000 }, (_, id) => numbered(id, 1_000)(0))
      const response = yield* feed.answer(() => beginning)
      feed.publish(numbered(1_000))
      yield* feeds.end
      const parts = yield* Stream.runCollect(textOf(response))
      assert.isAbove(parts.length, 10)
      assert.isBelow(Math.max(...parts.map(({ length }) => length)), 70_000)
      assert.strictEqual(read(parts.join("")).length, 1_001)
    }).pipe(Effect.scoped, within(1)))

  it.effect("of a quiet stream gets a comment now and then", () =>
    Effect.gen(function*() {
      const feeds = yield* Feeds
      const reading = yield* Effect.forkChild(Stream.mkString(textOf(yield* feeds.make().answer(() => []))), {
        startImmediately: true
      })
      yield* TestClock.adjust("46 seconds")
      yield* feeds.end
      assert.strictEqual(yield* Fiber.join(reading), ":\n\n".repeat(4))
    }).pipe(Effect.scoped, within(1)))
})

describe("streams", () => {
  it.effect("are few at once, over all feeds, and make room when they close", () =>
    Effect.gen(function*() {
      const feeds = yield* Feeds
      const scope = yield* Scope.make()
      yield* Scope.provide(feeds.make().answer(() => []), scope)
      const refused = yield* Effect.flip(feeds.make().answer(() => []))
      assert.deepInclude(refused, { _tag: "TooMany", what: "streams", limit: 1 })
      yield* Scope.close(scope, Exit.void)
      yield* feeds.make().answer(() => [])
    }).pipe(Effect.scoped, within(1)))

  it.effect("are taken no more once they have ended", () =>
    Effect.gen(function*() {
      const feeds = yield* Feeds
      yield* feeds.end
      assert.strictEqual((yield* Effect.flip(feeds.make().answer(() => [])))._tag, "TooMany")
    }).pipe(Effect.scoped, within(1)))
})
