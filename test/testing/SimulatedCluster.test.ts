import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import {
  Convergence,
  type Fault,
  Invariants,
  SimulatedCluster,
  SkewedClock,
  VirtualTime
} from "../../src/testing/index.ts"

const live = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): A => {
  const program = Effect.scoped(effect).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  const exit = VirtualTime.run(program, { seed: 1, limit: "1 hour" })
  if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
  return exit.value
}

const names = ["a", "b", "c"]

/** Monotonic milliseconds. */
const now = Clock.clockWith((clock) => Effect.map(clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6))

/** What every running node lists. */
const views = (cluster: SimulatedCluster.SimulatedCluster) =>
  Effect.flatMap(cluster.running, (running) =>
    Effect.forEach(running, (name) =>
      Effect.gen(function*() {
        const members = yield* (yield* cluster.node(name)).members
        return `${name}: ${members.map((member) => `${member.name}${member.incarnation}`).sort().join(" ")}`
      })))

describe("a simulated cluster", () => {
  it("starts, loses a node, and takes it back without its memory", () => {
    const invariants = Invariants.make()
    const seen = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes: names, seed: 1, observe: invariants.layer })
      yield* cluster.startAll
      yield* Effect.sleep("5 seconds")
      const started = yield* views(cluster)
      yield* cluster.kill("b")
      yield* Effect.sleep("30 seconds")
      const killed = yield* views(cluster)
      yield* cluster.start("b")
      const alone = yield* (yield* cluster.node("b")).members
      yield* cluster.rejoin("b")
      yield* Effect.sleep("10 seconds")
      return { started, killed, alone: alone.map(({ incarnation }) => incarnation), back: yield* views(cluster) }
    }))
    assert.deepStrictEqual(seen.started, ["a: a1 b1 c1", "b: a1 b1 c1", "c: a1 b1 c1"])
    assert.deepStrictEqual(seen.killed, ["a: a1 c1", "c: a1 c1"])
    assert.deepStrictEqual(seen.alone, [1])
    assert.deepStrictEqual(seen.back, ["a: a1 b2 c1", "b: a1 b2 c1", "c: a1 b2 c1"])
    assert.deepStrictEqual(invariants.violations, [])
    assert.isAbove(invariants.steps(), 50)
  })

  it("stops a node, which is seen to have left at once", () => {
    const seen = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes: names, seed: 1 })
      yield* cluster.startAll
      yield* Effect.sleep("5 seconds")
      yield* cluster.stop("b")
      yield* Effect.sleep("20 millis")
      return { running: yield* cluster.running, views: yield* views(cluster) }
    }))
    assert.deepStrictEqual(seen, { running: ["a", "c"], views: ["a: a1 c1", "c: a1 c1"] })
  })

  it("plays every kind of node fault, each of which happened", () => {
    const script: Fault.Script = [
      { at: 0, for: 0, fault: { _tag: "Update", node: "a", meta: "blue" } },
      { at: 5_000, for: 3_000, fault: { _tag: "Restart", node: "b" } },
      { at: 20_000, for: 3_000, fault: { _tag: "Leave", node: "c" } },
      { at: 30_000, for: 3_000, fault: { _tag: "Skew", node: "a", leap: 100, rate: 2 } },
      { at: 35_000, for: 1_000, fault: { _tag: "Stall", node: "b" } },
      { at: 40_000, for: 0, fault: { _tag: "Kill", node: "c" } },
      { at: 41_000, for: 0, fault: { _tag: "Update", node: "c", meta: "late" } }
    ]
    const { end, meta, played } = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes: names, seed: 1 })
      yield* cluster.startAll
      yield* Effect.sleep("1 second")
      const played = yield* cluster.play(script)
      yield* Effect.sleep("40 seconds")
      return { played, end: yield* views(cluster), meta: (yield* (yield* cluster.node("a")).localMember).metaText }
    }))
    assert.deepStrictEqual(played.map(({ hits }) => hits), [1, 1, 1, 1, 1, 1, 0])
    assert.strictEqual(meta, "blue")
    assert.match(end.join(", "), /^a: a2 b\d, b: a2 b\d$/)
  })

  it("lets no timer fire and nothing be sent while a node stands still", () => {
    const { sent, ticks } = live(Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes: names, seed: 1 })
      yield* cluster.startAll
      yield* Effect.sleep("10 seconds")
      const ticks: Array<number> = []
      const start = yield* now
      const tick = Effect.sleep("1 second").pipe(
        Effect.andThen(now),
        Effect.map((at) => void ticks.push(Math.round((at - start) / 1000)))
      )
      yield* Effect.forkScoped(cluster.run("a", Effect.forever(tick)))
      const packets = Effect.map(cluster.network.traffic("a"), ({ packetsSent }) => packetsSent)
      const sent = [yield* packets]
      yield* Effect.forkScoped(cluster.play([{ at: 2_500, for: 5_000, fault: { _tag: "Stall", node: "a" } }]))
      yield* Effect.sleep("2501 millis")
      sent.push(yield* packets)
      yield* Effect.sleep("4998 millis")
      sent.push(yield* packets)
      yield* Effect.sleep("2 seconds")
      sent.push(yield* packets)
      return { ticks, sent }
    }))
    assert.deepStrictEqual(ticks, [1, 2, 8, 9])
    const [before = 0, begun = 0, ended = 0, after = 0] = sent
    assert.isTrue(before < begun && begun === ended && ended < after)
  })

  it("agrees after calm within the bound that its configuration gives", () => {
    const config = { pushPullInterval: "10 seconds" } as const
    const bound = Duration.toSeconds(Convergence.bound(config, 3))
    assert.isBelow(bound, 360)
    assert.isBelow(Duration.toSeconds(Convergence.bound({ ...config, probeInterval: "500 millis" }, 3)), bound)
    assert.isAbove(Duration.toSeconds(Convergence.bound(config, 30)), bound)
  })

  it("does not know other nodes", () => {
    assert.throws(
      () => live(Effect.flatMap(SimulatedCluster.make({ nodes: names, seed: 1 }), ({ start }) => start("z"))),
      /no node is called "z"/
    )
  })
})

