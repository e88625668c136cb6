import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Memberlist, MemberlistLive } from "../../../src/Memberlist.ts"
import { MemberlistConfig } from "../../../src/MemberlistConfig.ts"
import { TimerHeap } from "../../../src/testing/clock/TimerHeap.ts"
import * as VirtualTime from "../../../src/testing/clock/VirtualTime.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"

/** Five nodes, one of which crashes and returns; answers everything that every node reported, with the time. */
const scenario = Effect.gen(function*() {
  const log: Array<string> = []
  const node = (name: string, ip: string) =>
    MemberlistLive.pipe(
      Layer.provide(SimulatedNetwork.transport(ip)),
      Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name, leaveTimeout: 0 }))
    )
  const network = yield* SimulatedNetwork
  for (let i = 1; i <= 5; i++) {
    const cluster = yield* Effect.provide(Memberlist, yield* Layer.build(node(`n${i}`, `10.0.0.${i}`)))
    yield* cluster.events.pipe(
      Stream.runForEach((event) =>
        Effect.clockWith((clock) =>
          Effect.map(clock.monotonicTimeNanos, (now) => {
            log.push(`${now} n${i} ${event._tag} ${event.member.name} ${event.member.incarnation}`)
          })
        )
      ),
      Effect.forkScoped
    )
    if (i > 1) yield* cluster.join(["10.0.0.1"])
  }
  yield* Effect.sleep("10 seconds")
  yield* network.crash("10.0.0.3")
  yield* Effect.sleep("8 seconds")
  yield* network.restart("10.0.0.3")
  yield* Effect.sleep("30 seconds")
  yield* network.crash("10.0.0.4")
  yield* Effect.sleep("60 seconds")
  return log
}).pipe(
  Effect.scoped,
  Effect.provideService(References.MinimumLogLevel, "None"),
  Effect.provide(SimulatedNetwork.layer({ latency: ["1 millis", "40 millis"], loss: 0.05 }), { local: true })
)

describe("virtual time", () => {
  it("ends a program that sleeps for an hour at once, at the right time", () => {
    const program = Effect.andThen(Effect.sleep("1 hour"), Effect.clockWith((clock) => clock.currentTimeMillis))
    assert.deepStrictEqual(VirtualTime.run(program, { seed: 1 }), Exit.succeed(3_600_000))
  })

  it("wakes sleepers in order of time, then of their going to sleep", () => {
    const woken: Array<string> = []
    const sleeper = (name: string, millis: number) =>
      Effect.andThen(Effect.sleep(millis), Effect.sync(() => woken.push(name)))
    VirtualTime.run(
      Effect.all([sleeper("c", 20), sleeper("a", 10), sleeper("b", 10)], { concurrency: "unbounded" }),
      { seed: 1 }
    )
    assert.deepStrictEqual(woken, ["a", "b", "c"])
  })

  it("repeats a whole cluster's life exactly from its seed, and another seed gives another life", () => {
    const life = (seed: number) => Exit.getSuccess(VirtualTime.run(scenario, { seed }))
    const first = life(1)
    assert.deepStrictEqual(life(1), first)
    assert.notDeepEqual(life(2), first)
    assert.isTrue(first._tag === "Some" && first.value.some((line) => line.includes("MemberFailed n4")))
  })

  it.effect("gives the same run as TestClock", () =>
    Effect.gen(function*() {
      const virtual = yield* VirtualTime.run(scenario, { seed: 7 })
      const fiber = yield* Effect.forkChild(Random.withSeed(scenario, 7), { startImmediately: true })
      for (let i = 0; i < 200 && fiber.pollUnsafe() === undefined; i++) yield* TestClock.adjust("1 second")
      const tested = yield* fiber.pollUnsafe() ?? Effect.die(new Error("the scenario did not end"))
      assert.isAbove(virtual.length, 20)
      assert.deepStrictEqual(tested, virtual)
    }))

  it("tells that a program is stuck, and when", () => {
    const stuck = (exit: Exit.Exit<unknown, unknown>) => Exit.isFailure(exit) ? String(exit.cause) : "success"
    assert.include(stuck(VirtualTime.run(Effect.never, { seed: 1 })), "no timer is left")
    const endless = Effect.forever(Effect.sleep("1 second"))
    assert.include(stuck(VirtualTime.run(endless, { seed: 1, limit: "1 minute" })), "the limit is reached")
    const realIo = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
    assert.include(stuck(VirtualTime.run(realIo, { seed: 1 })), "no timer is left")
  })

  it("passes a failure on", () => {
    assert.deepStrictEqual(
      VirtualTime.run(Effect.andThen(Effect.sleep(5), Effect.fail("no")), { seed: 1 }),
      Exit.fail("no")
    )
  })
})

describe("a timer heap", () => {
  const Due = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))

  it.prop("gives back what was not cancelled, sorted by time and then by order", [Schema.Array(Due)], ([dues]) => {
    const heap = new TimerHeap()
    const timers = dues.map((at) => heap.add(at, () => {}))
    const kept = timers.filter((_, i) => i % 3 !== 0)
    for (const timer of timers) if (!kept.includes(timer)) heap.cancel(timer)
    assert.strictEqual(heap.size, kept.length)
    const expected = kept.map(({ at, order }) => [at, order]).sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!)
    const taken: Array<Array<number>> = []
    for (let timer = heap.next(Infinity); timer !== undefined; timer = heap.next(Infinity)) {
      taken.push([timer.at, timer.order])
    }
    assert.deepStrictEqual(taken, expected)
  })

  it("does not hold on to thousands of cancelled timers", () => {
    const heap = new TimerHeap()
    for (let i = 0; i < 100_000; i++) heap.cancel(heap.add(i, () => {}))
    assert.strictEqual(heap.size, 0)
    assert.isBelow((heap as unknown as { readonly heap: ReadonlyArray<unknown> }).heap.length, 2_000)
  })
})
