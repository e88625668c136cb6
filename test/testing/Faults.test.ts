import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { Draws } from "../../src/testing/clock/Draws.ts"
import { Fault, type Options, SimulatedNetwork } from "../../src/testing/index.ts"
import * as Latency from "../../src/testing/network/Latency.ts"
import { Transport } from "../../src/Transport.ts"

const A = "10.0.0.1"
const B = "10.0.0.2"
const at = (ip: string) => ({ ip, port: 7946 })
const all = { from: ["*"], to: ["*"] }

const node = (ip: string) =>
  Effect.map(Layer.build(SimulatedNetwork.transport(ip)), (context) => Context.get(context, Transport))

/** Two nodes, and what the second one received: `[millisecond, first byte]`. */
const pair = Effect.gen(function*() {
  const network = yield* SimulatedNetwork
  const a = yield* node(A)
  const b = yield* node(B)
  const seen: Array<readonly [number, number]> = []
  yield* Effect.forkScoped(Effect.gen(function*() {
    for (;;) for (const { payload, receivedAt } of yield* b.packets) seen.push([receivedAt, payload[0] ?? -1])
  }))
  const send = (value: number, size = 1) => a.send(at(B), new Uint8Array(size).fill(value))
  return { network, a, b, seen, send }
})

const over = (options?: Options) => <A, E>(effect: Effect.Effect<A, E, SimulatedNetwork | Scope.Scope>) =>
  Effect.scoped(effect).pipe(Effect.provide(SimulatedNetwork.layer({ seed: 1, ...options }), { local: true }))

/** Lets a fault happen until the answer is run. */
const begin = Effect.fnUntraced(function*(fault: Fault.NetworkFault) {
  const network = yield* SimulatedNetwork
  const scope = yield* Scope.make()
  const { hits } = yield* Scope.provide(network.inject(fault), scope)
  return { hits, end: Scope.close(scope, Exit.void) }
})

describe("packets", () => {
  it.effect("arrive twice with the probability asked for", () =>
    Effect.gen(function*() {
      const { network, seen, send } = yield* pair
      for (let i = 0; i < 1000; i++) yield* send(1)
      yield* TestClock.adjust("1 second")
      const { duplicated } = yield* network.stats
      assert.strictEqual(seen.length, 1000 + duplicated)
      assert.isAbove(duplicated, 70)
      assert.isBelow(duplicated, 130)
    }).pipe(over({ duplicate: 0.1 })))
  it.effect("that are held back are overtaken", () =>
    Effect.gen(function*() {
      const { network, seen, send } = yield* pair
      for (let i = 0; i < 100; i++) {
        yield* send(i)
        yield* TestClock.adjust("5 millis")
      }
      yield* TestClock.adjust("1 second")
      const values = seen.map(([, value]) => value)
      assert.notDeepEqual(values, [...values].sort((a, b) => a - b))
      assert.sameMembers(values, Array.from({ length: 100 }, (_, i) => i))
      assert.isAbove((yield* network.stats).reordered, 10)
    }).pipe(over({ reorder: { probability: 0.3, delay: [50, 50] } })))
  it.effect("longer than the MTU are dropped", () =>
    Effect.gen(function*() {
      const { network, seen, send } = yield* pair
      yield* send(1, 100)
      yield* send(2, 101)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(seen.map(([, value]) => value), [1])
      assert.strictEqual((yield* network.stats).dropped.TooLong, 1)
    }).pipe(over({ mtu: 100 })))
  it.effect("wait for bandwidth, and are dropped when the queue is full", () =>
    Effect.gen(function*() {
      const { network, seen, send } = yield* pair
      yield* network.setBandwidth(A, "*", { bytesPerSecond: 1000, queue: "200 millis" })
      for (let i = 0; i < 5; i++) yield* send(i, 100)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(seen, [[101, 0], [201, 1], [301, 2]])
      assert.strictEqual((yield* network.stats).dropped.Congestion, 2)
    }).pipe(over()))
  it("take at least the minimum and on average the mean, if exponential", () => {
    const latency = Latency.make({ min: 5, mean: 25 })
    const draws = new Draws(1, "test")
    const delays = Array.from({ length: 20_000 }, () => Latency.sample(latency, draws.next()))
    assert.isAtLeast(Math.min(...delays), 5)
    assert.closeTo(delays.reduce((sum, delay) => sum + delay, 0) / delays.length, 25, 0.5)
    assert.isAbove(Math.max(...delays), 100)
  })
  it("refuse a latency that makes no sense", () => {
    assert.throws(() => Latency.make([5, 1]), /smaller value first/)
    assert.throws(() => Latency.make({ min: 0, mean: Infinity }), /finite/)
  })
})

