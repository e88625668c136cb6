import { assert, describe, it } from "@effect/vitest"
import type { Sample, Subject } from "../../../bench/page/Results.ts"
import { figure, ratio, spread } from "../../../bench/page/Statistics.ts"

const sample = (subject: Subject, round: number, cpu: number): Sample => ({
  part: "steady",
  round,
  subject,
  figures: { cpu }
})

describe("the spread of rounds", () => {
  it("is the median with the least and the most", () => {
    assert.deepStrictEqual(spread([5, 1, 2]), { median: 2, min: 1, max: 5, rounds: 3 })
    assert.deepStrictEqual(spread([4, 1, 2, 10]), { median: 3, min: 1, max: 10, rounds: 4 })
    assert.deepStrictEqual(spread([7]), { median: 7, min: 7, max: 7, rounds: 1 })
  })

  it("of nothing is nothing", () => assert.isUndefined(spread([])))

  it("is one subject's and one figure's", () => {
    const samples: ReadonlyArray<Sample> = [
      sample("ours", 0, 2),
      sample("ours", 1, 4),
      sample("go", 0, 100)
    ]
    assert.deepStrictEqual(figure(samples, "ours", "cpu"), { median: 3, min: 2, max: 4, rounds: 2 })
    assert.isUndefined(figure(samples, "ours", "resident"))
    assert.isUndefined(figure(samples, "bare", "cpu"))
  })
})

describe("the ratio of two subjects", () => {
  it("is taken in each round, so that a busy round counts for both", () => {
    const samples = [
      sample("ours", 0, 20),
      sample("go", 0, 10),
      sample("ours", 1, 300),
      sample("go", 1, 100),
      sample("ours", 2, 8),
      sample("go", 2, 2)
    ]
    assert.deepStrictEqual(ratio(samples, "cpu", ["ours", "go"]), { median: 3, min: 2, max: 4, rounds: 3 })
  })

  it("leaves out rounds without a pair, and those whose divisor is 0", () => {
    const samples = [sample("ours", 0, 20), sample("go", 1, 10), sample("ours", 2, 3), sample("go", 2, 0)]
    assert.isUndefined(ratio(samples, "cpu", ["ours", "go"]))
  })
})
