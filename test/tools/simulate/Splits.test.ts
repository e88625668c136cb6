import { assert, describe, it } from "@effect/vitest"
import { idOf, jobsOf, jobsUpTo, upTo } from "../../../simulate/splits/jobs.ts"
import type { Split } from "../../../simulate/splits/measure.ts"
import { one, type Run, tables, unusual } from "../../../simulate/splits/page.ts"

const large: Split = { cutOff: 300, members: 1000, seconds: 300, kind: "both", recovery: true, preset: "lan" }

/** Runs of these jobs that were whole after so many seconds. */
const whole = (jobs: ReturnType<typeof jobsOf>, wholeAfter: number): ReadonlyArray<Run> =>
  jobs.map((job) => ({ job, outcome: { wholeAfter, suspected: 0, failed: 0, healthRise: 0 } }))

/** The cells of a table's row. */
const row = (text: string, name: string) => text.split("\n").find((line) => line.startsWith(`| ${name} |`))

describe("the plan of the splits", () => {
  it("has each run once, with seeds of its own, and a fifth as many of large clusters", () => {
    const jobs = jobsUpTo(100, 10)
    assert.strictEqual(new Set(jobs.map(idOf)).size, jobs.length)
    const runs = (members: number) =>
      Math.max(...jobs.filter(({ split }) => split.members === members).map(({ seed }) => seed))
    assert.deepStrictEqual([3, 5, 10, 100].map(runs), [10, 10, 10, 2])
    assert.strictEqual(Math.max(...jobsUpTo(100, 4).map(({ seed, split }) => split.members === 100 ? seed : 0)), 1)
  })

  it("leaves out splits of more members, whatever the preset", () => {
    assert.deepStrictEqual([...new Set(jobsUpTo(3, 1).map(({ split }) => split.members))], [3])
    assert.deepStrictEqual(jobsUpTo(2, 1), [])
  })
})

describe("the tables of splits", () => {
  const small = upTo(3)
  const usual = whole(jobsUpTo(3, 2), 7)

  it("have a row for each split that was asked for", () => {
    const text = tables(usual, small)
    assert.include(row(text, "1 of 3") ?? "", "| 2 of 2, 7 s (7 s) |")
    assert.include(row(text, "1 of 3, WAN") ?? "", "| 2 of 2, 7 s (7 s) |")
    assert.notInclude(text, "2 of 5")
  })

  it("have what is kept of other splits after the others in the first table, and nowhere else", () => {
    const lines = tables([...usual, ...whole(jobsOf([large], 1), 40)], small).split("\n")
    const at = lines.findIndex((line) => line.startsWith("| 300 of 1000 |"))
    assert.match(lines[at] ?? "", /^\| 300 of 1000 \| on \|.*\| 1 of 1, 40 s \(40 s\) \|/)
    assert.match(lines[at - 1] ?? "", /^\| each of 3, alone \| off \|/)
    assert.strictEqual(lines[at + 1], "")
    assert.strictEqual(lines.filter((line) => line.includes("300 of 1000")).length, 1)
    assert.include(lines[0] ?? "", "| 60 s | 5 min | 10 min |")
  })

  it("tell a split of their own from another, however large it is", () => {
    const runs = whole([...jobsUpTo(100, 1), ...jobsOf([large], 2)], 1)
    assert.deepStrictEqual(unusual(runs).map(({ job }) => idOf(job)), [
      "300/1000/300/both/on/lan/1",
      "300/1000/300/both/on/lan/2"
    ])
  })

  it("of one split have its result and what its return cost, and of failed runs nothing", () => {
    const [result, cost] = one(whole(jobsOf([large], 1), 40), large).split("\n\n")
    assert.include(result ?? "", "| 300 of 1000 | on | 1 of 1, 40 s (40 s) |")
    assert.include(cost ?? "", "| 300 of 1000 | 5 min | 1 | 0 | 0 | 0 |")
    assert.strictEqual(one([], large).split("\n\n")[1]?.split("\n").length, 2)
  })
})
