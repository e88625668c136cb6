import { assert, describe, it } from "@effect/vitest"
import { measure, type Way } from "../../../simulate/newcomers/measure.ts"

const SEEDS = [1, 2, 3, 4, 5]

/** What each seed gives in a cluster of ten, without the verification of hearsay, and with it. */
const both = (way: Way) =>
  SEEDS.map((seed) => [false, true].map((recovery) => measure({ way, members: 10, recovery, seed })))

/** The time by which half of the runs had everybody listed, in milliseconds. */
const middle = (times: ReadonlyArray<number>): number =>
  1000 * (times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN)

/** A tick of gossip, and a packet each way. */
const TICK = 200 + 10

describe("a newcomer", () => {
  it("is listed by everybody as soon when hearsay is verified, but for the moment of a tick of gossip", () => {
    const runs = both("one")
    for (const what of ["half", "all"] as const) {
      const [without, verified] = [0, 1].map((i) => middle(runs.map((results) => results[i]?.[what] ?? Infinity)))
      assert.isAtMost(verified ?? Infinity, (without ?? Infinity) + TICK)
      assert.isBelow(without ?? Infinity, 5_000)
    }
  })
})

describe("a cluster that joins another", () => {
  it("is listed by everybody no later than one ping takes, and what it told of others was verified", () => {
    const runs = both("halves")
    const [without, verified] = [0, 1].map((i) => middle(runs.map((results) => results[i]?.half ?? Infinity)))
    assert.isAtMost(verified ?? Infinity, (without ?? Infinity) + TICK)
    for (const [off, on] of runs) {
      assert.strictEqual(off?.confirmed, 0)
      assert.isAtLeast(on?.confirmed ?? 0, 4)
      assert.strictEqual(on?.dropped, 0)
    }
  })
})
