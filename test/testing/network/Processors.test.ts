import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { type Fault, SimulatedNetwork } from "../../../src/testing/index.ts"
import { chargeOf } from "../../../src/testing/network/Processors.ts"
import { Transport } from "../../../src/Transport.ts"

const IPS = ["10.0.0.1", "10.0.0.2", "10.0.0.3"] as const
const [, B, C] = IPS
const at = (ip: string) => ({ ip, port: 7946 })
const LINUX = 212_992

/** Three nodes, what they received as `[millisecond, first byte]`, and a fault that ends with what `begin` answers. */
const setup = Effect.gen(function*() {
  const network = yield* SimulatedNetwork
  const began = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
  const nodes = yield* Effect.forEach(IPS, (ip) =>
    Effect.gen(function*() {
      const transport = Context.get(yield* Layer.build(SimulatedNetwork.transport(ip)), Transport)
      const seen: Array<readonly [number, number]> = []
      yield* Effect.forkScoped(Effect.gen(function*() {
        for (;;) {
          for (const { payload, receivedAt } of yield* transport.packets) {
            seen.push([receivedAt - began, payload[0] ?? -1])
          }
        }
      }))
      return { transport, seen }
    }))
  const [a, b, c] = nodes
  if (a === undefined || b === undefined || c === undefined) return yield* Effect.die(new Error("three nodes"))
  const send = (to: string, value: number, size = 1) => a.transport.send(at(to), new Uint8Array(size).fill(value))
  const begin = Effect.fnUntraced(function*(fault: Omit<Extract<Fault.Fault, { _tag: "Processing" }>, "_tag">) {
    const scope = yield* Scope.make()
    const { hits } = yield* Scope.provide(network.inject({ _tag: "Processing", ...fault }), scope)
    return { hits, end: Scope.close(scope, Exit.void) }
  })
  return { network, send, begin, b: b.seen, c: c.seen }
})

const over = <A, E>(effect: Effect.Effect<A, E, SimulatedNetwork | Scope.Scope>) =>
  Effect.scoped(effect).pipe(Effect.provide(SimulatedNetwork.layer({ seed: 1 }), { local: true }))

describe("a host that takes time for each packet", () => {
  it.effect("handles one after the other, and others are none the slower", () =>
    Effect.gen(function*() {
      const { b, begin, c, send } = yield* setup
      const { hits } = yield* begin({ hosts: [B], perMessage: 5, buffer: LINUX })
      for (let i = 0; i < 3; i++) yield* Effect.andThen(send(B, i), send(C, i))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b, [[6, 0], [11, 1], [16, 2]])
      assert.deepStrictEqual(c, [[1, 0], [1, 1], [1, 2]])
      assert.strictEqual(yield* hits, 3)
    }).pipe(over))
  it.effect("may take less than a millisecond for each", () =>
    Effect.gen(function*() {
      const { b, begin, send } = yield* setup
      yield* begin({ hosts: [B], perMessage: 0.25, buffer: LINUX })
      for (let i = 0; i < 20; i++) yield* send(B, i)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b.map(([, value]) => value), b.map((_, i) => i))
      assert.strictEqual(b.length, 20)
      // 1 ms on the way, then four in each millisecond
      assert.deepStrictEqual([b[0]?.[0], b[3]?.[0], b[4]?.[0], b[19]?.[0]], [2, 2, 3, 6])
    }).pipe(over))
  it.effect("drops and counts what finds its buffer full", () =>
    Effect.gen(function*() {
      const { b, begin, network, send } = yield* setup
      yield* begin({ hosts: [B], perMessage: 1000, buffer: 3 * chargeOf(1) })
      for (let i = 0; i < 10; i++) yield* send(B, i)
      yield* TestClock.adjust("1 minute")
      // three fill it, and Linux takes one more where anything is left
      assert.deepStrictEqual(b.map(([, value]) => value), [0, 1, 2, 3])
      const { dropped, packetsDelivered } = yield* network.stats
      assert.deepStrictEqual([dropped.InboxFull, packetsDelivered], [6, 4])
    }).pipe(over))
  it.effect("lets packets wait while it stands still, and works them off when it goes on", () =>
    Effect.gen(function*() {
      const { b, begin, network, send } = yield* setup
      yield* begin({ hosts: [B], perMessage: 10, buffer: LINUX })
      yield* network.pause(B)
      for (let i = 0; i < 3; i++) yield* send(B, i)
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(b, [])
      yield* network.resume(B)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b, [[110, 0], [120, 1], [130, 2]])
    }).pipe(over))
  it.effect("takes turns with the others on its core", () =>
    Effect.gen(function*() {
      const { b, begin, c, send } = yield* setup
      const { end } = yield* begin({ hosts: [B, C], perMessage: 10, buffer: LINUX, cores: 1 })
      for (let i = 0; i < 3; i++) yield* send(B, i)
      yield* send(C, 9)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b, [[11, 0], [31, 1], [41, 2]])
      assert.deepStrictEqual(c, [[21, 9]])
      yield* end
      b.length = 0
      yield* begin({ hosts: [B, C], perMessage: 10, buffer: LINUX, cores: 2 })
      yield* Effect.andThen(send(B, 1), send(C, 2))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([b[0]?.[0], c[1]?.[0]], [1011, 1011])
    }).pipe(over))
  it.effect("has what waits at once when the fault is over", () =>
    Effect.gen(function*() {
      const { b, begin, send } = yield* setup
      const { end } = yield* begin({ hosts: [B], perMessage: 10_000, buffer: LINUX })
      for (let i = 0; i < 3; i++) yield* send(B, i)
      yield* TestClock.adjust("1 second")
      yield* end
      yield* send(B, 3)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b, [[1000, 0], [1000, 1], [1000, 2], [1001, 3]])
    }).pipe(over))
  it("is charged for a packet as Linux does", () => {
    assert.deepStrictEqual([1, 86, 87, 598, 599, 1400].map(chargeOf), [768, 768, 1280, 1280, 2304, 2304])
  })
})
