import { assert, describe } from "@effect/vitest"
import * as Entity from "effect/cluster/Entity"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as Runner from "effect/cluster/Runner"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import { RunnerStorage } from "effect/cluster/RunnerStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as References from "effect/References"
import * as Rpc from "effect/rpc/Rpc"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { Memberlist } from "../src/Memberlist.ts"
import * as MemberlistRunnerHealth from "../src/MemberlistRunnerHealth.ts"
import * as MemberlistRunners from "../src/MemberlistRunners.ts"
import * as MemberMeta from "../src/MemberMeta.ts"
import { SimulatedNetwork } from "../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, joinAt, passing, start, startMany, type TestNode } from "./support/Cluster.ts"
import { Calls, LEASE, Store } from "./support/Shards.ts"
import { logging } from "./support/Telemetry.ts"

const addressOf = ({ ip }: { readonly ip: string }) => RunnerAddress.make(ip, 34_431)

const runnerAt = (node: { readonly ip: string }, options: Partial<Parameters<typeof Runner.make>[0]> = {}) =>
  Runner.make({ address: addressOf(node), groups: ["default"], weight: 1, ...options })

/** A list of runners on a node, until the scope ends. */
const listOn = ({ cluster }: TestNode, { storage }: Store) =>
  Layer.build(MemberlistRunners.layer(storage)).pipe(
    Effect.provideService(Memberlist, cluster),
    Effect.map(Context.get(RunnerStorage))
  )

const listed = ({ getRunners }: RunnerStorage["Service"]) =>
  Effect.map(
    getRunners,
    (runners) =>
      runners.map(([{ address: { host }, groups, weight }, healthy]) =>
        [host, weight, ...groups, ...(healthy ? [] : ["unhealthy"])].join(" ")
      )
  )

/** Three nodes with a list each, and a runner that is registered. */
const three = Effect.gen(function*() {
  const store = new Store()
  const nodes = yield* startMany(3)
  const lists = yield* Effect.forEach(nodes, (node) => listOn(node, store))
  for (const [i, node] of nodes.entries()) yield* lists[i]!.register(runnerAt(node), true)
  yield* TestClock.adjust("2 seconds")
  return { nodes, lists, store }
})

const all = ["10.0.0.1 1 default", "10.0.0.2 1 default", "10.0.0.3 1 default"]

