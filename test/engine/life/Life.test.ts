import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { Delegate } from "../../../src/Delegate.ts"
import { Memberlist, MemberlistLive } from "../../../src/Memberlist.ts"
import { MemberlistConfig } from "../../../src/MemberlistConfig.ts"
import { JoinRejected } from "../../../src/MemberlistError.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import { Transport } from "../../../src/Transport.ts"
import { clusterTest, network, passing, start, startMany } from "../../support/Cluster.ts"

/** Counts the fibers that `effect` starts and that still run. */
const countingFibers = <A, E, R>(effect: (active: () => number) => Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    let active = 0
    return Effect.provideService(effect(() => active), Metric.FiberRuntimeMetrics, {
      recordFiberStart: () => void active++,
      recordFiberEnd: () => void active--
    })
  })

describe("the layer's end", () => {
  clusterTest(
    "under load leaves no fiber running",
    countingFibers((active) =>
      Effect.gen(function*() {
        const others = yield* startMany(4)
        const before = active()
        const node = yield* start("z", "10.0.0.99")
        yield* passing(node.cluster.join(["10.0.0.1"]))
        const net = yield* SimulatedNetwork
        // Load: suspicions, relays, streams and messages under way when the node stops.
        yield* net.crash("10.0.0.2")
        for (let i = 0; i < 50; i++) yield* node.cluster.broadcast(new Uint8Array(100))
        yield* TestClock.adjust("2500 millis")
        yield* Effect.forkChild(
          Effect.ignore(node.cluster.send({ name: "c" }, new Uint8Array(1 << 20), { reliable: true }))
        )
        assert.isAbove(active(), before, "the node runs fibers of its own")
        yield* passing(node.stop)
        yield* TestClock.adjust("1 minute")
        assert.isAtMost(active(), before)
        yield* Effect.forEach(others, ({ stop }) => passing(stop))
      })
    )
  )

  clusterTest(
    "says goodbye when the program is interrupted, as SIGINT and SIGTERM do it",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const live = MemberlistLive.pipe(
        Layer.provide(SimulatedNetwork.transport("10.0.0.2")),
        Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name: "b" }))
      )
      const program = Memberlist.use((cluster) => Effect.andThen(cluster.join([a.address]), Effect.never))
      const fiber = yield* Effect.forkDetach(Effect.provide(program, live))
      yield* TestClock.adjust("3 seconds")
      assert.include(a.seen, "MemberJoined b")
      yield* passing(Fiber.interrupt(fiber))
      yield* TestClock.adjust("1 second")
      assert.include(a.seen, "MemberLeft b")
    })
  )

  clusterTest(
    "says goodbye without waiting for time to pass, so a test's clock need not be moved",
    Effect.gen(function*() {
      const [a, b, c] = yield* startMany(3, { config: { gossipInterval: "1 hour" } })
      yield* b!.stop
      yield* TestClock.adjust("100 millis")
      for (const node of [a!, c!]) assert.include(node.seen, "MemberLeft b", node.name)
    })
  )
})

describe("leave", () => {
  clusterTest(
    "says how it ended",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      assert.deepStrictEqual(yield* passing(b!.cluster.leave()), {
        outcome: "Sent",
        sent: 1,
        confirmed: 1,
        members: 1
      })
      assert.strictEqual((yield* passing(b!.cluster.leave())).outcome, "AlreadyLeft")
      assert.strictEqual((yield* passing(a!.cluster.leave())).outcome, "Alone")
    })
  )

  clusterTest(
    "that is not sent in time says so",
    Effect.gen(function*() {
      const [, b] = yield* startMany(2)
      assert.strictEqual((yield* passing(b!.cluster.leave({ timeout: "1 millis" }))).outcome, "Queued")
    })
  )

  clusterTest(
    "makes the node's own view drop it, and its record stays readable",
    Effect.gen(function*() {
      const [, b] = yield* startMany(2)
      yield* passing(b!.cluster.leave())
      yield* TestClock.adjust("5 minutes")
      assert.strictEqual((yield* b!.cluster.localMember).state, "left")
      assert.deepStrictEqual((yield* b!.cluster.members).map(({ name }) => name), ["a"])
    })
  )
})

const nodeLayer = (config: Parameters<typeof MemberlistConfig.layer>[0]) =>
  MemberlistLive.pipe(
    Layer.provide(SimulatedNetwork.transport("10.0.0.1")),
    Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, leaveTimeout: 0, name: "a", ...config }))
  )

/** Builds a node that cannot start, and proves that its address is free again. */
const refused = Effect.fnUntraced(function*<E, R>(layer: Layer.Layer<Memberlist, E, R>) {
  const error = yield* Effect.flip(Effect.scoped(Layer.build(layer)))
  yield* Effect.scoped(Layer.build(nodeLayer({})))
  return error
})

describe("a start", () => {
  it.effect("that the delegate refuses fails, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const hooks = Layer.succeed(Delegate, { admit: () => Effect.fail(new JoinRejected({ reason: "no" })) })
      const error = yield* refused(Layer.provide(nodeLayer({}), hooks))
      assert.strictEqual(error._tag, "JoinRejected")
    }).pipe(Effect.provide(network())))

  it.effect("with too much metadata fails, naming size and limit", () =>
    Effect.gen(function*() {
      const error = yield* refused(nodeLayer({ meta: new Uint8Array(513) }))
      assert.include(error.message, "513")
      assert.include(error.message, "512")
    }).pipe(Effect.provide(network())))

  it.effect("of two nodes in one program makes two members", () =>
    Effect.gen(function*() {
      const both = yield* Effect.all([
        Layer.build(nodeLayer({ name: "one" })),
        Layer.build(
          MemberlistLive.pipe(
            Layer.provide(SimulatedNetwork.transport("10.0.0.2")),
            Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, leaveTimeout: 0, name: "two" }))
          )
        )
      ])
      const names = yield* Effect.forEach(both, (context) =>
        Effect.provide(Effect.flatMap(Memberlist, (cluster) => cluster.localMember), context))
      assert.deepStrictEqual(
        names.map(({ name }) =>
          name
        ),
        ["one", "two"]
      )
    }).pipe(Effect.scoped, Effect.provide(network())))
})

describe("a fiber that dies", () => {
  it.effect("is restarted and counted, and the node goes on", () =>
    Effect.gen(function*() {
      // A transport whose receiver dies, once, of a defect.
      let deaths = 0
      const dying = Layer.effect(
        Transport,
        Effect.map(Transport, (transport) =>
          Transport.of({
            ...transport,
            packets: Effect.suspend(() =>
              deaths++ === 0 ? Effect.die(new Error("a defect in the receiver")) : transport.packets
            )
          }))
      ).pipe(Layer.provide(SimulatedNetwork.transport("10.0.0.2")))
      const a = yield* start("a", "10.0.0.1")
      const live = MemberlistLive.pipe(
        Layer.provide(dying),
        Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, leaveTimeout: 0, name: "b" }))
      )
      const scope = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
      const b = yield* Effect.provide(Memberlist, yield* Layer.buildWithScope(live, scope))
      yield* passing(b.join([a.address]))
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* b.counters).get("fiber.restarted:packet receiver"), 1)
      assert.notInclude(a.seen, "MemberSuspected b")
    }).pipe(Effect.scoped, Effect.provide(network())))
})
