import { assert, describe } from "@effect/vitest"
import * as Runner from "effect/cluster/Runner"
import * as RunnerAddress from "effect/cluster/RunnerAddress"
import { RunnerHealth } from "effect/cluster/RunnerHealth"
import { RunnerStorage } from "effect/cluster/RunnerStorage"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { Memberlist } from "../src/Memberlist.ts"
import * as MemberlistRunnerHealth from "../src/MemberlistRunnerHealth.ts"
import * as MemberlistRunners from "../src/MemberlistRunners.ts"
import { SimulatedNetwork } from "../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, joinAt, passing, start, startMany, type TestNode } from "./support/Cluster.ts"
import { Store } from "./support/Shards.ts"

const addressOf = ({ ip }: { readonly ip: string }) => RunnerAddress.make(ip, 34_431)
const nobody = RunnerAddress.make("10.9.9.9", 34_431)

/** Another health check, which has been asked about `asked`, and says that only `alive` is. */
const another = (alive?: RunnerAddress.RunnerAddress) => {
  const asked: Array<string> = []
  const layer = Layer.succeed(RunnerHealth, {
    isAlive: (address) =>
      Effect.sync(() => {
        asked.push(address.host)
        return address.host === alive?.host
      })
  })
  return { asked, layer }
}

const health = (node: TestNode, otherwise = another().layer) =>
  MemberlistRunnerHealth.layer({ otherwise }).pipe(
    Layer.provide(ShardingConfig.layer({ runnerAddress: Option.some(addressOf(node)) })),
    Layer.provide(Layer.succeed(Memberlist, node.cluster))
  )

const healthOn = (node: TestNode, otherwise = another().layer) =>
  Effect.map(Layer.build(health(node, otherwise)), Context.get(RunnerHealth))

/** Three nodes that announce where their runners are; and what the first says of addresses, and asks another of. */
const three = Effect.gen(function*() {
  const nodes = yield* startMany(3)
  const { asked, layer } = another(nobody)
  const first = yield* healthOn(nodes[0]!, layer)
  for (const node of nodes.slice(1)) yield* healthOn(node)
  yield* TestClock.adjust("2 seconds")
  const alive = (...of: ReadonlyArray<{ readonly ip: string }>) =>
    Effect.forEach(of, (one) => first.isAlive(addressOf(one)))
  return { a: nodes[0]!, b: nodes[1]!, c: nodes[2]!, alive, asked, first }
})

describe("a runner", () => {
  clusterTest(
    "is alive while its member is, also while that is suspected, and dead once it has failed",
    Effect.gen(function*() {
      const { a, alive, asked, b, c } = yield* three
      assert.deepStrictEqual(yield* alive(a, b, c), [true, true, true])
      const network = yield* SimulatedNetwork
      yield* network.crash(c.ip)
      while (!a.seen.includes("MemberSuspected c")) yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* alive(a, b, c), [true, true, true])
      while (!a.seen.includes("MemberFailed c")) yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(yield* alive(a, b, c), [true, true, false])
      assert.deepStrictEqual(asked, [])
    })
  )

  clusterTest(
    "is dead when its member has left, also when the list has forgotten it",
    Effect.gen(function*() {
      const { a, alive, asked, c } = yield* three
      yield* passing(c.cluster.leave())
      yield* TestClock.adjust("70 seconds")
      assert.isTrue(Option.isNone(yield* a.cluster.member("c")))
      assert.deepStrictEqual([yield* alive(c), asked], [[false], []])
    })
  )

  clusterTest(
    "is dead at its old address when its member has come back at another one",
    Effect.gen(function*() {
      const { a, alive, asked, c } = yield* three
      const network = yield* SimulatedNetwork
      yield* network.crash(c.ip)
      while (!a.seen.includes("MemberFailed c")) yield* TestClock.adjust("100 millis")
      const again = yield* start("c", "10.0.0.4")
      yield* joinAt(again, a.address)
      yield* healthOn(again)
      while (!(yield* alive(again))[0]) yield* TestClock.adjust("100 millis")
      asked.length = 0
      assert.deepStrictEqual([yield* alive(c, again), asked], [[false, true], []])
    })
  )

  clusterTest(
    "that no member announces is asked of the other check",
    Effect.gen(function*() {
      const { asked, first } = yield* three
      const elsewhere = RunnerAddress.make("10.9.9.8", 34_431)
      assert.deepStrictEqual([yield* first.isAlive(nobody), yield* first.isAlive(elsewhere)], [true, false])
      assert.deepStrictEqual(asked, ["10.9.9.9", "10.9.9.8"])
      // the same host with another port is another runner
      yield* first.isAlive(RunnerAddress.make("10.0.0.2", 1))
      assert.strictEqual(asked.length, 3)
    })
  )

  clusterTest(
    "is asked of the other check once its layer has ended, and while this node is outside of the cluster",
    Effect.gen(function*() {
      const { a, alive, asked, b } = yield* three
      const d = yield* start("d", "10.0.0.4")
      yield* joinAt(d, a.address)
      const scope = yield* Scope.make()
      yield* Scope.provide(healthOn(d), scope)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([yield* alive(d), asked], [[true], []])
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([yield* alive(d, b), asked], [[false, true], [d.ip]])
      yield* passing(a.cluster.leave())
      assert.deepStrictEqual([yield* alive(b), asked], [[false], [d.ip, b.ip]])
      yield* joinAt(a, b.address)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([yield* alive(a, b), asked.length], [[true, true], 2])
    })
  )

  clusterTest(
    "is announced once for health and list together, and stays alive when it is unregistered",
    Effect.gen(function*() {
      const { a, alive, asked } = yield* three
      const d = yield* start("d", "10.0.0.4")
      yield* joinAt(d, a.address)
      const { storage } = new Store()
      const both = MemberlistRunners.layer(storage).pipe(
        Layer.provide(Layer.succeed(Memberlist, d.cluster)),
        Layer.merge(health(d))
      )
      const list = Context.get(yield* Layer.build(both), RunnerStorage)
      yield* list.register(Runner.make({ address: addressOf(d), groups: ["default"], weight: 1 }), true)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* alive(d), [true])
      yield* list.unregister(addressOf(d))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([yield* alive(d), asked], [[true], []])
    })
  )

  clusterTest(
    "of a second layer on one node is refused",
    Effect.gen(function*() {
      const { a } = yield* three
      const refused = yield* Effect.flip(Effect.scoped(Layer.build(Layer.fresh(health(a)))))
      assert.deepInclude(refused, { _tag: "RunnerTaken", entry: "another build" })
      const d = yield* start("d", "10.0.0.4")
      const two = yield* Effect.flip(Effect.scoped(Layer.build(Layer.merge(health(d), health(d)))))
      assert.deepInclude(two, { _tag: "RunnerTaken", entry: "MemberlistRunnerHealth" })
    })
  )
})
