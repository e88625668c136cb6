import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import { MaxOpsBeforeYield } from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as PushPull from "../../../src/engine/exchange/PushPull.ts"
import * as Life from "../../../src/engine/life/Life.ts"
import * as Node from "../../../src/engine/Node.ts"
import * as Protocol from "../../../src/engine/Protocol.ts"
import { table, textOf } from "../../../src/engine/telemetry/LogMessages.ts"
import { Keyring } from "../../../src/Keyring.ts"
import { Memberlist } from "../../../src/Memberlist.ts"
import { MemberlistConfig } from "../../../src/MemberlistConfig.ts"
import { Seeds, SeedSourceFailed } from "../../../src/Seeds.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, joinAt, type NodeOptions, passing, start, type TestNode, view } from "../../support/Cluster.ts"
import { counted } from "../../support/Fields.ts"
import { entries, logging } from "../../support/Telemetry.ts"

/** A node with fixed seeds. */
const seeded = (name: string, ip: string, seeds: ReadonlyArray<string>, config: NodeOptions["config"] = {}) =>
  start(name, ip, { seeds: Seeds.layerStatic(seeds), config })

/** Seeds that a test changes. */
const given = (first: ReadonlyArray<string>) => {
  let now = first
  let told = () => {}
  const changes = Stream.callback<ReadonlyArray<string>>((queue) =>
    Effect.gen(function*() {
      told = () => Queue.offerUnsafe(queue, now)
      told()
      return yield* Effect.never
    })
  )
  return {
    layer: Seeds.layerStream(changes),
    become: (list: ReadonlyArray<string>) =>
      Effect.sync(() => {
        now = list
        told()
      })
  }
}

const readiness = (node: TestNode) => node.cluster.readiness

/** What waiting comes to while so much time passes; `undefined` when it has not ended. */
const readyWithin = Effect.fnUntraced(function*(node: TestNode, time: Duration.Input) {
  const waiting = yield* Effect.forkChild(Effect.result(node.cluster.ready), { startImmediately: true })
  yield* TestClock.adjust(time)
  const exit = waiting.pollUnsafe()
  if (exit === undefined) {
    yield* Fiber.interrupt(waiting)
    return undefined
  }
  const result = yield* exit
  return result._tag === "Success" ? result.success : result.failure
})

const everybody = ["a alive", "b alive", "c alive"]

