import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as References from "effect/References"
import { Invariants, Observation, SimulatedCluster, VirtualTime } from "../../../src/testing/index.ts"

describe("an observation", () => {
  it("shows what a step tells, what the node lists then, and what it has counted", () => {
    const told: Array<string> = []
    let accepted = 0
    const invariants = Invariants.make()
    const program = Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({
        nodes: ["a", "b"],
        seed: 1,
        observe: Observation.layer(invariants.observer, ({ at, counters, events, members, node }) => {
          accepted = Math.max(accepted, counters.get("msg.alive") ?? 0)
          for (const { _tag, member } of events) {
            told.push(`${node} at ${at < 1_000 ? "start" : "end"}: ${_tag} ${member.name}, ${members.length} now`)
          }
        })
      })
      yield* cluster.startAll
      yield* Effect.sleep("5 seconds")
      yield* cluster.kill("b")
      yield* Effect.sleep("30 seconds")
    }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None"))
    assert.isTrue(Exit.isSuccess(VirtualTime.run(program, { seed: 1 })))
    assert.deepStrictEqual(told, [
      "a at start: MemberJoined a, 1 now",
      "b at start: MemberJoined b, 1 now",
      "a at start: MemberJoined b, 2 now",
      "b at start: MemberJoined a, 2 now",
      // nobody gets the goodbye of a node that is killed
      "b at end: MemberLeft b, 1 now",
      "a at end: MemberSuspected b, 2 now",
      "a at end: MemberFailed b, 1 now",
      "a at end: MemberLeft a, 0 now"
    ])
    assert.isAbove(accepted, 1)
    // the checks beside it saw the same steps
    assert.isAbove(invariants.steps(), told.length)
    assert.deepStrictEqual(invariants.violations, [])
  })

  it("cannot be made by hand", () => {
    const { observer } = Invariants.make()
    const made = { node: "a", at: 0, events: [], members: [], counters: new Map<never, number>() }
    assert.throws(() => observer(made), /comes from Observation.layer/)
  })
})