describe("the list of runners", () => {
  clusterTest(
    "has a runner of this node right after it was registered, and soon at every member",
    Effect.gen(function*() {
      const store = new Store()
      const [a, b] = yield* startMany(2)
      const first = yield* listOn(a!, store)
      const second = yield* listOn(b!, store)
      assert.deepStrictEqual([yield* listed(first), yield* listed(second)], [[], []])
      assert.strictEqual(yield* first.register(runnerAt(a!, { groups: ["default", "mail"], weight: 2 }), true), 1)
      assert.deepStrictEqual(yield* listed(first), ["10.0.0.1 2 default mail"])
      assert.strictEqual(yield* second.register(runnerAt(b!), true), 2)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* listed(first), ["10.0.0.1 2 default mail", "10.0.0.2 1 default"])
      assert.deepStrictEqual(yield* listed(second), ["10.0.0.2 1 default", "10.0.0.1 2 default mail"])
      assert.deepStrictEqual(store.calls, ["register 10.0.0.1:34431", "register 10.0.0.2:34431"])
    })
  )

  clusterTest(
    "keeps a suspect, and loses whoever has failed",
    Effect.gen(function*() {
      const { lists, nodes: [a, , c] } = yield* three
      assert.sameMembers(yield* listed(lists[0]!), all)
      const network = yield* SimulatedNetwork
      yield* network.crash(c!.ip)
      while (!a!.seen.includes("MemberSuspected c")) yield* TestClock.adjust("100 millis")
      assert.sameMembers(yield* listed(lists[0]!), all)
      while (!a!.seen.includes("MemberFailed c")) yield* TestClock.adjust("100 millis")
      assert.sameMembers(yield* listed(lists[0]!), all.slice(0, 2))
    })
  )

  clusterTest(
    "loses a runner that was unregistered, at once here and soon elsewhere",
    Effect.gen(function*() {
      const { lists, nodes, store } = yield* three
      // another one's runner is not ours to take out
      yield* lists[0]!.unregister(addressOf(nodes[1]!))
      assert.sameMembers(yield* listed(lists[0]!), all)
      yield* lists[0]!.unregister(addressOf(nodes[0]!))
      assert.sameMembers(yield* listed(lists[0]!), all.slice(1))
      yield* TestClock.adjust("2 seconds")
      assert.sameMembers(yield* listed(lists[1]!), all.slice(1))
      assert.deepStrictEqual(store.calls.slice(-2), ["unregister 10.0.0.2:34431", "unregister 10.0.0.1:34431"])
    })
  )

  clusterTest(
    "loses a runner whose layer or node has ended",
    Effect.gen(function*() {
      const { lists, nodes: [, b, c] } = yield* three
      const scope = yield* Scope.make()
      const d = yield* start("d", "10.0.0.4")
      yield* joinAt(d, b!.address)
      const fourth = yield* Scope.provide(listOn(d, new Store()), scope)
      yield* fourth.register(runnerAt(d), true)
      yield* TestClock.adjust("2 seconds")
      assert.include(yield* listed(lists[1]!), "10.0.0.4 1 default")
      yield* Scope.close(scope, Exit.void)
      yield* passing(c!.cluster.leave())
      yield* TestClock.adjust("2 seconds")
      assert.sameMembers(yield* listed(lists[1]!), all.slice(0, 2))
    })
  )

  clusterTest(
    "has one runner for each address: this node's own, or of the member that is not suspected, or the first by name",
    Effect.gen(function*() {
      const { lists, nodes: [a, b, c] } = yield* three
      yield* lists[1]!.register(runnerAt(c!, { weight: 5 }), true)
      yield* TestClock.adjust("2 seconds")
      assert.sameMembers(yield* listed(lists[2]!), [all[0], all[2]])
      assert.sameMembers(yield* listed(lists[0]!), [all[0], "10.0.0.3 5 default"])
      const network = yield* SimulatedNetwork
      yield* network.crash(b!.ip)
      while (!a!.seen.includes("MemberSuspected b")) yield* TestClock.adjust("100 millis")
      // left out of one list, because the weight is another one
      assert.deepStrictEqual(yield* listed(lists[0]!), [all[0]])
      assert.sameMembers(yield* listed(lists[0]!), [all[0], all[2]])
    })
  )

  clusterTest(
    "leaves a runner out once when its weight or its groups have changed, because Sharding would lose it",
    Effect.gen(function*() {
      const { lists, nodes: [a] } = yield* three
      assert.sameMembers(yield* listed(lists[1]!), all)
      for (const options of [{ weight: 3 }, { weight: 3, groups: ["default", "mail"] }]) {
        yield* lists[0]!.register(runnerAt(a!, options), true)
        assert.include(yield* listed(lists[0]!), ["10.0.0.1 3", ...(options.groups ?? ["default"])].join(" "))
        yield* TestClock.adjust("2 seconds")
        assert.sameMembers(yield* listed(lists[1]!), all.slice(1))
        assert.strictEqual((yield* listed(lists[1]!)).length, 3)
      }
    })
  )

  clusterTest(
    "does not have a runner that does not fit, which is told by an error, and once in the log",
    Effect.gen(function*() {
      const store = new Store()
      const [a] = yield* startMany(1)
      const list = yield* listOn(a!, store)
      const groups = Array.from({ length: 40 }, (_, i) => `group of shards ${i}`)
      yield* logging((log) =>
        Effect.gen(function*() {
          for (let i = 0; i < 3; i++) {
            const error = yield* Effect.flip(list.register(runnerAt(a!, { groups }), true))
            assert.strictEqual(error._tag, "PersistenceError")
            assert.instanceOf(error.cause, MemberMeta.MetaFull)
          }
          assert.deepStrictEqual(log.map(({ level }) => level), ["Error"])
          assert.match(log[0]!.text, /this runner cannot be listed: .*512/)
        })
      )
      assert.deepStrictEqual(yield* listed(list), [])
      yield* list.register(runnerAt(a!), true)
      assert.deepStrictEqual(yield* listed(list), [all[0]])
    })
  )

  clusterTest(
    "does not have a runner of a node that has left, until it is back",
    Effect.gen(function*() {
      const { lists, nodes: [a, b] } = yield* three
      yield* passing(a!.cluster.leave())
      const error = yield* Effect.flip(lists[0]!.register(runnerAt(a!, { weight: 7 }), true))
      assert.strictEqual((error.cause as { _tag?: string })._tag, "NotParticipating")
      yield* TestClock.adjust("2 seconds")
      assert.sameMembers(yield* listed(lists[1]!), all.slice(1))
      yield* joinAt(a!, b!.address)
      yield* TestClock.adjust("2 seconds")
      assert.sameMembers(yield* listed(lists[1]!), all)
    })
  )

  clusterTest(
    "is without a runner that the storage refuses, is interrupted at, or fails to forget",
    Effect.gen(function*() {
      const store = new Store()
      const [a, b] = yield* startMany(2)
      const list = yield* listOn(a!, store)
      store.lose(addressOf(b!))
      assert.strictEqual((yield* Effect.flip(list.register(runnerAt(b!), true)))._tag, "PersistenceError")
      const slow = RunnerStorage.of({ ...list, register: () => Effect.never })
      const second = Context.get(
        yield* Effect.provideService(
          Layer.build(MemberlistRunners.layer(Layer.succeed(RunnerStorage, slow))),
          Memberlist,
          b!.cluster
        ),
        RunnerStorage
      )
      assert.isTrue(
        Option.isNone(yield* passing(Effect.timeoutOption(second.register(runnerAt(b!), true), "1 second")))
      )
      assert.deepStrictEqual([yield* listed(list), yield* listed(second)], [[], []])
      yield* list.register(runnerAt(a!), true)
      store.lose(addressOf(a!))
      assert.strictEqual((yield* Effect.flip(list.unregister(addressOf(a!))))._tag, "PersistenceError")
      assert.deepStrictEqual(yield* listed(list), [])
    })
  )

  clusterTest(
    "leaves locks and health to the storage, and is not changed by the latter",
    Effect.gen(function*() {
      const { lists, nodes: [a, b], store } = yield* three
      store.calls.length = 0
      yield* lists[0]!.setRunnerHealth(addressOf(b!), false)
      const shards = yield* lists[0]!.acquire(addressOf(a!), [])
      yield* lists[0]!.releaseAll(addressOf(a!))
      assert.deepStrictEqual([shards, store.calls], [
        [],
        ["setRunnerHealth 10.0.0.2:34431 false", "acquire 10.0.0.1:34431", "releaseAll 10.0.0.1:34431"]
      ])
      assert.sameMembers(yield* listed(lists[0]!), all)
    })
  )
})

