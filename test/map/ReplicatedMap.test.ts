import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { encode } from "../../src/map/exchange/MapFrame.ts"
import * as MapEntry from "../../src/map/MapEntry.ts"
import { MemberlistLive } from "../../src/Memberlist.ts"
import * as ReplicatedMap from "../../src/ReplicatedMap.ts"
import { SimulatedCluster, VirtualTime } from "../../src/testing/index.ts"
import * as Topic from "../../src/Topic.ts"

const Sessions = ReplicatedMap.make("sessions", { key: Schema.String, value: Schema.Int })
/** The same name, as another version of the program has it. */
const Texts = ReplicatedMap.make("sessions", { key: Schema.String, value: Schema.String })
type Sessions = ReplicatedMap.Service<string, number>

/** Clocks may be a second apart; removals live for 30. */
const short: ReplicatedMap.Options = { maxAhead: "1 second", removalLife: "30 seconds", syncInterval: "2 seconds" }

const live = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): A => {
  const program = Effect.scoped(effect).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  const exit = VirtualTime.run(program, { seed: 1, limit: "3 hours" })
  if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
  return exit.value
}
const names = (count: number) => Array.from({ length: count }, (_, i) => `n${i + 1}`)

/** A cluster whose members have the map, after everybody knows everybody. */
const formed = Effect.fnUntraced(function*(count: number, options: ReplicatedMap.Options = {}) {
  const layer = Layer.provideMerge(Sessions.layer(options), MemberlistLive)
  const cluster = yield* SimulatedCluster.make({ nodes: names(count), seed: 1, layer: () => layer })
  yield* cluster.startAll
  yield* Effect.sleep("8 seconds")
  return cluster
})
/** A cluster whose members have the map, whatever its layer may fail with. */
type Cluster = Pick<Effect.Success<ReturnType<typeof formed>>, "run" | "running">

const use = <A, E, R>(cluster: Cluster, name: string, f: (sessions: Sessions) => Effect.Effect<A, E, R>) =>
  cluster.run(
    name,
    Effect.flatMap(Effect.map(Effect.context<ReplicatedMap.Identity<"sessions">>(), Context.get(Sessions)), f)
  )
const set = (cluster: Cluster, name: string, key: string, value: number, options?: ReplicatedMap.SetOptions) =>
  use(cluster, name, (sessions) => sessions.set(key, value, options))
const entriesOf = (cluster: Cluster, name: string) =>
  use(cluster, name, ({ entries }) => Effect.map(entries, (all) => Object.fromEntries(all.toSorted())))
const everywhere = (cluster: Cluster) =>
  Effect.flatMap(cluster.running, (names) => Effect.forEach(names, (name) => entriesOf(cluster, name)))
const countersOf = (cluster: Cluster, name: string) => use(cluster, name, ({ counters }) => counters)
/** What a stream gives from now on. */
const collect = <A>(cluster: Cluster, name: string, stream: (sessions: Sessions) => Stream.Stream<A>) => {
  const given: Array<A> = []
  const running = use(
    cluster,
    name,
    (sessions) => Stream.runForEach(stream(sessions), (value) => Effect.sync(() => void given.push(value)))
  )
  return Effect.as(Effect.forkScoped(Effect.exit(running), { startImmediately: true }), given)
}
const told = <V>({ by, key, value }: { readonly key: string; readonly value: Option.Option<V>; readonly by: string }) =>
  `${key} ${Option.getOrElse(value, () => "gone")} of ${by}`

