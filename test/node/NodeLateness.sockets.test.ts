/** Needs the event loop of a real process. */
import { assert, describe, it, onTestFinished, vi } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { performance } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { Lateness } from "../../src/Lateness.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import * as NodeLateness from "../../src/node/NodeLateness.ts"
import * as NodeTransport from "../../src/node/NodeTransport.ts"

const SECOND = 1000

/** What the loop was compared with is taken at a timer in time, a second after the last. */
const mark = (lateness: Lateness): number => lateness.measure(0, 0)

describe("the lateness of a Node.js process", () => {
  it("is that of its timers", () => {
    const { measure } = NodeLateness.make()
    assert.deepStrictEqual([measure(5, 4), measure(5, 5), measure(5, 3005)], [0, 0, 3000])
  })

  it("tells a loop that was blocked from one that had nothing to do", async () => {
    const busy = NodeLateness.make()
    mark(busy)
    for (const end = performance.now() + 300; performance.now() < end;);
    assert.isAbove(busy.busy() ?? 0, 0.9)
    const idle = NodeLateness.make()
    mark(idle)
    await sleep(SECOND)
    assert.isBelow(idle.busy() ?? 1, 0.5)
  })

  it("does not say how busy a loop is that is not measured, as under Bun and Deno", () => {
    const spy = vi.spyOn(performance, "eventLoopUtilization").mockReturnValue({ idle: 0, active: 0, utilization: 0 })
    onTestFinished(() => spy.mockRestore())
    assert.isUndefined(NodeLateness.make().busy())
  })

  it.live("comes with the transport, and without one is that of the timers alone", () =>
    Effect.gen(function*() {
      const { busy, measure } = yield* Lateness
      assert.deepStrictEqual([measure(5, 3005), measure(5, 4), busy()], [3000, 0, undefined])
      const context = yield* Layer.build(
        NodeTransport.layer.pipe(
          Layer.provide(
            MemberlistConfig.layer({ ...MemberlistConfig.lan, name: "a", bindAddress: "127.0.0.1", bindPort: 0 })
          )
        )
      )
      const ours = Context.get(context, Lateness)
      assert.strictEqual(ours.measure(0, 3000), 3000)
      assert.isNumber(ours.busy())
    }).pipe(Effect.scoped))
})
