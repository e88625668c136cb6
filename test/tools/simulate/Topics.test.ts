import { assert, describe, it } from "@effect/vitest"
import { type Job, measure, type Way } from "../../../simulate/topics/measure.ts"
import { chart, tables } from "../../../simulate/topics/page.ts"

const jobOf = (way: Way): Job => ({ way, members: 6, loss: 0, churn: false, seed: 1 })

describe("the measurement of topics", () => {
  const measured = (["topic", "repeated", "broadcast"] as const).map((way) => ({
    job: jobOf(way),
    outcome: measure(jobOf(way))
  }))
  const [topic, repeated, broadcast] = measured.map(({ outcome }) => outcome)

  it("finds every message at every member, at one payload each, by a topic alone", () => {
    assert.deepStrictEqual([topic?.messages, topic?.complete, topic?.coverage, topic?.copies], [20, 20, 1, 1])
    assert.isAbove(repeated?.copies ?? 0, 2)
    assert.isBelow(broadcast?.coverage ?? 1, 1)
    assert.isBelow(topic?.last ?? Infinity, 2 * (repeated?.last ?? 0))
  })

  it("is told in a table, with a row for each way, and in a plot", () => {
    const lines = tables(measured).split("\n")
    assert.strictEqual(lines[0], "6 members, calm, nothing lost, 1 run:")
    assert.strictEqual(lines.filter((line) => line.startsWith("|")).length, 5)
    assert.match(lines[4] ?? "", /^\| topic +\| +20 of 20 \| 100\.00 % \| +1\.00 \|/)
    assert.deepStrictEqual(chart(measured).series.map(({ name }) => name), [
      "topic, 0 % lost",
      "repeated gossip, 0 % lost"
    ])
  })
})