describe("a map", () => {
  it("is the same at all members, and tells each of the changes", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* formed(5)
      const changes = yield* collect(cluster, "n2", (sessions) => sessions.changes)
      for (const [i, name] of cluster.names.entries()) yield* set(cluster, name, `k${i}`, i)
      yield* Effect.sleep("1 second")
      yield* set(cluster, "n4", "k0", 7)
      // the same value again is no change
      yield* set(cluster, "n4", "k1", 1)
      const updated = yield* use(cluster, "n5", ({ update }) => update("k2", (n) => Option.getOrElse(n, () => 0) + 40))
      const removed = yield* use(
        cluster,
        "n1",
        ({ remove }) => Effect.all([remove("k3"), remove("k3"), remove("none")])
      )
      yield* Effect.sleep("1 second")
      return {
        all: yield* everywhere(cluster),
        updated,
        removed,
        changes: changes.map(told),
        here: yield* use(
          cluster,
          "n3",
          ({ get, has, size }) => Effect.all([get("k2"), get("k3"), has("k2"), has("k3"), size])
        )
      }
    }))
    for (const one of seen.all) assert.deepStrictEqual(one, { k0: 7, k1: 1, k2: 42, k4: 4 })
    assert.strictEqual(seen.updated, 42)
    assert.deepStrictEqual(seen.removed, [true, false, false])
    assert.deepStrictEqual(seen.here, [Option.some(42), Option.none(), true, false, 4])
    assert.deepStrictEqual(seen.changes.toSorted(), [
      "k0 0 of n1",
      "k0 7 of n4",
      "k1 1 of n2",
      "k2 2 of n3",
      "k2 42 of n5",
      "k3 3 of n4",
      "k3 gone of n1",
      "k4 4 of n5"
    ])
  })

  it("lets values expire at all members at once, and tells of it", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* formed(3)
      const changes = yield* collect(cluster, "n3", (sessions) => sessions.changes)
      yield* set(cluster, "n1", "short", 1, { ttl: "10 seconds" })
      yield* set(cluster, "n1", "long", 2, { ttl: "1 minute" })
      yield* Effect.sleep("9900 millis")
      const before = yield* everywhere(cluster)
      yield* Effect.sleep("100 millis")
      const after = yield* everywhere(cluster)
      yield* Effect.sleep("2 seconds")
      return { before, after, changes: changes.map(told) }
    }))
    for (const one of seen.before) assert.deepStrictEqual(one, { long: 2, short: 1 })
    for (const one of seen.after) assert.deepStrictEqual(one, { long: 2 })
    assert.deepStrictEqual(seen.changes.slice(0, 2).toSorted(), ["long 2 of n1", "short 1 of n1"])
    assert.deepStrictEqual(seen.changes.slice(2), ["short gone of n1"])
  })

  it("comes to who joins or restarts, crashes of others included, and `ready` waits for it", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* formed(4)
      yield* Effect.forEach(Array.from({ length: 300 }, (_, i) => i), (i) => set(cluster, "n1", `k${i}`, i))
      yield* Effect.sleep("2 seconds")
      yield* cluster.kill("n1")
      yield* cluster.kill("n4")
      yield* cluster.start("n4")
      // alone, it has nothing to wait for
      const alone = yield* use(cluster, "n4", ({ ready, size }) => Effect.andThen(ready, size))
      yield* cluster.rejoin("n4")
      yield* Effect.sleep("300 millis")
      const size = yield* use(cluster, "n4", ({ ready, size }) => Effect.andThen(ready, size))
      // the crashed member's name again, from nothing: what it wrote before is there
      yield* cluster.start("n1")
      yield* cluster.rejoin("n1")
      yield* Effect.sleep("10 seconds")
      yield* set(cluster, "n1", "k1", -1)
      yield* Effect.sleep("1 second")
      const all = yield* everywhere(cluster)
      return { alone, size, sizes: all.map((one) => Object.keys(one).length), values: all.map(({ k1 }) => k1) }
    }))
    assert.deepStrictEqual(seen, { alone: 0, size: 300, sizes: [300, 300, 300, 300], values: [-1, -1, -1, -1] })
  })

  it("reads all of many entries as they are at one moment, and lets others have their turn meanwhile", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* formed(1)
      for (let i = 0; i < 5_000; i++) yield* set(cluster, "n1", `k${i}`, i)
      return yield* use(cluster, "n1", ({ entries, set }) =>
        Effect.gen(function*() {
          const reading = yield* Effect.forkChild(entries, { startImmediately: true })
          const isBegun = reading.pollUnsafe() === undefined
          yield* set("k4999", -1)
          const all = new Map(yield* Fiber.join(reading))
          return [isBegun, all.size, all.get("k4999")]
        }))
    }))
    assert.deepStrictEqual(seen, [true, 5_000, 4_999])
  })

  it("comes to who joins although that takes longer than clocks may be apart, also where its values have an end", () => {
    const seen = live(Effect.gen(function*() {
      const Large = ReplicatedMap.make("large", { key: Schema.String, value: Schema.String })
      const cluster = yield* SimulatedCluster.make({
        nodes: ["n1", "n2"],
        seed: 1,
        layer: () => Layer.provideMerge(Large.layer(short), MemberlistLive)
      })
      const on = <A, E>(name: string, f: (large: ReplicatedMap.Service<string, string>) => Effect.Effect<A, E>) =>
        cluster.run(
          name,
          Effect.flatMap(Effect.map(Effect.context<ReplicatedMap.Identity<"large">>(), Context.get(Large)), f)
        )
      yield* cluster.start("n1")
      const value = "x".repeat(60_000)
      for (let i = 0; i < 120; i++) yield* on("n1", ({ set }) => set(`k${i}`, value, { ttl: "1 hour" }))
      yield* Effect.sleep("10 seconds")
      yield* cluster.start("n2")
      yield* cluster.rejoin("n2")
      yield* Effect.sleep("30 seconds")
      return yield* on("n2", ({ size }) => size)
    }))
    assert.strictEqual(seen, 120)
  })

  it("that is too large for a newcomer is not asked for again and again, nor waited for without end", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({
        nodes: ["n1", "n2"],
        seed: 1,
        layer: (name) => Layer.provideMerge(Sessions.layer(name === "n1" ? {} : { maxEntries: 5 }), MemberlistLive)
      })
      yield* cluster.start("n1")
      for (let i = 0; i < 100; i++) yield* set(cluster, "n1", `k${i}`, i)
      // it has not just begun any more
      yield* Effect.sleep("65 minutes")
      yield* cluster.start("n2")
      yield* cluster.rejoin("n2")
      const began = yield* Clock.currentTimeMillis
      yield* use(cluster, "n2", ({ ready }) => ready)
      const waited = (yield* Clock.currentTimeMillis) - began
      yield* Effect.sleep(300_000 - waited)
      const counters = yield* countersOf(cluster, "n2")
      return { waited, merged: counters.get("compared:Merged") ?? 0, refused: counters.get("entry.refused:Full") ?? 0 }
    }))
    assert.isAtLeast(seen.merged, 5)
    assert.isAtMost(seen.merged, 40)
    assert.isAbove(seen.refused, 20)
    assert.isBelow(seen.waited, 90_000)
  })

  it("stands beside another map, and disturbs nobody who has none", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes: names(3), seed: 1 })
      yield* cluster.startAll
      yield* Effect.sleep("5 seconds")
      const frames: Array<Uint8Array> = []
      yield* (yield* cluster.node("n3")).messages.pipe(
        Stream.runForEach(({ payload }) => Effect.sync(() => void frames.push(payload))),
        Effect.forkScoped({ startImmediately: true })
      )
      const Prices = ReplicatedMap.make("prices", {
        key: Schema.NumberFromString,
        value: Schema.Struct({ euros: Schema.Number })
      })
      const both = Layer.merge(Sessions.layer(), Prices.layer())
      const built = yield* Effect.forEach(["n1", "n2"], (name) => cluster.run(name, Layer.build(Layer.fresh(both))))
      const twice = yield* Effect.flip(cluster.run("n1", Layer.build(Layer.fresh(Sessions.layer()))))
      const [sessions, prices] = [built.map(Context.get(Sessions)), built.map(Context.get(Prices))]
      yield* Effect.sleep("5 seconds")
      yield* sessions[0]?.set("k", 1) ?? Effect.void
      yield* prices[1]?.set(7, { euros: 2.5 }) ?? Effect.void
      yield* Effect.sleep("1 minute")
      return {
        twice: String(twice),
        frames: frames.length,
        sessions: yield* Effect.forEach(sessions, ({ entries }) => entries),
        prices: yield* Effect.forEach(prices, ({ entries }) => entries)
      }
    }))
    assert.strictEqual(seen.frames, 0)
    assert.deepStrictEqual(seen.sessions, [[["k", 1]], [["k", 1]]])
    assert.deepStrictEqual(seen.prices, [[[7, { euros: 2.5 }]], [[7, { euros: 2.5 }]]])
    assert.include(seen.twice, "already")
  })
})

