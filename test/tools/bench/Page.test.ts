import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import { beside, page } from "../../../bench/page/Page.ts"
import {
  merged,
  type Part,
  parts,
  type Results,
  type Run,
  type Sample,
  type Subject,
  subjects
} from "../../../bench/page/Results.ts"
import { atMost, atMostAbove, atMostTimes, cell, table, type Target, where } from "../../../bench/page/Section.ts"
import * as Files from "../../../bench/run/Files.ts"
import { definitions } from "../../../bench/run/Parts.ts"

const root = Path.resolve(import.meta.dirname, "../../..")
const read = (file: string) => readFileSync(Path.join(root, file), "utf8")
const results = (name: string): Results | undefined => {
  const file = `bench/results/${name}.json`
  return existsSync(Path.join(root, file)) ? Files.read(Path.join(root, file)) : undefined
}

const sample = (subject: Subject, round: number, figures: Record<string, number>): Sample => ({
  part: "import",
  round,
  subject,
  figures
})

const run = (samples: ReadonlyArray<Sample>): Run => ({
  part: "import",
  at: "2030-01-02T03:04:05.000Z",
  commit: "abc1234",
  processors: "2 × X",
  memoryGB: 8,
  system: "Linux 6",
  node: "24.0.0",
  effect: "4.1.0",
  rounds: 2,
  isQuick: false,
  isApart: false,
  amounts: {
    nodes: 100,
    settleSeconds: 30,
    windowSeconds: 90,
    sizes: [10, 100],
    growthWindowSeconds: 60,
    processes: [5],
    idleSettleSeconds: 13,
    idleWindowSeconds: 45,
    kills: 20,
    reliable: 2000,
    bestEffort: 20_000,
    imports: 7,
    simulations: [[128, 120]]
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
      table(samples, definitions.import.section.figures),
      [
        "|                   |                  CPU ms | resident, MB |",
        "| ----------------- | ----------------------: | -----------: |",
        "| effect-memberlist |           315 (300–330) |        100.0 |",
        "| memberlist (Go)   |                       3 |         10.0 |",
        "| ours ÷ Go         | 105.00× (100.00–110.00) |       10.00× |"
      ].join("\n")
    )
  })

  it("is left out when nothing of it was measured", () =>
    assert.isUndefined(table([], definitions.import.section.figures)))
})

const judged = (target: Target, samples: ReadonlyArray<Sample>) => target.judge(run(samples))

describe("a target of the benchmark", () => {
  const demand = { work: "x", key: "cpu", digits: 1, unit: "s" }
  const samples = [
    sample("ours", 0, { cpu: 10 }),
    sample("ours", 1, { cpu: 30 }),
    sample("go", 0, { cpu: 10 }),
    sample("go", 1, { cpu: 20 }),
    sample("effect", 0, { cpu: 4 }),
    sample("effect", 1, { cpu: 40 })
  ]

  it("is met when the median of the rounds' ratios is at most what is demanded", () => {
    const verdict = { ours: "20.0 s", beside: "15.0 s", ratio: "1.25× (1.00–1.50)" }
    assert.deepStrictEqual(judged(atMostTimes(1.25, "go", demand), samples), { ...verdict, isMet: true })
    assert.deepStrictEqual(judged(atMostTimes(1.24, "go", demand), samples), { ...verdict, isMet: false })
  })

  it("may be a figure by itself, or what it is above another", () => {
    assert.deepStrictEqual(judged(atMost(19, demand), samples), {
      ours: "20.0 (10.0–30.0) s",
      beside: "15.0 s",
      ratio: "1.25× (1.00–1.50)",
      isMet: false
    })
    assert.deepStrictEqual(judged(atMostAbove(0, "effect", demand), samples), {
      ours: "20.0 s",
      beside: "22.0 s",
      ratio: "−2.0 (−10.0–6.0) s",
      isMet: true
    })
  })

  it("is not decided by a run with other amounts than it is about", () => {
    const target = where(({ nodes }) => nodes === 99, atMost(19, demand))
    assert.isUndefined(judged(target, samples))
    assert.isFalse(judged(where(({ nodes }) => nodes === 100, atMost(19, demand)), samples)?.isMet)
  })

  it("is not decided by what was not measured", () => {
    assert.isUndefined(judged(atMostTimes(1, "bare", demand), samples))
    assert.isUndefined(judged(atMost(1, demand), []))
    assert.isUndefined(judged(atMostAbove(1, "bare", demand), samples))
  })
})

describe("results of several runs", () => {
  const of = (part: Part, cpu: ReadonlyArray<number>): Run => ({
    ...run(cpu.map((value, round) => ({ ...sample("ours", round, { cpu: value }), part }))),
    part
  })
  const cpu = ({ runs }: Results) =>
    runs.map(({ part, samples }) => [part, ...samples.map((each) => each.figures["cpu"])])

  it("keep the parts that a newer run did not measure, in the parts' order", () => {
    const older = { runs: [of("import", [1]), of("steady", [2, 3])] }
    const newer = { runs: [of("import", [4]), of("idle", [5])] }
    assert.deepStrictEqual(cpu(merged(older, newer)), [["steady", 2, 3], ["idle", 5], ["import", 4]])
  })

  it("keep a part that a newer run failed to measure", () => {
    const older = { runs: [of("idle", [1])] }
    assert.deepStrictEqual(cpu(merged(older, { runs: [of("idle", [])] })), [["idle", 1]])
    assert.deepStrictEqual(cpu(merged({ runs: [] }, { runs: [of("idle", [])] })), [["idle"]])
  })
})

