/**
 * The system clock is set, forward or back, while the monotonic one goes on, as when a machine wakes up or finds its time
 * server: nothing the protocol does may notice.
 */
import { assert, describe } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { Memberlist, MemberlistLive } from "../../src/Memberlist.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, passing } from "../support/Cluster.ts"

const HOUR = 3_600_000

/** A clock whose time of day can be set; its monotonic time and its sleep are those of the clock it stands on. */
class SettableClock implements Clock.Clock {
  /** Milliseconds ahead. */
  ahead = 0
  private readonly base: Clock.Clock
  constructor(base: Clock.Clock) {
    this.base = base
  }
  currentTimeMillisUnsafe(): number {
    return this.base.currentTimeMillisUnsafe() + this.ahead
  }
  currentTimeNanosUnsafe(): bigint {
    return this.base.currentTimeNanosUnsafe() + BigInt(this.ahead) * 1_000_000n
  }
  monotonicTimeNanosUnsafe(): bigint {
    return this.base.monotonicTimeNanosUnsafe()
  }
  readonly currentTimeMillis = Effect.sync(() => this.currentTimeMillisUnsafe())
  readonly currentTimeNanos = Effect.sync(() => this.currentTimeNanosUnsafe())
  readonly monotonicTimeNanos = Effect.sync(() => this.monotonicTimeNanosUnsafe())
  sleep(duration: Parameters<Clock.Clock["sleep"]>[0]): Effect.Effect<void> {
    return this.base.sleep(duration)
  }
}

/** A node whose time of day can be set, and what it saw. */
const start = Effect.fnUntraced(function*(name: string, ip: string) {
  const clock = new SettableClock(yield* Clock.Clock)
  const scope = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => passing(Scope.close(scope, exit)))
  const live = MemberlistLive.pipe(
    Layer.provide(SimulatedNetwork.transport(ip)),
    Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name, pushPullInterval: "3 seconds" })),
    Layer.provide(Layer.succeed(Clock.Clock, clock))
  )
  const cluster = yield* Effect.provide(Memberlist, yield* Layer.buildWithScope(live, scope))
  const seen: Array<string> = []
  const follow = Stream.runForEach(
    cluster.events,
    (event) => Effect.sync(() => void seen.push(`${event._tag} ${event.member.name}`))
  )
  yield* Effect.forkIn(follow, scope, { startImmediately: true })
  return { clock, cluster, name, seen, address: `${ip}:7946` }
})

const blames = (seen: ReadonlyArray<string>) => seen.filter((event) => /Suspected|Failed|Left/.test(event))

describe("a system clock that is set", () => {
  for (
    const [what, jumps] of [
      ["an hour forward", [HOUR]],
      ["an hour back", [-HOUR]],
      ["forward and back again and again", [HOUR, -HOUR, 24 * HOUR, 0, -1, 1, -24 * HOUR]]
    ] as const
  ) {
    clusterTest(
      `${what} at one member, or at all, has nobody suspected, and a crash is still noticed in time`,
      Effect.gen(function*() {
        const net = yield* SimulatedNetwork
        const a = yield* start("a", "10.0.0.1")
        const others = [yield* start("b", "10.0.0.2"), yield* start("c", "10.0.0.3")]
        const nodes = [a, ...others]
        for (const node of others) yield* passing(node.cluster.join([a.address]))
        yield* TestClock.adjust("5 seconds")
        for (const all of [false, true]) {
          for (const ahead of jumps) {
            for (const node of all ? nodes : [a]) node.clock.ahead = ahead
            yield* TestClock.adjust("7300 millis")
            for (const { name, seen } of nodes) assert.deepStrictEqual(blames(seen), [], name)
          }
        }
        // timers go on: gossip, probes, suspicions, push/pulls, a leave
        const probes = yield* Effect.map(a.cluster.counters, (counters) => counters.get("udp.received") ?? 0)
        yield* TestClock.adjust("5 seconds")
        assert.isAbove(yield* Effect.map(a.cluster.counters, (counters) => counters.get("udp.received") ?? 0), probes)
        yield* net.crash("10.0.0.3")
        yield* TestClock.adjust("2 seconds")
        a.clock.ahead += HOUR
        yield* TestClock.adjust("1 second")
        assert.notInclude(a.seen, "MemberFailed c")
        yield* TestClock.adjust("25 seconds")
        assert.include(a.seen, "MemberFailed c")
        const before = yield* Clock.currentTimeMillis
        const report = yield* passing(a.cluster.leave())
        assert.strictEqual(report.outcome, "Sent")
        assert.isBelow((yield* Clock.currentTimeMillis) - before, 5000)
      })
    )
  }
})