describe("a member that was split off", () => {
  const splitFor = (millis: number) =>
    live(Effect.gen(function*() {
      const cluster = yield* formed(3, short)
      const discarded = yield* collect(cluster, "n1", (sessions) => sessions.discarded)
      for (const key of ["a", "b", "c"]) yield* set(cluster, "n2", key, 1)
      yield* Effect.sleep("5 seconds")
      const split: SimulatedCluster.Played["fault"] = {
        _tag: "Partition",
        groups: [["n1"], cluster.names.filter((name) => name !== "n1")]
      }
      const healed = yield* Effect.forkChild(cluster.play([{ at: 0, for: millis, fault: split }]))
      yield* Effect.sleep("1 second")
      yield* use(cluster, "n3", ({ remove }) => remove("a"))
      yield* set(cluster, "n1", "own", 1)
      yield* set(cluster, "n1", "b", 2)
      yield* set(cluster, "n2", "theirs", 1)
      yield* Fiber.join(healed)
      yield* Effect.sleep("40 seconds")
      return { all: yield* everywhere(cluster), discarded: discarded.map(told).toSorted() }
    }))

  it("for less than removals live brings its writes along", () => {
    const { all, discarded } = splitFor(15_000)
    for (const one of all) assert.deepStrictEqual(one, { b: 2, c: 1, own: 1, theirs: 1 })
    assert.deepStrictEqual(discarded, [])
  })

  it("for longer brings nothing back that was removed, and is told what is gone", () => {
    const { all, discarded } = splitFor(60_000)
    for (const one of all) assert.deepStrictEqual(one, { b: 1, c: 1, theirs: 1 })
    assert.deepStrictEqual(discarded, ["b 2 of n1", "own 1 of n1"])
  })
})

