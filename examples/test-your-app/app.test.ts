/** Tests of `app.ts` as it runs in production, but for time, network and database. Minutes pass in milliseconds. */
import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Layer, Option, Random } from "effect"
import { MemberlistConfig, MemberlistLive } from "effect-memberlist"
import { SimulatedCluster, SimulatedNetwork } from "effect-memberlist/testing"
import { TestClock } from "effect/testing"
import { AppLive, Janitor, Store, StoreAway } from "./app.ts"

/** A database in memory, that notes who did what in which minute; all members use the same one. */
class Database {
  readonly claims = new Map<number, string>()
  readonly tried: Array<string> = []
  readonly cleaned: Array<number> = []
  isAway = false

  private readonly answer = <A>(action: () => A) =>
    Effect.suspend(() => this.isAway ? Effect.fail(new StoreAway()) : Effect.sync(action))

  readonly layer = Layer.succeed(Store, {
    claim: (minute, by) =>
      this.answer(() => {
        this.tried.push(`${minute} ${by}`)
        if (this.claims.has(minute)) return false
        this.claims.set(minute, by)
        return true
      }),
    deleteExpired: Effect.flatMap(Clock.currentTimeMillis, (now) => this.answer(() => this.cleaned.push(now / 60_000)))
  })

  /** What happened since this was asked last: who tried, and in which minutes it was done. */
  readonly news = Effect.sync(() => ({ tried: this.tried.splice(0), cleaned: this.cleaned.splice(0) }))
}

/** Time stands still under TestClock: whoever waits for something makes it pass. */
const within = Effect.fnUntraced(function*<A, E, R>(seconds: number, effect: Effect.Effect<A, E, R>) {
  const fiber = yield* Effect.forkChild(effect)
  yield* TestClock.adjust(`${seconds} seconds`)
  return yield* Fiber.join(fiber)
})

describe("one member, under TestClock", () => {
  const database = new Database()
  const NodeLive = MemberlistLive.pipe(
    Layer.provide(SimulatedNetwork.transport("10.0.0.1")),
    Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name: "a" })),
    Layer.provide(SimulatedNetwork.layer({ seed: "one" }))
  )

  it.effect("cleans up at each full minute, also after the database was away", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust("150 seconds")
      assert.deepStrictEqual(yield* database.news, { tried: ["1 a", "2 a"], cleaned: [1, 2] })

      database.isAway = true
      yield* TestClock.adjust("1 minute")
      database.isAway = false
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* database.news, { tried: ["4 a"], cleaned: [4] })
    }).pipe(
      Effect.provide(AppLive.pipe(Layer.provide(NodeLive), Layer.provide(database.layer))),
      Random.withSeed("one")
    ))
})

/** Three members with the application on each, which have found each other. */
const three = Effect.gen(function*() {
  const database = new Database()
  const cluster = yield* SimulatedCluster.make({
    nodes: ["a", "b", "c"],
    seed: "three",
    layer: () => AppLive.pipe(Layer.provide(database.layer), Layer.provideMerge(MemberlistLive))
  })
  yield* within(5, cluster.startAll)

  /** Who is on duty, as each member that runs sees it. */
  const views = Effect.gen(function*() {
    const names = yield* cluster.running
    return yield* Effect.forEach(
      names,
      (name) => cluster.run(name, Effect.map(Janitor.use(({ onDuty }) => onDuty), Option.getOrElse(() => "nobody")))
    )
  })
  return { cluster, database, views }
})

describe("three members, on a simulated network", () => {
  it.effect("agree on one, and when it is killed another one takes over: at most a minute is missed", () =>
    Effect.gen(function*() {
      const { cluster, database, views } = yield* three
      const [first = "", ...others] = yield* views
      assert.isTrue(others.every((name) => name === first))
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* database.news, { tried: [`1 ${first}`, `2 ${first}`], cleaned: [1, 2] })

      // just before its turn: until it is declared failed, nobody else knows that it is theirs
      yield* TestClock.adjust("50 seconds")
      yield* cluster.kill(first)
      yield* TestClock.adjust("70 seconds")
      const [second = "", ...rest] = yield* views
      assert.isTrue(second !== first && rest.every((name) => name === second))
      assert.deepStrictEqual(yield* database.news, { tried: [`4 ${second}`], cleaned: [4] })

      // it comes back, and the ring gives to it what it had
      yield* cluster.start(first)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* views, Array.from({ length: 3 }, () => first))
    }).pipe(Random.withSeed("killed")))

  it.effect("hand over without missing a minute when one stops, or is not available", () =>
    Effect.gen(function*() {
      const { cluster, database, views } = yield* three
      const [first = ""] = yield* views
      yield* TestClock.adjust("40 seconds")
      yield* cluster.run(first, Janitor.use(({ setAvailable }) => setAvailable(false)))
      yield* TestClock.adjust("5 seconds")
      const [second = ""] = yield* views
      assert.notStrictEqual(second, first)
      yield* within(2, cluster.stop(second))
      yield* TestClock.adjust("10 seconds")
      const third = new Set(yield* views)
      assert.strictEqual(third.size, 1)
      assert.isFalse(third.has(first) || third.has(second))
      assert.deepStrictEqual(yield* database.news, { tried: [`1 ${[...third].join()}`], cleaned: [1] })
    }).pipe(Random.withSeed("handed over")))

  it.effect("try on both sides of a split, and it happens once; after it there is one again", () =>
    Effect.gen(function*() {
      const { cluster, database, views } = yield* three
      const [first = ""] = yield* views
      const others = cluster.names.filter((name) => name !== first)
      yield* TestClock.adjust("30 seconds")
      yield* Effect.scoped(Effect.gen(function*() {
        yield* cluster.network.inject({ _tag: "Partition", groups: [[first], others] })
        yield* TestClock.adjust("2 minutes")
        const seen = new Set(yield* views)
        assert.strictEqual(seen.size, 2, "each side has one of its own")
        const { cleaned, tried } = yield* database.news
        assert.sameMembers(tried, [1, 2].flatMap((minute) => [...seen].map((name) => `${minute} ${name}`)))
        assert.deepStrictEqual(cleaned, [1, 2])
      }))
      // nobody has to tell them that the network works again
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual(yield* views, Array.from({ length: 3 }, () => first))
      yield* database.news
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* database.news, { tried: [`5 ${first}`], cleaned: [5] })
    }).pipe(Random.withSeed("split")))
})