describe("a node with seeds", () => {
  clusterTest(
    "starts without waiting, joins by itself, and says so",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const before = yield* Clock.currentTimeMillis
      const b = yield* seeded("b", "10.0.0.2", ["10.0.0.1", "nowhere.test"])
      assert.strictEqual(yield* Clock.currentTimeMillis, before)
      assert.strictEqual((yield* readiness(b))._tag, "Trying")
      assert.strictEqual(b.cluster.info.seeds, "static")
      assert.deepStrictEqual(yield* readyWithin(b, "1 second"), { _tag: "Joined" })
      assert.deepStrictEqual(yield* readiness(b), { _tag: "Joined" })
      assert.deepStrictEqual(yield* view(a), ["a alive", "b alive"])
    })
  )

  clusterTest(
    "is one of three that start in order, each with the names of all, and waits for nobody",
    Effect.gen(function*() {
      const names = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
      const a = yield* seeded("a", "10.0.0.1", names)
      assert.isUndefined(yield* readyWithin(a, "20 seconds"))
      const b = yield* seeded("b", "10.0.0.2", names)
      // others who join us need not be waited for
      assert.deepStrictEqual(yield* readyWithin(a, "100 millis"), { _tag: "Joined" })
      const c = yield* seeded("c", "10.0.0.3", names)
      yield* TestClock.adjust("2 seconds")
      for (const node of [a, b, c]) assert.deepStrictEqual(yield* view(node), everybody)
      for (const node of [b, c]) assert.deepStrictEqual(yield* readiness(node), { _tag: "Joined" })
    })
  )

  clusterTest(
    "is one of sixty that start at the same time with one list",
    Effect.gen(function*() {
      const names = Array.from({ length: 60 }, (_, i) => `10.0.1.${i + 1}`)
      const nodes: Array<TestNode> = []
      for (const [i, ip] of names.entries()) nodes.push(yield* seeded(`n${i}`, ip, names))
      yield* TestClock.adjust("10 seconds")
      for (const node of nodes) assert.strictEqual((yield* view(node)).length, 60)
      // one exchange merges a whole list: it is not done with everybody
      let exchanges = 0
      for (const node of nodes) exchanges += yield* counted(node, "tcp.connect")
      assert.isBelow(exchanges, 60 * 60 / 2)
    })
  )

  clusterTest(
    "tries a seed that cannot be looked up again, until it can",
    Effect.gen(function*() {
      let known = false
      yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2", {
        seeds: Seeds.layerStatic(["late.test"]),
        transport: (inner) => ({ ...inner, resolve: (host) => inner.resolve(known ? "10.0.0.1" : host) })
      })
      yield* TestClock.adjust("20 seconds")
      const trying = yield* readiness(b)
      assert.strictEqual(trying._tag, "Trying")
      if (trying._tag === "Trying") {
        assert.strictEqual(trying.since, 0)
        assert.isAtLeast(trying.attempts, 4)
        assert.include(trying.why, "late.test")
      }
      known = true
      assert.deepStrictEqual(yield* readyWithin(b, "40 seconds"), { _tag: "Joined" })
      assert.deepStrictEqual(yield* view(b), ["a alive", "b alive"])
    })
  )

  clusterTest(
    "waits longer and longer between its tries, half a minute at most, and says why",
    logging((log) =>
      Effect.gen(function*() {
        const at: Array<number> = []
        const b = yield* start("b", "10.0.0.2", {
          seeds: Seeds.layerStatic(["10.0.0.1"]),
          transport: (inner) => ({
            ...inner,
            open: (to, options) =>
              Effect.flatMap(Clock.currentTimeMillis, (now) => {
                at.push(now)
                return inner.open(to, options)
              })
          })
        })
        yield* TestClock.adjust("5 minutes")
        const pauses = at.slice(1).map((time, i) => (time - (at[i] ?? 0)) / 1000)
        for (const [i, expected] of [1, 2, 4, 8, 16, 30, 30, 30].entries()) {
          assert.isAtLeast(pauses[i] ?? 0, expected * 0.8 - 0.01)
          assert.isAtMost(pauses[i] ?? 0, expected * 1.2 + 0.1)
        }
        assert.strictEqual((yield* readiness(b))._tag, "Trying")
        const [entry] = entries(log, textOf(table.AutoJoinFailed))
        assert.include(entry?.annotations["detail"], "10.0.0.1")
      })
    )
  )

  clusterTest(
    "warns of nothing while its seeds may be starting, and does when a fourth round was in vain",
    logging((log) =>
      Effect.gen(function*() {
        const b = yield* seeded("b", "10.0.0.2", ["10.0.0.1"])
        const warnings = () => entries(log, textOf(table.AutoJoinFailed)).length
        for (const [seconds, attempts, expected] of [[5, 3, 0], [5, 4, 1]] as const) {
          yield* TestClock.adjust(`${seconds} seconds`)
          const trying = yield* readiness(b)
          assert.strictEqual(trying._tag === "Trying" ? trying.attempts : 0, attempts)
          assert.strictEqual(warnings(), expected)
        }
      })
    )
  )

  clusterTest(
    "tries as often as joinSchedule says, then gives up, and begins again with other seeds",
    Effect.gen(function*() {
      const seeds = given(["10.0.0.1"])
      const b = yield* start("b", "10.0.0.2", {
        seeds: seeds.layer,
        config: { joinSchedule: Schedule.spaced("1 second").pipe(Schedule.upTo({ times: 2 })) }
      })
      const error = yield* readyWithin(b, "10 seconds")
      assert.strictEqual(error?._tag, "NotReady")
      if (error?._tag === "NotReady") {
        assert.strictEqual(error.reason, "GaveUp")
        assert.match(error.message, /^gave up joining, after 3 tries: .*10\.0\.0\.1/)
      }
      assert.strictEqual((yield* readiness(b))._tag, "GaveUp")
      yield* start("c", "10.0.0.3")
      yield* seeds.become(["10.0.0.3"])
      assert.deepStrictEqual(yield* readyWithin(b, "1 second").pipe(Effect.repeat({ times: 1 })), { _tag: "Joined" })
    })
  )

  clusterTest(
    "is ready in readyTimeout or not at all, counted from its start, and joins later all the same",
    Effect.gen(function*() {
      const b = yield* seeded("b", "10.0.0.2", ["10.0.0.1"], { readyTimeout: "30 seconds" })
      assert.isUndefined(yield* readyWithin(b, "29 seconds"))
      const waiting = yield* Effect.forkChild(Effect.flip(b.cluster.ready), { startImmediately: true })
      yield* TestClock.adjust("2 seconds")
      const error = yield* Fiber.join(waiting)
      assert.strictEqual(error._tag, "NotReady")
      assert.match(error.message, /^not joined within 30000 ms, after [56] tries: could not join through the seed: /)
      // at once from now on
      assert.strictEqual((yield* readyWithin(b, 0))?._tag, "NotReady")
      yield* start("a", "10.0.0.1")
      yield* TestClock.adjust("40 seconds")
      assert.deepStrictEqual(yield* readyWithin(b, 0), { _tag: "Joined" })
    })
  )
})