describe("a write", () => {
  it("that breaks a bound fails with the sizes, before anything is sent", () => {
    const seen = live(Effect.gen(function*() {
      const options = { maxEntries: 2, maxBytes: 1_024, maxKeyBytes: 8, maxValueBytes: 20 }
      const Small = ReplicatedMap.make("small", { key: Schema.String, value: Schema.String })
      const cluster = yield* SimulatedCluster.make({
        nodes: names(2),
        seed: 1,
        layer: () => Layer.provideMerge(Small.layer(options), MemberlistLive)
      })
      yield* cluster.startAll
      const small = yield* cluster.run("n1", Effect.map(Small, (small) => small))
      const failing = (effect: Effect.Effect<unknown, { readonly message: string }>) =>
        Effect.map(Effect.flip(effect), ({ message }) => message)
      yield* small.set("a", "1")
      yield* small.set("b", "2")
      const errors = [
        yield* failing(small.set("c", "3")),
        yield* failing(small.set("much too long", "3")),
        yield* failing(small.set("\ud800", "3")),
        yield* failing(small.set("a", "x".repeat(30))),
        yield* failing(small.set("a", 3 as unknown as string)),
        yield* failing(small.set("a", "1", { ttl: 0 })),
        yield* failing(small.update("c", () => "3"))
      ]
      const thrown = yield* Effect.exit(small.update("a", () => {
        throw new Error("mine")
      }))
      // in place of another one there is room
      yield* small.set("a", "4")
      yield* small.remove("b")
      yield* small.set("c", "5")
      yield* Effect.sleep("5 seconds")
      const written = (yield* small.counters).get("entry.written")
      const other = yield* cluster.run("n2", Small.use(({ entries }) => entries))
      return { errors, thrown: Exit.isFailure(thrown), written, other }
    }))
    assert.deepStrictEqual(seen.errors, [
      "the map \"small\" is full: with \"c\" it would have 3 keys; at most 2 fit (maxEntries)",
      "no key of the map \"small\": \"much too long\" has 13 bytes; at most 8 fit (maxKeyBytes)",
      "no key of the map \"small\": \"\\ud800\" is no well-formed text",
      "the value for \"a\" of the map \"small\" is 32 bytes; at most 20 fit (maxValueBytes)",
      seen.errors[4] ?? "",
      "the map \"small\" takes no ttl of 0; expected a duration of 1 millisecond to 10 years",
      "the map \"small\" is full: with \"c\" it would have 3 keys; at most 2 fit (maxEntries)"
    ])
    assert.include(seen.errors[4], "does not fit the schema")
    assert.isTrue(seen.thrown)
    assert.strictEqual(seen.written, 4)
    assert.deepStrictEqual(seen.other.toSorted(), [["a", "4"], ["c", "5"]])
  })

  it("waits while many wait to be sent, and who interrupts it has written nothing", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* formed(2, { pendingWrites: 4 })
      const sessions = yield* use(cluster, "n1", Effect.succeed)
      const all = yield* Effect.forEach(
        Array.from({ length: 40 }, (_, i) => i),
        (i) => Effect.forkChild(sessions.set(`k${i}`, i), { startImmediately: true })
      )
      const waiting = all.filter((fiber) => fiber.pollUnsafe() === undefined)
      yield* Effect.forEach(waiting, Fiber.interrupt)
      const exits = yield* Effect.forEach(all, Fiber.await)
      yield* Effect.sleep("2 seconds")
      const written = exits.flatMap((exit, i) => Exit.isSuccess(exit) ? [`k${i}`] : []).toSorted()
      return { waited: waiting.length, written, all: (yield* everywhere(cluster)).map((one) => Object.keys(one)) }
    }))
    assert.isAbove(seen.waited, 0)
    assert.isAbove(seen.written.length, 3)
    assert.deepStrictEqual(seen.all, [seen.written, seen.written])
  })

  it("after a leave, or the layer's release, fails; what was written just before the release arrives", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* formed(3)
      const one = yield* use(cluster, "n1", Effect.succeed)
      const two = yield* use(cluster, "n2", Effect.succeed)
      yield* Effect.forEach(Array.from({ length: 100 }, (_, i) => i), (i) => one.set(`k${i}`, i))
      const waiting = yield* Effect.forkChild(one.ready)
      yield* cluster.stop("n1")
      yield* Fiber.join(waiting)
      const closed = yield* Effect.flip(one.set("k", 1))
      yield* Effect.sleep("1 second")
      const size = Object.keys(yield* entriesOf(cluster, "n3")).length
      yield* (yield* cluster.node("n2")).leave()
      const left = yield* Effect.flip(two.remove("k1"))
      return { closed: closed._tag, left: left._tag, size }
    }))
    assert.deepStrictEqual(seen, { closed: "MapClosed", left: "NotParticipating", size: 100 })
  })

  it("by a clock that is far ahead reaches nobody", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* formed(3, short)
      cluster.clock("n1").set({ leap: 60_000 })
      yield* set(cluster, "n1", "k", 1)
      yield* Effect.sleep("20 seconds")
      const counters = yield* countersOf(cluster, "n2")
      return {
        all: yield* everywhere(cluster),
        refused: counters.get("entry.refused:Ahead") ?? 0,
        apart: (yield* countersOf(cluster, "n1")).get("compared:ClockApart") ?? 0
      }
    }))
    assert.deepStrictEqual(seen.all, [{ k: 1 }, {}, {}])
    assert.isAbove(seen.refused, 0)
    assert.isAbove(seen.apart, 0)
  })
})