describe("a second list", () => {
  clusterTest(
    "on one node is refused, in one build and in two",
    Effect.gen(function*() {
      const [a] = yield* startMany(1)
      const { storage } = new Store()
      const build = <E>(layer: Layer.Layer<RunnerStorage, E, Memberlist>) =>
        Effect.provideService(Layer.build(layer), Memberlist, a!.cluster)
      const both = Layer.mergeAll(MemberlistRunners.layer(storage), MemberlistRunners.layer(storage))
      const one = yield* Effect.flip(Effect.scoped(build(both)))
      assert.deepInclude(one, { _tag: "RunnerTaken", entry: "MemberlistRunners" })
      yield* build(MemberlistRunners.layer(storage))
      const two = yield* Effect.flip(Effect.scoped(build(Layer.fresh(MemberlistRunners.layer(storage)))))
      assert.deepInclude(two, { _tag: "RunnerTaken", entry: "another build" })
      assert.match((two as MemberlistRunners.RunnerTaken).message, /expected at most one layer of MemberlistRunners/)
    })
  )
})

const Greeter = Entity.make("Greeter", [Rpc.make("Who", { success: Schema.String })])

/** A whole runner of Effect Cluster on a node, with an entity that says where it is. */
const runnerOn = (node: TestNode, store: Store, calls: Calls) => {
  const address = addressOf(node)
  const live = Greeter.toLayer({ Who: () => Effect.succeed(node.name) }).pipe(
    Layer.provideMerge(Sharding.layer),
    Layer.provide([
      MemberlistRunnerHealth.layer({ otherwise: RunnerHealth.layerPing }),
      MemberlistRunners.layer(store.storage)
    ]),
    Layer.provide(calls.layer),
    Layer.provide(MessageStorage.layerNoop),
    Layer.provide(ShardingConfig.layer({ runnerAddress: Option.some(address) })),
    Layer.provide(Layer.succeed(Memberlist, node.cluster))
  )
  return Effect.gen(function*() {
    // handing shards over takes time
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => passing(Scope.close(scope, Exit.void)))
    const sharding = Context.get(yield* Layer.buildWithScope(live, scope), Sharding.Sharding)
    const at = `${address.host}:${address.port}`
    calls.runners.set(at, sharding)
    yield* Scope.addFinalizer(scope, Effect.sync(() => void calls.runners.delete(at)))
    return { sharding, end: passing(Scope.close(scope, Exit.void)) }
  })
}

