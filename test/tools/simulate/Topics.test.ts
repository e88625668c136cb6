import { assert, describe, it } from "@effect/vitest"
import { MemberlistLive } from "effect-memberlist"
import { SimulatedCluster, VirtualTime } from "effect-memberlist/testing"
import type * as Topic from "effect-memberlist/Topic"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Topics from "../../../simulate/explorer/Topics.ts"

/** What is said of three nodes of which one is cut off for twenty seconds, with topics of these options. */
const afterASplit = (options?: Topic.Options) => {
  const failures: Array<string> = []
  const exit = VirtualTime.run(
    Effect.gen(function*() {
      let calm = false
      const application = Topics.make({
        seed: 1,
        tell: () => {},
        fail: (_kind, message) => void failures.push(message),
        now: () => 0,
        isCalm: () => calm
      }, options)
      const names = ["a", "b", "c"]
      const cluster = yield* SimulatedCluster.make({
        nodes: names,
        seed: 1,
        layer: (name) => Layer.provideMerge(application.layer(name), MemberlistLive)
      })
      yield* cluster.startAll
      yield* cluster.play([{ at: 1_000, for: 20_000, fault: { _tag: "Partition", groups: [["a"], ["b", "c"]] } }])
      const during = yield* application.disagreements(names)
      calm = true
      yield* Effect.sleep("1 minute")
      return { during, after: yield* application.disagreements(names), total: application.total() }
    }).pipe(Effect.scoped, Effect.provideService(References.MinimumLogLevel, "None")),
    { seed: 1 }
  )
  if (Exit.isFailure(exit)) return assert.fail(Cause.pretty(exit.cause))
  return { ...exit.value, failures }
}

describe("the explorer's topic", () => {
  it("lacks values of the other side after a split, and a minute later none", () => {
    const { after, during, failures, total } = afterASplit()
    assert.isAbove(during.length, 0)
    assert.isAbove(total, 10)
    assert.deepStrictEqual(after, [])
    assert.deepStrictEqual(failures, [])
  })

  it("is told of values that nobody keeps any more", () => {
    const { after } = afterASplit({ windowAge: "2 seconds" })
    assert.match(after.join("; "), /^a lacks b\/\d+\/\d+, .* of \d+\)/)
  })

  it("is told of a value that comes twice, and of one that nobody published", () => {
    const failures: Array<string> = []
    const judge = Topics.judging((_kind, message) => void failures.push(message))
    const value = { publisher: "a", life: 1, number: 1, filling: "" }
    const life = judge.begins("b")
    judge.took(life, "a", value)
    judge.publishes(value)
    judge.took(life, "a", value)
    judge.took(life, "c", value)
    assert.deepStrictEqual(failures, [
      "b got a/1/1 from a, which never published it",
      "b got a/1/1 twice",
      "b got a/1/1 from c, which never published it",
      "b got a/1/1 twice"
    ])
  })
})