describe("a clock that is set back", () => {
  it("refuses writes while others could not take them, and lets nothing that has expired come back", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes: ["n1"], seed: 1 })
      yield* cluster.startAll
      let back = 0
      const setBack = (clock: Clock.Clock): Clock.Clock =>
        Object.assign(Object.create(clock), {
          currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() - back
        })
      const build = Effect.updateService(Layer.build(Layer.fresh(Sessions.layer(short))), Clock.Clock, setBack)
      const sessions = Context.get(yield* cluster.run("n1", build), Sessions)
      yield* sessions.set("short", 1, { ttl: 500 })
      yield* sessions.set("long", 1)
      yield* Effect.sleep("5 seconds")
      yield* sessions.set("just gone", 1, { ttl: 100 })
      yield* Effect.sleep("150 millis")
      yield* sessions.get("just gone")
      back = 5_000
      const error = yield* Effect.flip(sessions.set("long", 2))
      const during = yield* sessions.entries
      // less than what clocks may be apart is made up for
      back = 900
      yield* sessions.set("long", 3)
      return { error: error.message, during, after: yield* sessions.entries }
    }))
    assert.deepStrictEqual(seen, {
      error:
        "cannot write to the map \"sessions\": the clock was set back by more than 1000 ms (maxAhead); set it right, "
        + "or start the program again",
      during: [["long", 1]],
      after: [["long", 3]]
    })
  })
})