describe("faults that last for a while", () => {
  it.effect("add up, end one by one, and tell how often they hit", () =>
    Effect.gen(function*() {
      const { seen, send } = yield* pair
      const cut = yield* begin({ _tag: "Cut", from: [A], to: [B], what: "packets" })
      const partition = yield* begin({ _tag: "Partition", groups: [[A], [B]] })
      yield* send(1)
      yield* cut.end
      yield* send(2)
      yield* partition.end
      yield* send(3)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(seen.map(([, value]) => value), [3])
      assert.deepStrictEqual([yield* cut.hits, yield* partition.hits], [1, 2])
    }).pipe(over()))
  it.effect("may be all of them at once, by name", () =>
    Effect.gen(function*() {
      const { seen, send } = yield* pair
      const faults: ReadonlyArray<Fault.NetworkFault> = [
        { _tag: "Loss", from: ["a"], to: ["b"], probability: 0.5 },
        { _tag: "Duplicate", ...all, probability: 0.5 },
        { _tag: "Reorder", ...all, probability: 0.5, min: 1, max: 9 },
        { _tag: "Delay", ...all, min: 1, max: 9 },
        { _tag: "Bandwidth", ...all, bytesPerSecond: 1_000_000, queue: 10 },
        { _tag: "Mtu", ...all, bytes: 10 }
      ]
      const begun = yield* Effect.forEach(faults, begin)
      for (let i = 0; i < 200; i++) yield* send(i, i % 2 === 0 ? 10 : 11)
      yield* TestClock.adjust("1 second")
      for (const { end, hits } of begun) {
        assert.isAbove(yield* hits, 10)
        yield* end
      }
      seen.length = 0
      for (let i = 0; i < 20; i++) yield* send(i, 11)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(seen.length, 20)
    }).pipe(over({ hosts: { a: [A], b: [B] } })))
  it.effect("stop and silence hosts, apart from the switches for that", () =>
    Effect.gen(function*() {
      const { network, seen, send } = yield* pair
      const pause = yield* begin({ _tag: "Pause", hosts: [B] })
      yield* send(1)
      yield* TestClock.adjust("1 second")
      yield* network.resume(B)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(seen.length, 0)
      yield* pause.end
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([seen.length, yield* pause.hits], [1, 1])
      const crash = yield* begin({ _tag: "Crash", hosts: [B], mode: "Silent" })
      yield* network.restart(B)
      yield* send(2)
      yield* TestClock.adjust("1 second")
      yield* crash.end
      assert.deepStrictEqual([seen.length, yield* crash.hits], [1, 1])
    }).pipe(over()))
  it.effect("of one kind do not change what chance decides for another", () =>
    Effect.gen(function*() {
      const arrivals = (fault: Fault.NetworkFault | undefined) =>
        Effect.gen(function*() {
          const { seen, send } = yield* pair
          const start = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          if (fault !== undefined) yield* begin(fault)
          for (let i = 0; i < 100; i++) yield* send(i)
          yield* TestClock.adjust("1 second")
          return new Map(seen.map(([time, value]) => [value, time - start]))
        }).pipe(over({ latency: [1, 100] }))
      const undisturbed = yield* arrivals(undefined)
      const lossy = yield* arrivals({ _tag: "Loss", ...all, probability: 0.5 })
      assert.isBelow(lossy.size, 80)
      for (const [value, time] of lossy) assert.strictEqual(time, undisturbed.get(value))
    }))
})

describe("a script of faults", () => {
  const decode = Schema.decodeUnknownExit(Fault.Script)
  it("is data", () => {
    const script: Fault.Script = [
      { at: 0, for: 5, fault: { _tag: "Loss", from: ["a"], to: ["*"], probability: 0.1 } },
      { at: 5, for: 0, fault: { _tag: "Kill", node: "a" } }
    ]
    assert.deepStrictEqual(decode(JSON.parse(JSON.stringify(script))), Exit.succeed(script))
  })
  it("refuses faults that do not exist or make no sense", () => {
    const wrong: ReadonlyArray<unknown> = [
      { at: 0, for: 5, fault: { _tag: "Rain" } },
      { at: -1, for: 5, fault: { _tag: "Kill", node: "a" } },
      { at: 0, for: 5, fault: { _tag: "Loss", ...all, probability: 1.1 } },
      { at: 0, for: 5, fault: { _tag: "Loss", from: [], to: ["*"], probability: 0.1 } },
      { at: 0, for: 5, fault: { _tag: "Skew", node: "a", leap: -1, rate: 1 } }
    ]
    for (const fault of wrong) assert.isTrue(Exit.isFailure(decode([fault])), JSON.stringify(fault))
  })
})
