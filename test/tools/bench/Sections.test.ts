import { assert, describe, it } from "@effect/vitest"
import { firstKnown, suspicionSeconds } from "../../../bench/page/Model.ts"
import type { Sample, Subject } from "../../../bench/page/Results.ts"
import { at, series, tableOf } from "../../../bench/page/Section.ts"
import { list, slope } from "../../../bench/page/Statistics.ts"
import { doOverlap, medianOf } from "../../../bench/run/parts/detection.ts"
import { growth, growths } from "../../../bench/run/parts/growth.ts"
import { quantile } from "../../../simulate/measuring/Statistics.ts"

const sample = (
  subject: Subject,
  round: number,
  figures: Record<string, number>,
  lists?: Record<string, ReadonlyArray<number>>
): Sample => ({ part: "growth", round, subject, figures, lists })

describe("figures at several sizes", () => {
  const samples = [
    sample("ours", 0, { [at("cpu", 10)]: 3, [at("cpu", 100)]: 6 }),
    sample("ours", 1, { [at("cpu", 10)]: 5, [at("cpu", 100)]: 6 }),
    sample("go", 0, { [at("cpu", 10)]: 1 }),
    sample("go", 1, { [at("cpu", 10)]: 1 })
  ]

  it("have a row for each size and subject that was measured, and the ratios below", () => {
    assert.strictEqual(
      tableOf(samples, [{ key: "cpu", title: "CPU", digits: 1 }], [10, 100], "nodes"),
      [
        "| nodes |                   |               CPU |",
        "| ----- | ----------------- | ----------------: |",
        "| 10    | effect-memberlist |     4.0 (3.0–5.0) |",
        "|       | memberlist (Go)   |               1.0 |",
        "|       | ours ÷ Go         | 4.00× (3.00–5.00) |",
        "| 100   | effect-memberlist |               6.0 |"
      ].join("\n")
    )
  })

  it("are a line of a plot for each side, with the least and the most of the rounds", () => {
    assert.deepStrictEqual(series(samples, [10, 100], "cpu"), [
      {
        name: "effect-memberlist",
        points: [{ x: 10, y: 4, low: 3, high: 5 }, { x: 100, y: 6, low: 6, high: 6 }],
        colour: 0
      },
      { name: "memberlist (Go)", points: [{ x: 10, y: 1, low: 1, high: 1 }], colour: 1 }
    ])
  })

  it("are told to be flat, to grow as a logarithm, or to grow more", () => {
    assert.deepStrictEqual([0.5, 1, 1.25, 2, 2.5, 2.51].map((times) => growth(times, 2)), [
      "falls",
      "flat",
      "flat",
      "as a logarithm, or less",
      "as a logarithm, or less",
      "**more than a logarithm**"
    ])
    assert.deepStrictEqual(growths(samples, [10, 100]), [
      ["idle, CPU a node", "effect-memberlist", "10 → 100", "1.50×", "2.00×", "as a logarithm, or less"]
    ])
  })

  it("give a node's share of what the joins cost together", () => {
    const joins = [sample("go", 0, { [at("joinCpu", 10)]: 0.9, [at("joinCpu", 100)]: 99 })]
    assert.deepStrictEqual(
      growths(joins, [10, 100]).map(([title, , , times, , verdict]) => [title, times, verdict]),
      [
        ["joining, CPU a node", "11.00×", "**more than a logarithm**"],
        ["joining, CPU a node and member that it learns of", "1.00×", "flat"]
      ]
    )
  })
})

describe("the slope of a line", () => {
  it("is the one that fits best", () => {
    assert.strictEqual(slope([[10, 25], [20, 45], [40, 85]]), 2)
    assert.closeTo(slope([[0, 0], [1, 2], [2, 1]]), 0.5, 1e-12)
  })
})

describe("seconds until a crash is known", () => {
  const values = Array.from({ length: 20 }, (_, i) => 5 + i / 10)
  const samples = [
    sample("ours", 0, {}, { first: values }),
    sample("ours", 1, {}, { first: values.map((value) => value + 2) }),
    sample("go", 0, {}, { first: [1, 2, 3] })
  ]

  it("are those of all rounds, with an interval around their median that is the same every time", () => {
    assert.strictEqual(list(samples, "ours", "first").length, 40)
    const median = medianOf(samples, "ours", "first")
    assert.closeTo(median?.value ?? 0, 6.95, 1e-9)
    assert.isBelow(median?.low ?? 0, 6.95)
    assert.isAbove(median?.high ?? 0, 6.95)
    assert.deepStrictEqual(medianOf(samples, "ours", "first"), median)
    assert.isUndefined(medianOf(samples, "before", "first"))
  })

  it("are told apart by intervals that do not touch", () => {
    const interval = (low: number, high: number) => ({ value: (low + high) / 2, low, high })
    assert.isTrue(doOverlap(interval(1, 3), interval(2, 4)))
    assert.isTrue(doOverlap(interval(1, 4), interval(2, 3)))
    assert.isTrue(doOverlap(interval(1, 2), interval(2, 3)))
    assert.isFalse(doOverlap(interval(1, 2), interval(2.1, 3)))
    assert.isFalse(doOverlap(interval(2.1, 3), interval(1, 2)))
  })
})

describe("the rules of detection alone", () => {
  it("have a suspicion last six times as long as it has to, until enough others confirm it", () => {
    assert.deepStrictEqual([0, 2, 5].map((confirmations) => suspicionSeconds(5, confirmations)), [24, 4, 4])
    assert.closeTo(suspicionSeconds(5, 1), 24 - Math.log(2) / Math.log(3) * 20, 1e-12)
    assert.strictEqual(suspicionSeconds(1000, 2), 12)
    // nobody could confirm it
    assert.strictEqual(suspicionSeconds(3, 0), 4)
  })

  it("know a crash among two when the only survivor's probe and its suspicion are over", () => {
    const known = firstKnown(2, 2000)
    // a lap of one: the probe begins within an interval, takes one, and nobody can confirm
    assert.isAtLeast(Math.min(...known), 5)
    assert.isBelow(Math.max(...known), 6)
    assert.closeTo(quantile(known, 0.5), 5.5, 0.05)
  })

  it("know a crash among five not before a failed probe and the shortest suspicion, and mostly within seven seconds", () => {
    const known = firstKnown(5, 5000)
    assert.isAtLeast(Math.min(...known), 5)
    assert.isBelow(quantile(known, 0.9), 7)
    assert.deepStrictEqual(firstKnown(5, 10), firstKnown(5, 10))
  })
})
