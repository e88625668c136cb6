import { assert, describe, it } from "@effect/vitest"
import { failures, type Figures, groups, judge, missing, most, table, tolerance } from "../../../bench/guard/Judge.ts"
import { type Effort, ratio, slowed, type Work } from "../../../bench/guard/Work.ts"

const budget: Figures = {
  works: { decode: 2 },
  counts: { packets: 100 },
  import: { whole: 1 },
  bundle: { bytes: 1000 }
}

const scaled = (factor: number): Figures => ({
  works: { decode: 2 * factor },
  counts: { packets: 100 * factor },
  import: { whole: factor },
  bundle: { bytes: 1000 * factor }
})

const verdicts = (measured: Partial<Figures>) => judge(measured, budget).map(({ is }) => is)

describe("the guard's verdict", () => {
  it("is that what the budget says may be, and no more than the tolerance above it", () => {
    assert.deepStrictEqual(verdicts(budget), ["ok", "ok", "ok", "ok"])
    for (const group of groups) {
      const [[name, value] = ["", Number.NaN]] = Object.entries(budget[group])
      const limit = most(group, value) ?? Number.NaN
      assert.deepStrictEqual(verdicts({ [group]: { [name]: limit } }), ["ok"])
      assert.deepStrictEqual(verdicts({ [group]: { [name]: limit * 1.001 } }), ["high"])
    }
  })

  it("is a failure for everything that became 1.5 times as dear", () => {
    assert.deepStrictEqual(verdicts(scaled(1.5)), ["high", "high", "high", "high"])
    for (const group of groups) assert.isBelow(tolerance[group], 0.5)
  })

  it("asks for a lower budget where one would not notice that, without a failure", () => {
    const low = judge(scaled(0.6), budget)
    assert.deepStrictEqual(low.map(({ is }) => is), ["low", "low", "low", "low"])
    assert.deepStrictEqual(failures(low), [])
    assert.match(table(low), /lower the budget/)
  })

  it("is a failure for what has no budget", () => {
    const unknown = judge({ works: { encode: 1 } }, budget)
    assert.deepStrictEqual(failures(unknown).map(({ name }) => name), ["encode"])
    assert.match(table(unknown), /encode .* NOT IN THE BUDGET/)
  })

  it("names what has a budget and was not measured", () => {
    assert.deepStrictEqual(missing({ ...budget, counts: {} }, budget), ["counts: packets"])
    assert.deepStrictEqual(missing(budget, budget), [])
  })
})

describe("a work of the guard", () => {
  /** A processor on which a call takes as long as it says, and longer in most turns, because others use it too. */
  const processor = () => {
    let used = 0
    let turn = 0
    const work = (name: string, millis: number): Work => ({
      name,
      run: () => {
        used += millis * (1 + (turn++ % 5) * 0.3)
        return used
      }
    })
    return { cpu: () => used, work }
  }
  const effort: Effort = { warmupMillis: 40, turnMillis: 1, measuredMillis: 60 }
  const limit = most("works", 2) ?? Number.NaN

  it("that is made slower is done as often more, whatever the factor", () => {
    for (const [factor, calls] of [[1, 40], [1.5, 60], [2, 80], [3.25, 130]] as const) {
      let done = 0
      const { run, ...rest } = slowed({ name: "counted", warmupMillis: 7, run: () => ++done }, factor)
      assert.deepStrictEqual(rest, { name: "counted", warmupMillis: 7 })
      for (let i = 0; i < 40; i++) run()
      assert.strictEqual(done, calls)
    }
  })

  it("is told in terms of the reference, however much most turns are disturbed", () => {
    const { cpu, work } = processor()
    assert.closeTo(ratio(work("work", 2), work("reference", 1), { cpu, effort, limit }), 2, 0.01)
  })

  it("is above its limit when it is 1.5 times as slow", () => {
    const { cpu, work } = processor()
    const slow = ratio(slowed(work("work", 20), 1.5), work("reference", 10), {
      cpu,
      effort: { ...effort, turnMillis: 400 },
      limit
    })
    assert.isAbove(slow, limit)
    assert.isBelow(slow, 4)
  })

  it("has more turns while it is above its limit, and these have an end", () => {
    const turns = (limit: number) => {
      const { cpu, work } = processor()
      let done = 0
      const { run } = work("work", 2)
      ratio({ name: "counted", run: () => ++done && run() }, work("reference", 1), { cpu, effort, limit })
      return done
    }
    assert.isAbove(turns(0), 2 * turns(limit))
  })
})
