import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as LocalHealth from "../../../src/swim/probing/LocalHealth.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("LocalHealth", () => {
  it("stays between healthy and one below its maximum", () => {
    const deltas = [0, -1, -10, 1, -1, 10, -1, -1, -1, -1, -1, -1, -1, -1, -1]
    const scores: Array<number> = []
    let score = LocalHealth.HEALTHY
    for (const delta of deltas) scores.push(score = LocalHealth.apply(score, delta, 8))
    assert.deepStrictEqual(scores, [0, 0, 0, 1, 0, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0])
  })

  it("never falls below 0, even with a senseless maximum", () => {
    assert.strictEqual(LocalHealth.apply(0, 1, 0), 0)
  })

  it("stretches the probe interval by one interval per point", () => {
    assert.strictEqual(LocalHealth.scale(1000, 0), 1000)
    assert.strictEqual(LocalHealth.scale(1000, 7), 8000)
  })

  it("stretches the time for a direct answer in the paper's profile only", () => {
    for (const score of [0, 1, 7]) {
      assert.strictEqual(LocalHealth.answerTime(500, score, "memberlist"), 500)
      assert.strictEqual(LocalHealth.answerTime(500, score, "paper"), 500 * (score + 1))
    }
  })

  it.prop(
    "is never negative, never above its maximum, and moves by the delta where it can",
    [int(0, 9), int(-9, 9), int(1, 10)],
    ([score, delta, max]) => {
      const next = LocalHealth.apply(Math.min(score, max - 1), delta, max)
      assert.isTrue(next >= 0 && next < max)
      const free = Math.min(score, max - 1) + delta
      if (free >= 0 && free < max) assert.strictEqual(next, free)
    }
  )
})

describe("what our own lateness costs", () => {
  const lan = { probeInterval: 1000, probeTimeout: 500 }

  it("is nothing up to a fifth of the time for an ack, then a point, and one more for each interval", () => {
    const costs = [0, 1, 100, 100.1, 999, 1000, 4999, 60_000].map((late) => LocalHealth.lateCost(0, late, lan))
    assert.deepStrictEqual(costs, [0, 0, 0, 1, 1, 2, 5, 61])
  })

  it("is only what the score does not say yet", () => {
    const costs = [0, 1, 2, 5, 7].map((score) => LocalHealth.lateCost(score, 1500, lan))
    assert.deepStrictEqual(costs, [2, 1, 0, 0, 0])
  })

  it.prop(
    "never falls with the lateness, and is nothing exactly where it means nothing",
    [int(0, 100_000), int(0, 100_000), int(1, 5000), int(1, 5000)],
    ([late, more, probeInterval, probeTimeout]) => {
      const settings = { probeInterval, probeTimeout }
      const cost = LocalHealth.lateCost(0, late, settings)
      assert.isAtLeast(LocalHealth.lateCost(0, late + more, settings), cost)
      assert.strictEqual(cost > 0, LocalHealth.isLate(late, probeTimeout))
    }
  )
})

const profiles = ["memberlist", "paper"] as const

describe("what a probe changes in local health", () => {
  it("is nothing where the ping was not sent because of ourselves, and a point earned where it was answered", () => {
    for (const profile of profiles) {
      assert.strictEqual(LocalHealth.change({ _tag: "NotSent" }, profile), 0)
      assert.strictEqual(LocalHealth.change({ _tag: "Answered" }, profile), -1)
    }
  })

  it("is a point earned where only others got through, and nothing where the network had refused our ping", () => {
    for (const profile of profiles) {
      for (const _tag of ["Relayed", "TcpOnly"] as const) {
        assert.strictEqual(LocalHealth.change({ _tag, pinged: true }, profile), -1)
        assert.strictEqual(LocalHealth.change({ _tag, pinged: false }, profile), 0)
      }
    }
  })

  it.each([
    // expected, came, cost for memberlist, cost in the paper
    [0, 0, 1, 1],
    [0, 2, 1, 1],
    [1, 1, 0, 1],
    [1, 0, 1, 2],
    [3, 3, 0, 1],
    [3, 2, 1, 2],
    [3, 0, 3, 2],
    [3, 4, 0, 1]
  ])("of %i nacks with %i that came is a cost of %i, in the paper of %i", (nacksExpected, nacks, memberlist, paper) => {
    const outcome = { _tag: "NoAnswer", nacksExpected, nacks } as const
    assert.strictEqual(LocalHealth.change(outcome, "memberlist"), memberlist)
    assert.strictEqual(LocalHealth.change(outcome, "paper"), paper)
  })

  it.prop(
    "of a probe that nobody answered is never earned, and never less with fewer nacks",
    [int(0, 8), int(0, 8), Schema.Literals(profiles)],
    ([nacksExpected, nacks, profile]) => {
      const cost = (nacks: number) => LocalHealth.change({ _tag: "NoAnswer", nacksExpected, nacks }, profile)
      assert.isAtLeast(cost(nacks), 0)
      assert.isAtLeast(cost(nacks), cost(nacks + 1))
    }
  )
})
