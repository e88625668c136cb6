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

/** 5 ms each way, and what then waits for the next tick of gossip. */
const ONE_PING = 10 + 200

describe("a newcomer", () => {
  it("is listed by everybody at the same moments whether hearsay is verified or not", () => {
    const runs = both("one")
    // nothing was there to verify, as a rule: then nothing differs at all
    const alike = runs.filter(([, verified]) => verified?.confirmed === 0)
    assert.isAbove(alike.length, runs.length / 2)
    for (const [without, verified] of alike) {
      assert.deepStrictEqual([verified?.half, verified?.all], [without?.half, without?.all])
    }
    const [without, verified] = [0, 1].map((i) => middle(runs.map((results) => results[i]?.all ?? Infinity)))
    assert.isAtMost(verified ?? Infinity, (without ?? Infinity) + ONE_PING)
    for (const run of runs) for (const { all } of run) assert.isBelow(all, 30)
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