describe("the page of benchmarks", () => {
  it("has an earlier run's figures beside it, without ratios of rounds that were no pairs", () => {
    const now = run([sample("ours", 0, { cpu: 100 })])
    const before = run([sample("ours", 0, { cpu: 200 }), sample("go", 0, { cpu: 5 })])
    assert.deepStrictEqual(
      beside(now, before).map(({ figures, subject }) => [subject, figures["cpu"]]),
      [["ours", 100], ["before", 200]]
    )
    const { text } = page({ runs: [now] }, { runs: [before] })
    assert.match(text, /effect-memberlist, before +\| +200 /)
    assert.notMatch(text, /ours ÷ before/)
  })

  it("keeps the parts that only the earlier run measured", () => {
    const idle: Sample = { part: "idle", round: 0, subject: "ours", figures: { cpu: 7 } }
    const { text } = page({ runs: [run([sample("ours", 0, { cpu: 100 })])] }, {
      runs: [{ ...run([idle]), part: "idle", commit: "def5678" }]
    })
    assert.match(text, /\| effect-memberlist \| +7\.00 \|/)
    assert.match(text, /\| commit +\| def5678 \(idle\); abc1234 \(import\) /)
    assert.notInclude(text, "effect-memberlist, before")
  })

  it("begins with the targets, those that are missed and those that nothing was measured for as well", () => {
    const idle = (subject: Subject, cpu: number): Sample => ({ part: "idle", round: 0, subject, figures: { cpu } })
    const { text } = page({ runs: [{ ...run([idle("ours", 6), idle("go", 2)]), part: "idle" }] })
    assert.match(
      text,
      /\| five processes, idle +\| ≤ 1 × Go +\| 6.00 ms of CPU a second \| 2.00 ms of CPU a second \| 3.00× \| \*\*no\*\* /
    )
    assert.match(
      text,
      /\| reliable message of 1,000 bytes +\| ≤ 2 × bare Node.js +\| – +\| – +\| – +\| not measured \|/
    )
  })

  it("does not take a quick look for a claim", () => {
    const idle = (subject: Subject, cpu: number): Sample => ({ part: "idle", round: 0, subject, figures: { cpu } })
    const { text } = page({ runs: [{ ...run([idle("ours", 1), idle("go", 2)]), part: "idle", isQuick: true }] })
    assert.match(text, /\| five processes, idle .*\| yes, at a quick look \|/)
    assert.include(text, "A quick look: shorter windows")
  })

  it("tells of parts that were measured at different times", () => {
    const first = { ...run([sample("ours", 0, { cpu: 1 })]), part: "idle" as const }
    const second = { ...run([sample("ours", 0, { cpu: 1 })]), commit: "def5678", at: "2030-02-03T00:00:00.000Z" }
    const { text } = page({ runs: [first, second] })
    assert.match(text, /\| commit +\| abc1234 \(idle\); def5678 \(import\) /)
    assert.include(text, "Measured on 2030-02-03, commit def5678, 2 rounds.")
  })

  it("tells failures, and that Go was not there", () => {
    const { text } = page({
      runs: [{ ...run([sample("ours", 0, { cpu: 1 })]), failures: ["import, round 1: a reason"] }]
    })
    assert.include(text, "Failed: import, round 1: a reason")
    assert.match(text, /Go +\| not there/)
  })

  it("is what the results in the repository say (if not: npm exec -- node bench/write-page.ts)", () => {
    const [now, before] = [results("now"), results("before")].filter((each) => each !== undefined)
    assert.isDefined(now)
    if (now === undefined) return
    const { plots, text } = page(now, before)
    assert.strictEqual(read("docs/benchmarks.md"), text)
    const folder = Path.join(root, "docs/benchmarks")
    const drawn = existsSync(folder) ? readdirSync(folder) : []
    assert.deepStrictEqual(drawn.toSorted(), [...plots.keys()].toSorted())
    for (const [name, svg] of plots) assert.strictEqual(read(`docs/benchmarks/${name}`), svg)
  })

  it("has results of every part and subject in the repository", () => {
    const runs = [results("now"), results("before")].flatMap((each) => each?.runs ?? [])
    const measured = runs.flatMap(({ samples }) => samples)
    assert.deepStrictEqual(parts.filter((part) => !measured.some((each) => each.part === part)), [])
    assert.deepStrictEqual(
      subjects.filter((subject) => subject !== "before" && !measured.some((each) => each.subject === subject)),
      []
    )
    // large clusters of Go that did not agree in time are told on the page, as what they are
    const isGo = (failure: string) => /^growth, round \d+: (go, \d+ nodes: [^;]*(; |$))+$/.test(failure)
    assert.deepStrictEqual(runs.flatMap(({ failures }) => failures).filter((failure) => !isGo(failure)), [])
  })
})
