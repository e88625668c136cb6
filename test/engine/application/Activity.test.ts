import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import type { Activity as Told } from "../../../src/Activity.ts"
import * as Activity from "../../../src/engine/application/Activity.ts"
import * as Counters from "../../../src/engine/telemetry/Counters.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, joinAt, start, startMany, type TestNode } from "../../support/Cluster.ts"

/** What a node tells from now on. */
const watch = Effect.fnUntraced(function*({ cluster }: TestNode) {
  const told: Array<Told> = []
  const fiber = yield* cluster.activity.pipe(
    Stream.runForEach((activity) => Effect.sync(() => void told.push(activity))),
    Effect.forkScoped({ startImmediately: true })
  )
  return { told, fiber }
})

const only = <Tag extends Told["_tag"]>(told: ReadonlyArray<Told>, tag: Tag) =>
  told.filter((activity): activity is Extract<Told, { readonly _tag: Tag }> => activity._tag === tag)

describe("the activity of a node", () => {
  clusterTest(
    "has each probe, with its outcome and how long it took",
    Effect.gen(function*() {
      const [a] = yield* startMany(3)
      const { told } = yield* watch(a!)
      yield* TestClock.adjust("4 seconds")
      const probes = only(told, "ProbeEnded")
      assert.isAtLeast(probes.length, 3)
      assert.deepStrictEqual([...new Set(probes.map(({ member }) => member))].sort(), ["b", "c"])
      for (const { helpers, millis, missed, outcome } of probes) {
        assert.deepStrictEqual({ helpers, missed, outcome }, { helpers: [], missed: 0, outcome: "direct" })
        assert.isTrue(millis >= 2 && millis <= 10)
      }
    })
  )

  clusterTest(
    "tells a failed probe with those who were asked to help, and a relayed one",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(3)
      const network = yield* SimulatedNetwork
      const { told } = yield* watch(a!)
      yield* network.partition([[a!.ip], [b!.ip]])
      yield* TestClock.adjust("4 seconds")
      const relayed = only(told, "ProbeEnded").find(({ member }) => member === "b")
      assert.deepStrictEqual(relayed && [relayed.outcome, relayed.helpers], ["indirect", ["c"]])
      yield* network.partition([[a!.ip, "10.0.0.3"], [b!.ip]])
      yield* TestClock.adjust("4 seconds")
      const failed = only(told, "ProbeEnded").find(({ outcome }) => outcome === "failed")
      assert.deepStrictEqual(failed && [failed.member, failed.helpers], ["b", ["c"]])
    })
  )

  clusterTest(
    "has the gossip packets, with the number of messages in them",
    Effect.gen(function*() {
      const [a] = yield* startMany(3)
      const { told } = yield* watch(a!)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(only(told, "GossipSent"), [])
      yield* a!.cluster.updateMeta(new TextEncoder().encode("new"))
      yield* TestClock.adjust("2 seconds")
      const sent = only(told, "GossipSent")
      assert.deepStrictEqual([...new Set(sent.map(({ to }) => to))].sort(), ["b", "c"])
      for (const { news } of sent) assert.strictEqual(news, 1)
    })
  )

  clusterTest(
    "has the push/pulls of both sides, and why one failed",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { pushPullInterval: 0 } })
      const b = yield* start("b", "10.0.0.2", { config: { pushPullInterval: "2 seconds" } })
      const watched = yield* watch(a)
      const watcher = yield* watch(b)
      yield* joinAt(b, a.address)
      const story = (told: ReadonlyArray<Told>) =>
        only(told, "PushPullEnded").map(({ by, join, outcome, reason, with: name }) =>
          [by, join ? "join" : "sync", outcome, reason ?? name].join(" ")
        )
      assert.deepStrictEqual(story(watched.told), ["peer join merged b"])
      assert.deepStrictEqual(story(watcher.told), ["us join merged "])
      yield* TestClock.adjust("5 seconds")
      assert.include(story(watched.told), "peer sync merged b")
      assert.include(story(watcher.told), "us sync merged a")
      yield* (yield* SimulatedNetwork).partition([[a.ip], [b.ip]])
      // tcpTimeout is 10 seconds
      yield* TestClock.adjust("15 seconds")
      assert.isTrue(story(watcher.told).some((line) => /^us sync failed \w+$/.test(line)))
    })
  )

  clusterTest(
    "ends with the service",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const { fiber } = yield* watch(a)
      yield* a.stop
      yield* TestClock.adjust("1 second")
      assert.isDefined(fiber.pollUnsafe())
      yield* Fiber.join(fiber)
    })
  )
})

/** A feed whose clock stands where it is put. */
const feed = () => {
  const counters = Counters.make(Context.empty(), {})
  const time = { now: 0 }
  return { counters, time, activity: Activity.make(counters, () => time.now) }
}

const gossip = (i: number): Activity.Noted => ({ _tag: "Gossip", to: `m${i}`, news: 1 })

describe("the feed", () => {
  it("keeps and counts nothing while nobody watches", () => {
    const { activity, counters } = feed()
    assert.isFalse(activity.isWatched())
    for (let i = 0; i < 1000; i++) activity.note(gossip(i))
    assert.strictEqual(activity.waiting(), 0)
    assert.deepStrictEqual([...counters.totals()], [])
  })

  it.effect("leaves out what is above the rate, of each kind by itself, and says how much", () =>
    Effect.gen(function*() {
      const { activity, counters, time } = feed()
      const fiber = yield* Effect.forkChild(Stream.runCollect(activity.stream), { startImmediately: true })
      assert.isTrue(activity.isWatched())
      for (let i = 0; i < 130; i++) activity.note(gossip(i))
      activity.note({ _tag: "Probe", member: "x", outcome: "direct", helpers: [], millis: 1 })
      assert.strictEqual(counters.totals().get("activity.left_out:Rate"), 30)
      time.now = 1000
      activity.note(gossip(999))
      activity.end()
      const told = yield* Fiber.join(fiber)
      assert.strictEqual(told.length, 102)
      assert.deepStrictEqual(told.slice(99).map(({ _tag, missed }) => [_tag, missed]), [
        ["GossipSent", 0],
        ["ProbeEnded", 30],
        ["GossipSent", 0]
      ])
    }))

  it.effect("drops the oldest of a slow subscriber, and tells each subscriber what itself has missed", () =>
    Effect.gen(function*() {
      const { activity, counters, time } = feed()
      const first = yield* Effect.forkChild(Stream.runCollect(activity.stream), { startImmediately: true })
      for (let i = 0; i < 300; i++) {
        time.now += 20
        activity.note(gossip(i))
      }
      const second = yield* Effect.forkChild(Stream.runCollect(activity.stream), { startImmediately: true })
      activity.note({ _tag: "Probe", member: "x", outcome: "direct", helpers: [], millis: 1 })
      activity.end()
      const told = yield* Fiber.join(first)
      assert.strictEqual(told.length, Activity.MAX_WAITING)
      assert.strictEqual(told[0]?.missed, 301 - Activity.MAX_WAITING)
      assert.strictEqual(counters.totals().get("activity.left_out:Slow"), 301 - Activity.MAX_WAITING)
      assert.deepStrictEqual((yield* Fiber.join(second)).map(({ _tag, missed }) => [_tag, missed]), [["ProbeEnded", 0]])
    }))
})
