/** What the simulator reads of a node's queues and tables after every step: it must be what there is. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Direct from "../../src/engine/application/Direct.ts"
import * as Hub from "../../src/engine/application/Hub.ts"
import * as HookCalls from "../../src/engine/hooks/HookCalls.ts"
import * as Notices from "../../src/engine/hooks/Notices.ts"
import * as Counters from "../../src/engine/telemetry/Counters.ts"
import * as Logs from "../../src/engine/telemetry/Logs.ts"
import { makeRepeats, MAX_REPEATS, WINDOW } from "../../src/engine/telemetry/Logs.ts"
import * as Work from "../../src/engine/Work.ts"
import { idle } from "../support/Observations.ts"

const surroundings = Effect.gen(function*() {
  const counters = Counters.make(Context.empty(), {})
  const logs = yield* Logs.make({ name: "a", now: () => 0, onDrop: () => {} })
  return { counters, logs, work: yield* Work.make(counters, logs) }
})

describe("the size", () => {
  it.effect("of a hub is that of its slowest subscriber's buffer", () =>
    Effect.gen(function*() {
      const hub = Hub.make<number>(3, () => {})
      assert.strictEqual(hub.waiting(), 0)
      yield* Effect.forkChild(Stream.runForEach(hub.stream(), () => Effect.never), { startImmediately: true })
      yield* Effect.forkChild(Stream.runDrain(hub.stream()), { startImmediately: true })
      yield* Effect.forkChild(Stream.runDrain(hub.signals), { startImmediately: true })
      hub.publish(1)
      yield* TestClock.adjust(1)
      assert.strictEqual(hub.waiting(), 0)
      hub.publish(2)
      hub.publish(3)
      assert.strictEqual(hub.waiting(), 2)
      yield* TestClock.adjust(1)
      assert.strictEqual(hub.waiting(), 2)
      for (let i = 0; i < 10; i++) hub.publish(i)
      assert.strictEqual(hub.waiting(), 3)
    }))

  it.effect("of notices is how many wait, and their bytes", () =>
    Effect.gen(function*() {
      const { counters, logs, work } = yield* surroundings
      const hooks = yield* HookCalls.make(work, counters, logs)
      const notices = yield* Notices.make("conflict", hooks, counters, logs)
      const offer = (size: number) => notices.offer({ call: () => Effect.never, size, over: () => {} })
      offer(5)
      offer(7)
      assert.deepStrictEqual([notices.waiting(), notices.bytes()], [2, 12])
      yield* Effect.forkScoped(notices.loop, { startImmediately: true })
      assert.deepStrictEqual([notices.waiting(), notices.bytes()], [1, 7])
      for (let i = 0; i < 2 * Notices.MAX_NOTICES; i++) offer(1)
      assert.deepStrictEqual([notices.waiting(), notices.bytes()], [Notices.MAX_NOTICES, Notices.MAX_NOTICES])
    }))

  it.effect("of the log is what was noted and not written, and whose repetitions it remembers", () =>
    Effect.gen(function*() {
      const { logs } = yield* surroundings
      logs.note("MemberFailed", { member: "b" })
      for (const peer of ["x", "y", "y"]) logs.note("QueueFull", { peer, reason: "QueueFull" })
      assert.deepStrictEqual([logs.noted(), logs.remembered()], [3, 2])
      yield* logs.flush
      assert.deepStrictEqual([logs.noted(), logs.remembered()], [0, 0])
    }))

  it("of the table of repetitions counts those with a subject of their own", () => {
    const repeats = makeRepeats<string>()
    for (let i = 0; i < 1_000; i++) repeats.admit(0, { what: "PacketRejected:Empty", subject: `${i}` }, "")
    assert.deepStrictEqual([repeats.named(), repeats.size()], [MAX_REPEATS, MAX_REPEATS + 1])
    repeats.admit(1, { what: "PacketRejected:Empty", subject: "7" }, "")
    repeats.due(WINDOW)
    // the seventh and the shared one had repetitions
    assert.deepStrictEqual([repeats.named(), repeats.size()], [1, 2])
    repeats.flush()
    assert.deepStrictEqual([repeats.named(), repeats.size()], [0, 0])
  })

  for (const [how, end] of [["times out", TestClock.adjust("1 minute")], ["is interrupted", Effect.void]] as const) {
    it.effect(`of the waits for acks counts a ping, and no more when it ${how}`, () =>
      Effect.gen(function*() {
        const node = yield* idle("a")
        const sizes = () => [node.pings.current, node.acks.waiting()]
        const ping = yield* Effect.forkChild(Effect.exit(Direct.ping(node, { address: "10.0.0.9:7946" })), {
          startImmediately: true
        })
        assert.deepStrictEqual(sizes(), [1, 1])
        yield* end
        yield* Fiber.interrupt(ping)
        assert.deepStrictEqual(sizes(), [0, 0])
      }))
  }
})