describe("a slow reader of changes", () => {
  it("loses the oldest, and is told how many", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* formed(1, { changeBuffer: 4 })
      const sessions = yield* use(cluster, "n1", Effect.succeed)
      for (let i = 0; i < 10; i++) yield* sessions.set(`k${i}`, i)
      return yield* Stream.runCollect(Stream.take(sessions.changes, 4))
    }))
    assert.deepStrictEqual(seen.map(({ key, missed }) => [key, missed]), [["k6", 6], ["k7", 0], ["k8", 0], ["k9", 0]])
  })
})

describe("what does not decode", () => {
  it("is kept for others, passed over, and told with its writer's name", () => {
    const told = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes: names(3), seed: 1 })
      yield* cluster.startAll
      yield* Effect.sleep("5 seconds")
      const [texts] = [yield* cluster.run("n1", Layer.build(Layer.fresh(Texts.layer())))].map(Context.get(Texts))
      const [one, two] = (yield* Effect.forEach(
        ["n2", "n3"],
        (name) => cluster.run(name, Layer.build(Layer.fresh(Sessions.layer())))
      )).map(Context.get(Sessions))
      if (texts === undefined || one === undefined || two === undefined) throw new Error("three")
      const invalid: Array<ReplicatedMap.Invalid> = []
      yield* Effect.forkScoped(
        Stream.runForEach(one.invalid, (each) => Effect.sync(() => void invalid.push(each))),
        { startImmediately: true }
      )
      yield* Effect.sleep("5 seconds")
      yield* texts.set("k", "a text")
      yield* one.set("n", 1)
      yield* Effect.sleep("1 second")
      const error = yield* Effect.flip(one.get("k"))
      return {
        error: error.message,
        has: yield* one.has("k"),
        entries: yield* two.entries,
        texts: yield* texts.get("k"),
        invalid: invalid.map(({ from, key }) => `${Option.getOrElse(key, () => "frame")} of ${from}`)
      }
    }))
    assert.include(told.error, "the value of \"k\" in the map \"sessions\", written by \"n1\", does not decode")
    assert.deepStrictEqual({ ...told, error: "" }, {
      error: "",
      has: true,
      entries: [["n", 1]],
      texts: Option.some("a text"),
      invalid: ["k of n1"]
    })
  })
})

describe("a member that sends what it should not", () => {
  it("changes nothing, and is counted", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes: names(3), seed: 1 })
      yield* cluster.startAll
      yield* Effect.sleep("5 seconds")
      const [one, two] = (yield* Effect.forEach(
        ["n1", "n2"],
        (name) => cluster.run(name, Layer.build(Layer.fresh(Sessions.layer({ maxEntries: 10 }))))
      )).map(Context.get(Sessions))
      if (one === undefined || two === undefined) throw new Error("two")
      yield* one.set("k", 1)
      const Forged = Topic.make("map/sessions", Schema.Uint8Array)
      const forger = Context.get(yield* cluster.run("n3", Layer.build(Layer.fresh(Forged.layer()))), Forged)
      yield* Effect.sleep("3 seconds")
      const life = { name: "n3", birth: 1 }
      const tops = {
        _tag: "Tops",
        session: 1,
        self: life,
        now: 1,
        asOf: 1,
        isNew: false,
        vector: [],
        sums: []
      } as const
      const to = { name: "n1" }
      for (let i = 0; i < 100; i++) {
        yield* forger.send(to, encode({ _tag: "AskLeaves", session: i, tops: [1, 2, 3] }), { reliable: true })
      }
      yield* forger.send(to, encode(tops), { reliable: true })
      yield* forger.publish(encode({ _tag: "Ask", session: 1, root: 0 }))
      yield* forger.publish(new Uint8Array([1, 1, 200, 7]))
      yield* forger.publish(new Uint8Array([9]))
      const time = 10 * 365 * 86_400_000_000
      const entries = [MapEntry.make("k", { time, counter: 0, by: "n3" }, new Uint8Array([1]))]
      yield* forger.publish(encode({ _tag: "Delta", entries }))
      yield* Effect.sleep("20 seconds")
      yield* one.set("after", 2)
      yield* Effect.sleep("1 second")
      const counters = yield* one.counters
      return {
        entries: [yield* one.entries, yield* two.entries],
        counted: ["answer.ignored", "frame.ignored:Published", "frame.ignored:Malformed", "frame.ignored:Version"]
          .map((name) => counters.get(name)),
        ahead: counters.get("entry.refused:Ahead"),
        defects: [...counters.keys()].filter((key) => key.startsWith("defect"))
      }
    }))
    assert.deepStrictEqual(seen, {
      entries: [[["k", 1], ["after", 2]], [["k", 1], ["after", 2]]],
      counted: [1, 1, 1, 1],
      ahead: 1,
      defects: []
    })
  })
})

