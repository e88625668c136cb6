import { assert, describe, it } from "@effect/vitest"
import * as LocalHealth from "../../../src/swim/probing/LocalHealth.ts"

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
})
