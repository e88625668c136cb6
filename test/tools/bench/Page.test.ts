import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import { beside, cell, page, table } from "../../../bench/page/Page.ts"
import { parts, type Results, type Sample, type Subject, subjects } from "../../../bench/page/Results.ts"

const root = Path.resolve(import.meta.dirname, "../../..")
const read = (file: string) => readFileSync(Path.join(root, file), "utf8")
const results = (name: string): Results | undefined => {
  const file = `bench/results/${name}.json`
  return existsSync(Path.join(root, file)) ? JSON.parse(read(file)) : undefined
}

const sample = (subject: Subject, round: number, figures: Record<string, number>): Sample => ({
  part: "import",
  round,
  subject,
  figures
})

const run = (samples: ReadonlyArray<Sample>): Results => ({
  at: "2030-01-02T03:04:05.000Z",
  commit: "abc1234",
  processors: "2 × X",
  memoryGB: 8,
  system: "Linux 6",
  node: "24.0.0",
  effect: "4.1.0",
  rounds: 2,
  isApart: false,
  amounts: {
    nodes: 100,
    settleSeconds: 30,
    windowSeconds: 90,
    idleSettleSeconds: 13,
    idleWindowSeconds: 45,
    reliable: 2000,
    bestEffort: 20_000,
    imports: 7
  },
  busy: [{ part: "import", round: 0, load: 1.25, used: 0.5 }],
  samples,
  failures: []
})

describe("a figure on the page", () => {
  it("is the median with its extremes, or alone when they are shown the same", () => {
    assert.strictEqual(cell({ median: 2, min: 1, max: 5, rounds: 3 }, 1), "2.0 (1.0–5.0)")
    assert.strictEqual(cell({ median: 2, min: 1.99, max: 2.01, rounds: 3 }, 1, "×"), "2.0×")
    assert.strictEqual(cell(undefined, 1), "–")
  })
})

describe("a table of the benchmark", () => {
  it("has a row for each subject that was measured, and their ratios", () => {
    const samples = [
      sample("ours", 0, { cpu: 300, resident: 100 }),
      sample("ours", 1, { cpu: 330, resident: 100 }),
      sample("go", 0, { cpu: 3, resident: 10 }),
      sample("go", 1, { cpu: 3, resident: 10 })
    ]
    assert.strictEqual(
      table(samples, "import"),
      [
        "|                   |                  CPU ms | resident, MB |",
        "| ----------------- | ----------------------: | -----------: |",
        "| effect-memberlist |           315 (300–330) |        100.0 |",
        "| memberlist (Go)   |                       3 |         10.0 |",
        "| ours ÷ Go         | 105.00× (100.00–110.00) |       10.00× |"
      ].join("\n")
    )
  })

  it("is left out when nothing of it was measured", () => assert.isUndefined(table([], "steady")))
})

describe("the page of benchmarks", () => {
  it("has an earlier run's figures beside it, without ratios of rounds that were no pairs", () => {
    const now = run([sample("ours", 0, { cpu: 100 })])
    const before = run([sample("ours", 0, { cpu: 200 }), sample("go", 0, { cpu: 5 })])
    assert.deepStrictEqual(
      beside(now, before).map(({ figures, subject }) => [subject, figures["cpu"]]),
      [["ours", 100], ["before", 200]]
    )
    const text = page(now, before)
    assert.match(text, /effect-memberlist, before +\| +200 /)
    assert.notMatch(text, /ours ÷ before/)
  })

  it("tells failures, and that Go was not there", () => {
    const text = page({ ...run([sample("ours", 0, { cpu: 1 })]), failures: ["idle, round 1: a reason"] })
    assert.include(text, "Failed: idle, round 1: a reason")
    assert.match(text, /Go +\| not there/)
  })

  it("is what the results in the repository say (if not: npm exec -- node bench/write-page.ts)", () => {
    const [now, before] = [results("now"), results("before")].filter((each) => each !== undefined)
    assert.isDefined(now)
    if (now !== undefined) assert.strictEqual(read("docs/benchmarks.md"), page(now, before))
  })

  it("has results of every part and subject in the repository", () => {
    const before = results("before")
    const measured = before?.samples ?? []
    assert.deepStrictEqual(parts.filter((part) => !measured.some((each) => each.part === part)), [])
    assert.deepStrictEqual(
      subjects.filter((subject) => subject !== "before" && !measured.some((each) => each.subject === subject)),
      []
    )
    assert.deepStrictEqual(before?.failures, [])
  })
})