describe("a map with a store", () => {
  /** A store of each node, which outlives it, and can be made to fail. */
  const stores = () => {
    const contents = new Map<string, Map<string, Uint8Array>>()
    const failing = { read: false, write: false }
    const slow = { millis: 0 }
    const of = (name: string) => {
      const content = contents.get(name) ?? new Map<string, Uint8Array>()
      contents.set(name, content)
      const error = (method: string) =>
        Effect.fail(new KeyValueStore.KeyValueStoreError({ method, message: "the disk is full" }))
      return Layer.succeed(
        KeyValueStore.KeyValueStore,
        KeyValueStore.make({
          get: () => Effect.undefined,
          getUint8Array: (key) => Effect.suspend(() => failing.read ? error("get") : Effect.succeed(content.get(key))),
          set: (key, value) =>
            Effect.suspend(() => {
              if (failing.write) return error("set")
              content.set(key, typeof value === "string" ? new TextEncoder().encode(value) : value.slice())
              return slow.millis === 0 ? Effect.void : Effect.sleep(slow.millis)
            }),
          remove: () => Effect.void,
          clear: Effect.void,
          size: Effect.succeed(0),
          keys: Effect.succeed([])
        })
      )
    }
    return { contents, failing, of, slow }
  }

  it("has it again when all members were stopped or killed, and what was removed stays away", () => {
    const seen = live(Effect.gen(function*() {
      const { of } = stores()
      const layerOf = (name: string) => Sessions.layerPersisted(short).pipe(Layer.provide(of(name)))
      const cluster = yield* SimulatedCluster.make({
        nodes: names(3),
        seed: 1,
        layer: (name) => Layer.provideMerge(layerOf(name), MemberlistLive)
      })
      yield* cluster.startAll
      yield* Effect.sleep("5 seconds")
      for (let i = 0; i < 50; i++) yield* set(cluster, "n1", `k${i}`, i)
      yield* Effect.sleep("5 seconds")
      yield* cluster.kill("n3")
      yield* use(cluster, "n1", ({ remove }) => remove("k7"))
      yield* set(cluster, "n2", "late", 1)
      yield* cluster.stop("n1")
      yield* cluster.stop("n2")
      // longer than removals live
      yield* Effect.sleep("5 minutes")
      for (const name of cluster.names) yield* cluster.start(name)
      const alone = yield* Effect.forEach(cluster.names, (name) => entriesOf(cluster, name))
      yield* cluster.rejoin("n2")
      yield* cluster.rejoin("n3")
      yield* Effect.sleep("30 seconds")
      return { alone, all: yield* everywhere(cluster) }
    }))
    assert.deepStrictEqual(seen.alone.map((one) => one["k7"]), [undefined, undefined, 7])
    for (const one of seen.all) {
      assert.deepStrictEqual([Object.keys(one).length, one["late"], one["k7"]], [50, 1, undefined])
    }
  })

  it("has all that was written before its release, which finds another write to the store under way", () => {
    const seen = live(Effect.gen(function*() {
      const { of, slow } = stores()
      slow.millis = 40
      const cluster = yield* SimulatedCluster.make({
        nodes: ["n1"],
        seed: 1,
        layer: (name) =>
          Layer.provideMerge(
            Sessions.layerPersisted({ ...short, writeInterval: "100 millis" }).pipe(Layer.provide(of(name))),
            MemberlistLive
          )
      })
      yield* cluster.start("n1")
      const sizes: Array<number> = []
      for (let round = 1; round <= 4; round++) {
        for (let i = 0; i < 5; i++) yield* set(cluster, "n1", `k${round}/${i}`, i)
        yield* Effect.sleep(100 + 45 * round)
        yield* set(cluster, "n1", `last${round}`, 1)
        yield* cluster.stop("n1")
        yield* cluster.start("n1")
        sizes.push(yield* use(cluster, "n1", ({ size }) => size))
      }
      return sizes
    }))
    assert.deepStrictEqual(seen, [6, 12, 18, 24])
  })

  it("begins with nothing where the bytes are broken, does not start where it cannot read, and outlives failing writes", () => {
    const seen = live(Effect.gen(function*() {
      const { contents, failing, of } = stores()
      const cluster = yield* SimulatedCluster.make({
        nodes: ["n1"],
        seed: 1,
        layer: (name) =>
          Layer.provideMerge(Sessions.layerPersisted(short).pipe(Layer.provide(of(name))), MemberlistLive)
      })
      yield* cluster.start("n1")
      for (let i = 0; i < 20; i++) yield* set(cluster, "n1", `k${i}`, i)
      yield* Effect.sleep("5 seconds")
      failing.write = true
      yield* set(cluster, "n1", "k0", -1)
      yield* Effect.sleep("5 seconds")
      const during = yield* use(cluster, "n1", ({ get }) => get("k0"))
      const failed = (yield* countersOf(cluster, "n1")).get("store.failed") ?? 0
      failing.write = false
      yield* Effect.sleep("5 seconds")
      yield* cluster.kill("n1")
      failing.read = true
      const error = yield* Effect.flip(cluster.start("n1"))
      failing.read = false
      yield* cluster.start("n1")
      const again = yield* use(cluster, "n1", ({ get }) => get("k0"))
      yield* cluster.kill("n1")
      const content = contents.get("n1")
      for (const [key, bytes] of content ?? []) {
        if (!key.endsWith("head")) content?.set(key, bytes.map((byte, i) => i === 12 ? byte ^ 255 : byte))
      }
      yield* cluster.start("n1")
      const broken = yield* use(cluster, "n1", ({ size }) => size)
      const counted = (yield* countersOf(cluster, "n1")).get("store.broken")
      yield* set(cluster, "n1", "new", 1)
      yield* cluster.stop("n1")
      yield* cluster.start("n1")
      const after = yield* entriesOf(cluster, "n1")
      return { during, failed, error: String(error), again, broken, counted, after }
    }))
    assert.deepStrictEqual(seen.during, Option.some(-1))
    assert.isAbove(seen.failed, 0)
    assert.include(seen.error, "cannot be read from its store")
    assert.deepStrictEqual(seen.again, Option.some(-1))
    assert.deepStrictEqual([seen.broken, seen.counted, seen.after], [0, 1, { new: 1 }])
  })
})