describe("a node", () => {
  const alone = [
    ["without the service", undefined, "NoSeeds"],
    ["with an empty list of seeds", Seeds.layerStatic([]), "NoSeeds"],
    ["whose seeds name itself", Seeds.layerStatic(["10.0.0.1", "self.test", "a/10.0.0.1:7946"]), "OnlyOurselves"]
  ] as const
  for (const [what, seeds, reason] of alone) {
    clusterTest(
      `${what} is alone by configuration, until somebody joins it`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", seeds === undefined ? {} : { seeds })
        assert.deepStrictEqual(yield* readyWithin(a, "10 millis"), { _tag: "Alone", reason })
        assert.deepStrictEqual(yield* readiness(a), { _tag: "Alone", reason })
        const b = yield* start("b", "10.0.0.2")
        yield* joinAt(b, a.address)
        assert.deepStrictEqual(yield* readyWithin(a, 0), { _tag: "Joined" })
        assert.strictEqual(yield* counted(a, "join.failed:TransportError"), 0)
      }),
      { hosts: { "self.test": ["10.0.0.1"] } }
    )
  }

  clusterTest(
    "that was alone joins when its seeds name another",
    Effect.gen(function*() {
      const seeds = given(["10.0.0.2"])
      yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2", { seeds: seeds.layer })
      assert.deepStrictEqual(yield* readyWithin(b, "1 second"), { _tag: "Alone", reason: "OnlyOurselves" })
      yield* seeds.become(["10.0.0.2", "10.0.0.1"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* view(b), ["a alive", "b alive"])
    })
  )

  clusterTest(
    "whose seeds change while it tries those that are down leaves out what is not wanted any more",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const down = Array.from({ length: 40 }, (_, i) => `10.0.9.${i + 1}`)
      for (const host of down) yield* network.crash(host)
      const seeds = given(down)
      yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2", { seeds: seeds.layer })
      yield* TestClock.adjust("1 second")
      yield* seeds.become(["10.0.0.1"])
      // all 40 would take 100 seconds
      assert.deepStrictEqual(yield* readyWithin(b, "12 seconds"), { _tag: "Joined" })
    })
  )
})

