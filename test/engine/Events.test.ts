import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Hub from "../../src/engine/application/Hub.ts"
import { clusterTest, passing, start, startMany } from "../support/Cluster.ts"

const bytes = (text: string) => new TextEncoder().encode(text)

describe("events", () => {
  clusterTest(
    "start with the members there are, and reach every subscriber in the same order",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      const late = yield* a!.cluster.events.pipe(
        Stream.map((event) => `${event._tag} ${event.member.name}`),
        Stream.take(5),
        Stream.runCollect,
        Effect.forkChild({ startImmediately: true })
      )
      yield* b!.cluster.updateMeta(bytes("1"))
      yield* TestClock.adjust("1 second")
      yield* b!.cluster.updateMeta(bytes("2"))
      yield* TestClock.adjust("1 second")
      yield* passing(b!.stop)
      yield* TestClock.adjust("1 second")
      const seen = yield* Fiber.join(late)
      assert.deepStrictEqual(seen.slice(0, 2).sort(), ["MemberJoined a", "MemberJoined b"])
      assert.deepStrictEqual(seen.slice(2), ["MemberUpdated b", "MemberUpdated b", "MemberLeft b"])
      assert.deepStrictEqual(a!.seen.slice(2), seen.slice(2))
    })
  )

  clusterTest(
    "carry the member as it was right after the change, and before it where metadata changed",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      yield* b!.cluster.updateMeta(bytes("new"))
      yield* TestClock.adjust("1 second")
      const updated = a!.events.find((event) => event._tag === "MemberUpdated")
      assert.strictEqual(updated?.member.metaText, "new")
      assert.strictEqual(updated?._tag === "MemberUpdated" ? updated.previous.metaText : undefined, "")
    })
  )

  clusterTest(
    "tell a slow subscriber how many it lost, and members tells it what is true now",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { eventBuffer: 2 } })
      const taken: Array<readonly [string, number]> = []
      yield* a.cluster.events.pipe(
        Stream.runForEach((event) => {
          taken.push([event.member.metaText, event.missed])
          return Effect.sleep("10 seconds")
        }),
        Effect.forkChild({ startImmediately: true })
      )
      for (let i = 1; i <= 10; i++) yield* a.cluster.updateMeta(bytes(`m${i}`))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(taken, [["", 0], ["m9", 8], ["m10", 0]])
      assert.strictEqual((yield* a.cluster.localMember).metaText, "m10")
      // At least: the test's own recorder of events has the same small buffer.
      assert.isAtLeast((yield* a.cluster.counters).get("event.lost") ?? 0, 8)
    })
  )

  clusterTest(
    "reach subscribers outside the step that changed the state: what they do in answer is not lost",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      yield* a.cluster.events.pipe(
        Stream.runForEach((event) =>
          event.member.metaText === "question"
            ? a.cluster.updateMeta(bytes("answer"))
            : Effect.void
        ),
        Effect.forkChild({ startImmediately: true })
      )
      yield* a.cluster.updateMeta(bytes("question"))
      yield* TestClock.adjust("1 second")
      const self = yield* a.cluster.localMember
      assert.deepStrictEqual([self.metaText, self.incarnation], ["answer", 3])
    })
  )

  clusterTest(
    "end when the service does",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const events = yield* Effect.forkChild(Stream.runCount(a.cluster.events), { startImmediately: true })
      const changes = yield* Effect.forkChild(Stream.runCount(a.cluster.changes), { startImmediately: true })
      const messages = yield* Effect.forkChild(Stream.runCount(a.cluster.messages), { startImmediately: true })
      yield* passing(a.stop)
      assert.isAtLeast(yield* Fiber.join(events), 1)
      assert.isAtLeast(yield* Fiber.join(changes), 1)
      assert.strictEqual(yield* Fiber.join(messages), 0)
    })
  )
})

describe("changes", () => {
  clusterTest(
    "give the current view first, then the newest after each change, and never fall behind",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { eventBuffer: 1 } })
      const views: Array<string> = []
      yield* a.cluster.changes.pipe(
        Stream.runForEach((members) => {
          views.push(members.map(({ metaText }) => metaText).join())
          return Effect.sleep("1 second")
        }),
        Effect.forkChild({ startImmediately: true })
      )
      for (let i = 1; i <= 10; i++) yield* a.cluster.updateMeta(bytes(`m${i}`))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(views, ["", "m10"])
    })
  )
})

describe("a hub", () => {
  it.effect("keeps the newest items of each subscriber apart, and counts what each lost", () =>
    Effect.gen(function*() {
      let drops = 0
      const hub = Hub.make<number>(3, () => void drops++)
      const collect = Effect.forkChild(Stream.runCollect(hub.stream()), { startImmediately: true })
      const fast = yield* collect
      const slow = yield* collect
      for (let i = 0; i < 5; i++) hub.publish(i)
      assert.strictEqual(hub.subscribers(), 2)
      hub.end()
      const expected = [{ value: 2, missed: 2 }, { value: 3, missed: 0 }, { value: 4, missed: 0 }]
      assert.deepStrictEqual(yield* Fiber.join(fast), expected)
      assert.deepStrictEqual(yield* Fiber.join(slow), expected)
      assert.strictEqual(drops, 4)
      assert.strictEqual(hub.subscribers(), 0)
    }))

  it.effect("subscribes and reads what there is in one step: nothing is told twice, and nothing is missed", () =>
    Effect.gen(function*() {
      const hub = Hub.make<number>(1_000, () => {})
      const there: Array<number> = []
      const publishing = yield* Effect.forkChild(Effect.gen(function*() {
        for (let i = 0; i < 100; i++) {
          there.push(i)
          hub.publish(i)
          yield* Effect.yieldNow
        }
      }))
      const seen: Array<number> = []
      const collect = hub.stream(() => [...there]).pipe(
        Stream.runForEach(({ value }) => Effect.sync(() => void seen.push(value))),
        // others run between most operations of the subscriber; with fewer it would only ever yield
        Effect.provideService(Scheduler.MaxOpsBeforeYield, 3)
      )
      const collecting = yield* Effect.forkChild(collect)
      yield* Fiber.join(publishing)
      hub.end()
      yield* Fiber.join(collecting)
      assert.deepStrictEqual(seen, there)
    }))

  it.effect("costs nothing without subscribers", () =>
    Effect.gen(function*() {
      let drops = 0
      const hub = Hub.make<number>(1, () => void drops++)
      for (let i = 0; i < 100; i++) hub.publish(i)
      hub.end()
      assert.deepStrictEqual(yield* Stream.runCollect(hub.stream(() => [7])), [{ value: 7, missed: 0 }])
      assert.strictEqual(drops, 0)
    }))
})