/** Three nodes with a runner each, and how to ask for an entity. */
const runners = Effect.gen(function*() {
  const store = new Store()
  const calls = new Calls()
  const nodes = yield* startMany(3)
  const running = yield* Effect.forEach(nodes, (node) => runnerOn(node, store, calls))
  yield* TestClock.adjust("10 seconds")
  /** Where an entity is, asked at the first node, if somebody knows within a moment. */
  const ask = (id: string, at = 0) =>
    Effect.flatMap(running[at]!.sharding.makeClient(Greeter), (client) => client(id).Who()).pipe(
      Effect.timeout("100 millis"),
      Effect.option,
      passing
    )
  const found = yield* Effect.findFirst(
    Array.from({ length: 100 }, (_, i) => `user/${i}`),
    (id) => Effect.map(ask(id), Option.contains("c"))
  )
  const id = Option.getOrThrow(found)
  /** Kills the third node, and returns after how many milliseconds its entity has answered elsewhere. */
  const killed = Effect.gen(function*() {
    const [, , c] = nodes
    const network = yield* SimulatedNetwork
    const now = Effect.clockWith((clock) => clock.currentTimeMillis)
    const began = yield* now
    yield* network.crash(c!.ip)
    store.lose(addressOf(c!))
    calls.runners.delete(`${c!.ip}:34431`)
    let listedFor = -1
    for (;;) {
      const answer = yield* ask(id)
      const after = (yield* now) - began
      if (listedFor < 0 && nodes[0]!.seen.includes("MemberFailed c")) listedFor = after
      if (Option.isSome(answer) && answer.value !== "c") return { after, listedFor }
      if (after > 120_000) assert.fail(`nobody has answered; failed after ${listedFor} ms`)
    }
  })
  return { ask, id, killed, nodes, running, store }
})

const silent = Effect.provideService(References.MinimumLogLevel, "None")

describe("a cluster of runners", () => {
  clusterTest(
    "has an entity elsewhere once its runner has died and its lease is over",
    Effect.gen(function*() {
      const { ask, id, killed } = yield* runners
      assert.deepStrictEqual([yield* ask(id, 1), yield* ask(id, 2)], [Option.some("c"), Option.some("c")])
      const { after, listedFor } = yield* killed
      assert.isAbove(listedFor, 0)
      // refreshed every ten seconds, and tried every second
      assert.isAtLeast(after, LEASE - 10_000)
      assert.isAtMost(after, LEASE + 1_500)
    }).pipe(silent)
  )

  clusterTest(
    "has an entity elsewhere soon after its runner has failed, where its locks end with its connection",
    Effect.gen(function*() {
      const { killed, store } = yield* runners
      store.leased = false
      const { after, listedFor } = yield* killed
      // read every three seconds, and tried every second
      assert.isAtMost(after, listedFor + 3_000 + 1_500)
      assert.isAtMost(after, LEASE - 10_000)
    }).pipe(silent)
  )

  clusterTest(
    "has an entity elsewhere within seconds when its runner has ended, while it is called",
    Effect.gen(function*() {
      const { ask, id, nodes, running, store } = yield* runners
      const calling = yield* Effect.forkScoped(Effect.forever(Effect.andThen(ask(id, 1), Effect.sleep("20 millis"))))
      yield* running[2]!.end
      // the list is read every three seconds, and locks are tried for every second
      yield* TestClock.adjust("4500 millis")
      const place = yield* ask(id)
      assert.include(["a", "b"], Option.getOrNull(place))
      assert.isUndefined(calling.pollUnsafe())
      // its node is still a member, without a runner
      assert.lengthOf(yield* nodes[0]!.cluster.members, 3)
      assert.include(store.calls, "unregister 10.0.0.3:34431")
    }).pipe(silent)
  )

  clusterTest(
    "has an entity in one place also while a split lasts, and whoever is on the other side waits",
    Effect.gen(function*() {
      const { ask, id, nodes } = yield* runners
      const network = yield* SimulatedNetwork
      yield* network.partition([[nodes[0]!.ip], [nodes[1]!.ip, nodes[2]!.ip]])
      yield* TestClock.adjust("15 seconds")
      assert.includeMembers([...nodes[0]!.seen], ["MemberFailed b", "MemberFailed c"])
      const answers = yield* Effect.forEach([0, 1, 2], (at) => ask(id, at))
      assert.deepStrictEqual(answers, [Option.none(), Option.some("c"), Option.some("c")])
      yield* network.heal()
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(yield* ask(id), Option.some("c"))
    }).pipe(silent)
  )
})