describe("a source of seeds that fails", () => {
  const failing = (fails: () => boolean, seeds: ReadonlyArray<string>) =>
    Seeds.layerStream(
      Stream.suspend(() =>
        Stream.concat(
          fails() ? Stream.empty : Stream.make(seeds),
          Stream.fromEffect(Effect.andThen(Effect.sleep("5 seconds"), Effect.fail("the registry is down")))
        )
      ),
      { source: "registry" }
    )

  clusterTest(
    "before its first list is asked again, and why is known meanwhile",
    logging((log) =>
      Effect.gen(function*() {
        let down = true
        yield* start("a", "10.0.0.1")
        const b = yield* start("b", "10.0.0.2", { seeds: failing(() => down, ["10.0.0.1"]) })
        assert.isUndefined(yield* readyWithin(b, "6 seconds"))
        const trying = yield* readiness(b)
        assert.strictEqual(
          trying._tag === "Trying" ? trying.why : trying._tag,
          "no seeds from registry: the registry is down"
        )
        down = false
        assert.deepStrictEqual(yield* readyWithin(b, "10 seconds"), { _tag: "Joined" })
        assert.isAtLeast(yield* counted(b, "seeds.failed:Stream"), 1)
        const [entry] = entries(log, textOf(table.SeedsUnavailable))
        assert.deepStrictEqual([entry?.level, entry?.annotations["reason"]], ["Warn", "Stream"])
      })
    )
  )

  clusterTest(
    "keeps the seeds that it told last",
    Effect.gen(function*() {
      let down = false
      const b = yield* start("b", "10.0.0.2", { seeds: failing(() => down, ["10.0.0.1"]) })
      yield* TestClock.adjust("1 second")
      down = true
      yield* TestClock.adjust("3 minutes")
      assert.isAtLeast(yield* counted(b, "seeds.failed:Stream"), 5)
      yield* start("a", "10.0.0.1")
      assert.deepStrictEqual(yield* readyWithin(b, "40 seconds"), { _tag: "Joined" })
    })
  )

  clusterTest(
    "by a defect is told with its cause, and nothing else dies",
    logging((log) =>
      Effect.gen(function*() {
        const b = yield* start("b", "10.0.0.2", { seeds: Seeds.layerStream(Stream.die(new Error("broken"))) })
        yield* TestClock.adjust("1 minute")
        assert.isAtLeast(yield* counted(b, "seeds.failed:Died"), 3)
        assert.strictEqual(yield* counted(b, "fiber.restarted:seeds"), 0)
        const [entry] = entries(log, textOf(table.SeedsUnavailable))
        assert.include(String(entry?.cause), "broken")
      })
    )
  )

  clusterTest(
    "typed, as one's own service may, is told by its kind",
    Effect.gen(function*() {
      const changes = Stream.fail(new SeedSourceFailed({ source: "x", kind: "Lookup", cause: "no such name" }))
      const b = yield* start("b", "10.0.0.2", { seeds: Layer.succeed(Seeds, { source: "x", changes }) })
      yield* TestClock.adjust("1 second")
      assert.isAtLeast(yield* counted(b, "seeds.failed:Lookup"), 1)
      const trying = yield* readiness(b)
      assert.strictEqual(trying._tag === "Trying" ? trying.why : trying._tag, "no seeds from x: no such name")
    })
  )

  clusterTest(
    "with nonsense and far too many seeds costs what is not used, counted and told",
    logging((log) =>
      Effect.gen(function*() {
        const nonsense = ["", "a b", "x/y/z", "\u0000\u001b[31m", "9".repeat(100_000), "h:99999"]
        const many = Array.from({ length: 100_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}:1`)
        yield* start("a", "10.0.0.1")
        const b = yield* start("b", "10.0.0.2", {
          seeds: Layer.succeed(Seeds, { source: "x", changes: Stream.make([...nonsense, "10.0.0.1", ...many]) })
        })
        assert.deepStrictEqual(yield* readyWithin(b, "2 seconds"), { _tag: "Joined" })
        assert.strictEqual(yield* counted(b, "seeds.refused:SeedInvalid"), 6)
        assert.strictEqual(yield* counted(b, "seeds.refused:TooMany"), 100_001 - 1_024)
        assert.strictEqual(entries(log, textOf(table.SeedsRefused)).length, 2)
      })
    )
  )
})

describe("joining by itself", () => {
  clusterTest(
    "ends with a leave, and begins again with the next join",
    Effect.gen(function*() {
      const b = yield* seeded("b", "10.0.0.2", ["10.0.0.1"])
      yield* TestClock.adjust("1 second")
      yield* passing(b.cluster.leave())
      assert.deepStrictEqual(yield* readiness(b), { _tag: "Left" })
      assert.strictEqual((yield* readyWithin(b, 0))?._tag, "NotParticipating")
      const a = yield* start("a", "10.0.0.1")
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(yield* view(a), ["a alive"])
      assert.deepStrictEqual(yield* view(b), [])
      // through nobody, it comes back by its seeds
      yield* passing(b.cluster.join([]))
      assert.deepStrictEqual(yield* readyWithin(b, "1 second"), { _tag: "Joined" })
      assert.deepStrictEqual(yield* view(a), ["a alive", "b alive"])
    })
  )

  clusterTest(
    "begins again also where a leave and the return take no time",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* seeded("b", "10.0.0.2", ["10.0.0.1"])
      yield* TestClock.adjust("1 second")
      yield* passing(a.stop)
      yield* TestClock.adjust("1 second")
      yield* Effect.andThen(Effect.timeoutOption(b.cluster.leave({ timeout: 0 }), 0), b.cluster.join([])).pipe(
        // one turn of the scheduler for all of it
        Effect.provideService(MaxOpsBeforeYield, 1_000_000),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* TestClock.adjust(0)
      assert.strictEqual((yield* readiness(b))._tag, "Trying")
      yield* start("a", "10.0.0.1")
      assert.deepStrictEqual(yield* readyWithin(b, "40 seconds"), { _tag: "Joined" })
    })
  )

  clusterTest(
    "does not ask the source of the seeds while the node is outside",
    Effect.gen(function*() {
      let asked = 0
      let asking = 0
      const changes = Stream.scoped(Stream.fromEffect(Effect.acquireRelease(
        Effect.sync(() => {
          asked++
          asking++
          return []
        }),
        () =>
          Effect.sync(() => {
            asking--
          })
      ))).pipe(Stream.concat(Stream.never))
      const b = yield* start("b", "10.0.0.2", { seeds: Seeds.layerStream(changes) })
      yield* TestClock.adjust("1 second")
      assert.strictEqual(asked, 1)
      yield* passing(b.cluster.leave())
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual([asked, asking], [1, 0])
      yield* passing(b.cluster.join([]))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(asked, 2)
    })
  )

  clusterTest(
    "does not introduce a node that has left, and a join of the application's does",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const below = yield* Layer.build(Layer.merge(
        SimulatedNetwork.transport("10.0.0.2"),
        MemberlistConfig.layer({ ...MemberlistConfig.lan, name: "b" })
      ))
      const node = yield* Effect.provide(Node.make(yield* Keyring.make({})), below)
      yield* Protocol.start(node, "none")
      yield* passing(Life.leave(node, Duration.seconds(1)))
      const join = (byItself: boolean) =>
        passing(Effect.result(PushPull.join(node, { ip: "10.0.0.1", port: 7946 }, () => {}, { byItself })))
      const refused = yield* join(true)
      assert.strictEqual(refused._tag === "Failure" ? refused.failure._tag : refused.success, "MemberlistClosed")
      assert.deepStrictEqual(yield* view(a), ["a alive"])
      const back = yield* join(false)
      assert.strictEqual(back._tag === "Success" ? back.success : back.failure._tag, "Joined")
      assert.deepStrictEqual(yield* view(a), ["a alive", "b alive"])
    })
  )

  clusterTest(
    "wakes those who wait when the node leaves, and when its layer is released",
    Effect.gen(function*() {
      const b = yield* seeded("b", "10.0.0.2", ["10.0.0.1"])
      const c = yield* seeded("c", "10.0.0.3", ["10.0.0.1"])
      const waiting = yield* Effect.forkChild(Effect.flip(b.cluster.ready), { startImmediately: true })
      const other = yield* Effect.forkChild(Effect.flip(c.cluster.ready), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* passing(b.cluster.leave())
      yield* passing(c.stop)
      assert.strictEqual((yield* Fiber.join(waiting))._tag, "NotParticipating")
      assert.strictEqual((yield* Fiber.join(other))._tag, "MemberlistClosed")
      assert.strictEqual((yield* Effect.flip(c.cluster.ready))._tag, "MemberlistClosed")
    })
  )

  for (let at = 0; at <= 60; at += 4) {
    clusterTest(
      `never brings back a node that leaves ${at} ms after its start`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1")
        yield* start("c", "10.0.0.3")
        const b = yield* seeded("b", "10.0.0.2", ["10.0.0.1", "10.0.0.3", "10.0.0.9"])
        yield* TestClock.adjust(at)
        yield* passing(b.cluster.leave())
        yield* TestClock.adjust("2 minutes")
        assert.notInclude((yield* view(a)).join(), "b ")
        assert.deepStrictEqual(yield* readiness(b), { _tag: "Left" })
        assert.strictEqual(yield* counted(b, "fiber.restarted:auto-join"), 0)
      })
    )

    clusterTest(
      `leaves nothing behind when the layer is released ${at} ms after its start`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1")
        const b = yield* seeded("b", "10.0.0.2", ["10.0.0.1", "nowhere.test", "10.0.0.9"])
        yield* TestClock.adjust(at)
        yield* passing(b.stop)
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(yield* view(a), ["a alive"])
      })
    )
  }

  clusterTest(
    "goes well with a join of the application's own",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* seeded("b", "10.0.0.2", ["10.0.0.9"])
      yield* TestClock.adjust("10 seconds")
      const waiting = yield* Effect.forkChild(b.cluster.ready, { startImmediately: true })
      const report = yield* joinAt(b, a.address)
      assert.strictEqual(report.contacted.length, 1)
      assert.deepStrictEqual(yield* Fiber.join(waiting), { _tag: "Joined" })
    })
  )

  clusterTest(
    "is not begun by a layer whose build is interrupted",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const scope = yield* Scope.make()
      const live = Memberlist.layer.pipe(
        Layer.provide(Seeds.layerStatic(["10.0.0.1"])),
        Layer.provide(SimulatedNetwork.transport("10.0.0.2")),
        Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name: "b" }))
      )
      const building = yield* Effect.forkChild(Layer.buildWithScope(live, scope))
      yield* Fiber.interrupt(building)
      yield* passing(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* view(a), ["a alive"])
    })
  )
})
