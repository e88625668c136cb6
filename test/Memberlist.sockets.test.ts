/** Whole nodes on real sockets in real time: what only the operating system can show. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { Memberlist, MemberlistLive } from "../src/Memberlist.ts"
import { MemberlistConfig } from "../src/MemberlistConfig.ts"
import * as NodeTransport from "../src/node/NodeTransport.ts"

type Config = Parameters<typeof MemberlistConfig.layer>[0]

const node = (name: string, config: Config = {}) =>
  MemberlistLive.pipe(
    Layer.provide(NodeTransport.layer),
    Layer.provide(MemberlistConfig.layer({
      ...MemberlistConfig.local,
      bindAddress: "127.0.0.1",
      bindPort: 0,
      ...config,
      name
    }))
  )

const start = Effect.fnUntraced(function*(name: string, config: Config = {}) {
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope) => Scope.close(scope, Exit.void))
  const cluster = yield* Effect.provide(Memberlist, yield* Layer.buildWithScope(node(name, config), scope))
  const { address } = yield* cluster.localMember
  return { cluster, address, stop: Scope.close(scope, Exit.void) }
})

/** Waits until the live members are these. */
const sees = (cluster: Memberlist["Service"], ...names: ReadonlyArray<string>) =>
  cluster.changes.pipe(
    Stream.filter((members) => members.map(({ name }) => name).sort().join() === names.join()),
    Stream.runHead,
    Effect.timeout("20 seconds")
  )

/** What keeps the process busy: sockets, servers, timers. */
const resources = () => process.getActiveResourcesInfo().filter((kind) => /TCP|UDP|Timeout|Immediate/.test(kind)).sort()

/** Closed handles leave the list on a later turn of the event loop. */
const settled = Effect.andThen(Effect.sleep("200 millis"), Effect.sync(resources))

describe("nodes on real sockets", () => {
  it.live("form a cluster, exchange messages, and see one another leave", () =>
    Effect.gen(function*() {
      const a = yield* start("a")
      const b = yield* start("b")
      yield* b.cluster.join([a.address])
      yield* sees(a.cluster, "a", "b")
      const messages = yield* SubscriptionRef.make<ReadonlyArray<number>>([])
      yield* a.cluster.messages.pipe(
        Stream.runForEach(({ payload }) => SubscriptionRef.update(messages, (all) => [...all, payload.length])),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* b.cluster.send({ name: "a" }, new Uint8Array(1000))
      yield* b.cluster.send({ name: "a" }, new Uint8Array(1 << 20), { reliable: true })
      const heard = yield* SubscriptionRef.changes(messages).pipe(
        Stream.filter((all) => all.length === 2),
        Stream.runHead,
        Effect.timeout("10 seconds"),
        Effect.flatMap(Effect.fromOption)
      )
      assert.sameMembers([...heard], [1000, 1 << 20])
      yield* b.stop
      yield* sees(a.cluster, "a")
      const left = yield* a.cluster.member("b")
      assert.strictEqual(left._tag === "Some" ? left.value.state : undefined, "left")
    }))

  it.live("work over IPv6", () =>
    Effect.gen(function*() {
      const a = yield* start("a", { bindAddress: "::1" })
      const b = yield* start("b", { bindAddress: "::1" })
      assert.match(a.address, /^\[::1\]:\d+$/)
      yield* b.cluster.join([a.address])
      yield* sees(a.cluster, "a", "b")
      yield* sees(b.cluster, "a", "b")
      assert.isAbove(Duration.toMillis(yield* b.cluster.ping({ name: "a" })), 0)
    }))

  it.live("work encrypted, labelled and compressed, and change keys while running", () =>
    Effect.gen(function*() {
      const oldKey = new TextEncoder().encode("0123456789abcdef")
      const newKey = new TextEncoder().encode("fedcba9876543210fedcba9876543210")
      const config = { secretKey: Redacted.make(oldKey), label: "blue", enableCompression: true }
      const a = yield* start("a", config)
      const b = yield* start("b", config)
      yield* b.cluster.join([a.address])
      for (const { cluster } of [a, b]) yield* cluster.keyring.add(newKey)
      for (const { cluster } of [a, b]) yield* cluster.keyring.use(newKey)
      for (const { cluster } of [a, b]) yield* cluster.keyring.remove(oldKey)
      assert.isAbove(Duration.toMillis(yield* b.cluster.ping({ name: "a" })), 0)
      yield* b.cluster.join([a.address])
      yield* sees(a.cluster, "a", "b")
    }))
})

describe("closing a node", () => {
  it.live("under load leaves no fiber, timer or socket", () =>
    Effect.gen(function*() {
      const before = yield* settled
      let fibers = 0
      yield* Effect.scoped(Effect.gen(function*() {
        const a = yield* start("a", { leaveTimeout: "1 second" })
        const b = yield* start("b", { leaveTimeout: "1 second" })
        yield* b.cluster.join([a.address])
        const load = Effect.gen(function*() {
          for (let i = 0; i < 20; i++) {
            yield* b.cluster.broadcast(new Uint8Array(200))
            yield* Effect.ignore(b.cluster.send({ name: "a" }, new Uint8Array(500)))
            yield* Effect.ignore(b.cluster.send({ name: "a" }, new Uint8Array(1 << 18), { reliable: true }))
          }
        })
        yield* Effect.forkScoped(load)
        yield* Effect.forkScoped(Stream.runDrain(a.cluster.messages))
        yield* Effect.sleep("300 millis")
        assert.isAbove(resources().length, before.length, "the nodes hold sockets")
      })).pipe(Effect.provideService(Metric.FiberRuntimeMetrics, {
        recordFiberStart: () => void fibers++,
        recordFiberEnd: () => void fibers--
      }))
      assert.deepStrictEqual(yield* settled, before)
      assert.strictEqual(fibers, 0)
    }))

  it.live("200 times over leaves as many handles as once", () =>
    Effect.gen(function*() {
      const cycle = Effect.scoped(Effect.gen(function*() {
        const a = yield* start("a", { leaveTimeout: 0 })
        const b = yield* start("b", { leaveTimeout: 0 })
        yield* b.cluster.join([a.address])
      }))
      yield* cycle
      const before = yield* settled
      for (let i = 0; i < 200; i++) yield* cycle
      assert.deepStrictEqual(yield* settled, before)
    }), 120_000)

  it.live("that could not start leaves its port free", () =>
    Effect.gen(function*() {
      const a = yield* start("a")
      const port = Number(a.address.split(":")[1])
      const error = yield* Effect.flip(Effect.scoped(Layer.build(node("b", { bindPort: port }))))
      assert.strictEqual(error._tag, "BindFailed")
      assert.include(error.message, `127.0.0.1:${port}`)
      assert.include(error.message, "in use")
      yield* a.stop
      yield* start("c", { bindPort: port })
    }))
})