describe("what is set of a map", () => {
  it("is refused where it cannot work", () => {
    const errors = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes: ["n1"], seed: 1 })
      yield* cluster.startAll
      const refused = <Name extends string>(
        map: ReplicatedMap.ReplicatedMap<Name, string, number>,
        options?: ReplicatedMap.Options
      ) => Effect.map(Effect.flip(cluster.run("n1", Layer.build(map.layer(options)))), (error) => error.message)
      const named = <const Name extends string>(name: Name) =>
        ReplicatedMap.make(name, { key: Schema.String, value: Schema.Int })
      return [
        yield* refused(named("")),
        yield* refused(named("a"), { removalLife: "7 minutes" }),
        yield* refused(named("a"), { maxAhead: "10 millis" }),
        yield* refused(named("a"), { syncInterval: "8 minutes" }),
        yield* refused(named("a"), { maxEntries: 0 })
      ]
    }))
    assert.deepStrictEqual(errors, [
      "no map can be called \"\"; expected 1 to 200 bytes of well-formed text",
      "configuration field \"ReplicatedMap.removalLife\" is \"7 minutes\"; expected a duration of at least eight times "
      + "maxAhead, 480000 ms, and at most 30 days",
      "configuration field \"ReplicatedMap.maxAhead\" is \"10 millis\"; expected a duration of 1 second to 10 minutes",
      "configuration field \"ReplicatedMap.syncInterval\" is \"8 minutes\"; expected a duration of 1 second to an eighth of "
      + "removalLife, 450000 ms",
      "configuration field \"ReplicatedMap.maxEntries\" is \"0\"; expected a whole number, 1‥1048576"
    ])
  })
})