describe("a skewed clock", () => {
  const elapsed = (skew: SkewedClock.Skew, changes: Effect.Effect<void> | undefined, clock: SkewedClock.SkewedClock) =>
    Effect.gen(function*() {
      clock.set(skew)
      const own = clock.monotonicTimeNanosUnsafe()
      const base = yield* Clock.currentTimeMillis
      if (changes !== undefined) yield* Effect.forkChild(changes)
      yield* clock.sleep(Duration.seconds(10))
      return [Number(clock.monotonicTimeNanosUnsafe() - own) / 1e9, ((yield* Clock.currentTimeMillis) - base) / 1e3]
    })

  it("sleeps by its own time, however fast that runs", () => {
    for (const [rate, real] of [[1, 10], [2, 5], [0.5, 20]] as const) {
      const [own = 0, base = 0] = live(
        Effect.flatMap(SkewedClock.make(), (clock) => elapsed({ rate }, undefined, clock))
      )
      assert.closeTo(own, 10, 0.001)
      assert.closeTo(base, real, 0.001)
    }
  })
  it("never sleeps too short when its rate changes meanwhile", () => {
    const [own = 0] = live(Effect.gen(function*() {
      const clock = yield* SkewedClock.make()
      const slower = Effect.andThen(Effect.sleep("1 second"), Effect.sync(() => clock.set({ rate: 0.5 })))
      return yield* elapsed({ rate: 2 }, slower, clock)
    }))
    assert.isAtLeast(own, 10)
    assert.isBelow(own, 10.01)
  })
  it("leaps ahead, and never back", () => {
    live(Effect.gen(function*() {
      const clock = yield* SkewedClock.make({ leap: 1_500 })
      assert.strictEqual(clock.currentTimeMillisUnsafe(), (yield* Clock.currentTimeMillis) + 1_500)
      assert.throws(() => clock.set({ leap: -1 }), /at least 0/)
      assert.throws(() => clock.set({ rate: 0 }), /above 0/)
    }))
  })
})
