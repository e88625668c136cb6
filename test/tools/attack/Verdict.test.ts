import { assert, describe, it } from "@effect/vitest"
import { breaches, isSettled, restOf } from "../../../attack/Verdict.ts"

describe("the verdict of an attack", () => {
  it("is kept where nothing was exceeded or nothing was measured", () => {
    assert.deepStrictEqual(breaches({}, { longestStop: 100, restAfter: 2, memoryGrowth: 1, everyPushPull: true }), [])
    assert.deepStrictEqual(breaches({ longestStop: 100, restAfter: 2 }, { longestStop: 100, restAfter: 2 }), [])
  })

  it("is broken by whoever failed or ended, whatever the limits are", () => {
    assert.deepStrictEqual(breaches({ failed: ["boris: anna"], ended: ["clara"] }, {}), [
      "ended: clara",
      "declared failed: boris: anna"
    ])
  })

  it("does not mind suspicions that were refuted", () => {
    assert.deepStrictEqual(breaches({ suspected: ["boris: anna"] }, {}), [])
  })

  it("is broken by a long stop, and by late rest", () => {
    assert.deepStrictEqual(breaches({ longestStop: 142.4, restAfter: 9.96 }, { longestStop: 100, restAfter: 2 }), [
      "stood still for 142 ms, more than 100",
      "at rest after 10.0 s, not 2"
    ])
    assert.deepStrictEqual(breaches({ restAfter: Infinity }, { restAfter: 2 }), ["not at rest"])
  })

  it("is broken by memory that grows or is kept beyond what there was before", () => {
    const figures = { memoryBefore: 100, peakMemory: 500, memoryAfter: 300 }
    assert.deepStrictEqual(breaches(figures, { memoryGrowth: 400, memoryKept: 200 }), [])
    assert.deepStrictEqual(breaches(figures, { memoryGrowth: 399, memoryKept: 199 }), [
      "took 400 MiB, more than 399",
      "kept 200 MiB, more than 199"
    ])
  })

  it("is broken by an honest peer that was not served", () => {
    assert.deepStrictEqual(breaches({ pushPulls: 20, exchanged: 19 }, { everyPushPull: true }), [
      "1 of 20 push/pulls not answered in time"
    ])
    assert.deepStrictEqual(breaches({ pushPulls: 20, exchanged: 19 }, {}), [])
  })
})

describe("rest", () => {
  const looks = (...calm: ReadonlyArray<boolean>) => calm.map((isCalm, i) => ({ at: i / 2, isCalm }))

  it("begins with the first of the calm looks that lasted", () => {
    assert.strictEqual(restOf(looks(true, true)), 0)
    assert.strictEqual(restOf(looks(true, false, true, true)), 1)
    assert.strictEqual(restOf(looks(true, false)), Infinity)
    assert.strictEqual(restOf([]), Infinity)
  })

  it("is believed when it has lasted", () => {
    assert.isFalse(isSettled(looks(true, true), 1))
    assert.isTrue(isSettled(looks(true, true, true), 1))
    assert.isFalse(isSettled(looks(true, true, true, false), 1))
    assert.isFalse(isSettled([], 1))
  })
})
