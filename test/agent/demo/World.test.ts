import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { TestClock } from "effect/testing"
import * as News from "../../../src/agent/demo/News.ts"
import * as World from "../../../src/agent/demo/World.ts"
import * as Tale from "../../support/DemoTale.ts"

const end = Tale.told(Tale.nodes(5)).at(-1)?.state ?? World.empty

describe("the demo's world", () => {
  it("agrees when every survivor sees the survivors, all alive, and nobody else", () => {
    assert.isTrue(World.agrees(end))
    assert.deepStrictEqual(World.survivors(end), ["node-1", "node-2", "node-3", "node-5"])
    const view = end.views.get("node-1") ?? []
    const seeing = (members: typeof view): World.State => ({ ...end, views: new Map(end.views).set("node-2", members) })
    const others = ["node-1", "node-3", "node-5"]
    assert.deepStrictEqual(World.agreeing(seeing(view.slice(1))), others)
    assert.deepStrictEqual(World.agreeing(seeing([...view, { name: "x", address: "", state: "alive" }])), others)
    assert.deepStrictEqual(World.agreeing(seeing(view.map((m) => ({ ...m, state: "suspect" })))), others)
  })

  it("counts the first report of each survivor, from the moment that is asked about", () => {
    assert.deepStrictEqual([...World.reports(end, "MemberFailed", "node-5")], [
      ["node-1", 7400],
      ["node-2", 7410],
      ["node-3", 7420]
    ])
    assert.strictEqual(World.reports(end, "MemberFailed", "node-5", 8000).size, 0)
  })

  it("listens neither to a process that was ended nor to one that tells of itself", () => {
    const seen = { at: 1, event: "MemberFailed", member: "node-1" } as const
    assert.strictEqual(World.withObservation(end, { ...seen, observer: "node-4" }), end)
    assert.strictEqual(World.withObservation(end, { ...seen, observer: "node-1" }), end)
    const { observations } = World.withObservation(end, { ...seen, observer: "node-2" })
    assert.deepStrictEqual(observations.at(-1), { ...seen, observer: "node-2", others: 3 })
  })

  it("has no news in members that join when the cluster forms", () => {
    assert.deepStrictEqual(
      News.gather(end).map(({ event, member, observers, of }) => [event, member, observers.length, of]),
      [
        ["MemberSuspected", "node-5", 4, 4],
        ["MemberFailed", "node-5", 4, 4],
        ["MemberJoined", "node-5", 4, 4],
        ["MemberLeft", "node-4", 4, 4]
      ]
    )
  })

  it.effect("is not waited for any more once a process ended that should run, and says which", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      yield* SubscriptionRef.set(world.state, end)
      const waiting = yield* Effect.forkChild(World.until(world, "nothing", "1 minute", () => false))
      yield* TestClock.adjust(1000)
      yield* SubscriptionRef.update(world.state, (state) => World.withProcess(state, "node-2", { fate: "ended" }))
      assert.strictEqual((yield* Effect.flip(Fiber.join(waiting))).message, "node-2 ended, which is not in the story")
    }))

  it.effect("is waited for no longer than the limit, and says what for", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const waiting = yield* Effect.forkChild(World.until(world, "agreement", "1 minute", () => false))
      yield* TestClock.adjust(60_000)
      assert.strictEqual((yield* Effect.flip(Fiber.join(waiting))).message, "agreement did not happen within 1m")
    }))

  it("keeps no more warnings than somebody reads", () => {
    let state = World.empty
    for (let i = 0; i < 1000; i++) state = World.withComplaint(state, "node-1", `line ${i}`)
    assert.strictEqual(state.complaints.length, 200)
    assert.strictEqual(World.withComplaint(World.empty, "node-1", "  ").complaints.length, 0)
  })
})
