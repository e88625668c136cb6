import { assert, describe, it } from "@effect/vitest"
import * as Recipients from "../../../src/swim/gossip/Recipients.ts"
import * as T from "../../support/Rules.ts"

const { OTHER } = T
const states = ["alive", "suspect", "dead", "left"] as const
const rules = { gossipToTheDeadTime: 2000 }
const names = (entries: ReadonlyArray<{ readonly name: string }>) => entries.map(({ name }) => name)

describe("gossip", () => {
  it.each(
    [
      ["alive", 0, true],
      ["alive", 1e9, true],
      ["suspect", 0, true],
      ["suspect", 1e9, true],
      ["dead", 0, true],
      ["dead", 2000, true],
      ["dead", 2001, false],
      ["dead", 1e9, false],
      ["left", 0, false],
      ["left", 1e9, false]
    ] as const
  )("is for a member that has been %s for %i ms: %s", (state, passed, expected) => {
    const env = T.env({ now: 500 + passed, rules })
    assert.strictEqual(Recipients.getsGossip({ state, stateChangedAt: 500 }, env), expected)
  })

  it("goes to the members it is for, as many as there are up to k, and never to ourselves", () => {
    for (const state of states) {
      for (const now of [0, 2001]) {
        const m = T.known(state, 1)
        const env = T.env({ now, rules })
        const expected = Recipients.getsGossip(T.entry(m, OTHER), env) ? [OTHER] : []
        assert.deepStrictEqual(names(Recipients.ofGossip(m, 3, env)), expected, state)
        assert.deepStrictEqual(Recipients.ofGossip(m, 0, env), [])
      }
    }
    assert.strictEqual(Recipients.ofGossip(T.cluster("a", "b", "c", "d"), 3, T.env()).length, 3)
  })
})

describe("a goodbye", () => {
  it("goes straight to members that are not gone, and never to ourselves", () => {
    for (const state of states) {
      const expected = state === "alive" || state === "suspect" ? [OTHER] : []
      assert.deepStrictEqual(names(Recipients.ofGoodbye(T.known(state, 1), 3, T.env({ rules }))), expected, state)
    }
    assert.strictEqual(Recipients.ofGoodbye(T.cluster("a", "b", "c", "d"), 3, T.env()).length, 3)
  })
})
