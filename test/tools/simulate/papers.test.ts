import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { plot } from "../../../simulate/drawing/Plot.ts"
import { configurations, settingsOf } from "../../../simulate/measuring/Configuration.ts"
import { sample, seeded } from "../../../simulate/measuring/Seeded.ts"
import { bootstrap, mean, quantile } from "../../../simulate/measuring/Statistics.ts"
import { idOf, jobsOf, sections } from "../../../simulate/papers/Jobs.ts"
import * as Paper from "../../../simulate/papers/Paper.ts"
import { load } from "../../../simulate/papers/Swim.ts"

const all = new Set(sections)

/** Runs the command; its exit code, and what it printed. */
const papers = (...args: ReadonlyArray<string>) => {
  try {
    const command = ["--conditions=effect-memberlist-source", "simulate/papers/main.ts", ...args]
    return { code: 0, output: execFileSync(process.execPath, command, { encoding: "utf8", stdio: "pipe" }) }
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: string }
    return { code: status, output: stderr }
  }
}

describe("the plan of the papers' experiments", () => {
  it("in full is the papers' grid: 4,320 Interval runs of each configuration", () => {
    const jobs = jobsOf("full", new Set(["table4"]))
    for (const configuration of configurations.slice(0, 5)) {
      const runs = jobs.filter((job) => job.kind === "interval" && job.configuration === configuration)
      assert.strictEqual(runs.length, 4320)
    }
  })

  it("has each run once, and the same cells in every configuration", () => {
    const jobs = jobsOf("standard", all)
    assert.strictEqual(new Set(jobs.map(idOf)).size, jobs.length)
    const tables = jobsOf("standard", new Set(sections.filter((section) => section !== "processing")))
    const cells = (name: string) =>
      tables.flatMap((job) =>
        job.kind === "interval" && job.configuration === name && job.alpha === 5 && job.beta === 6
          ? [`${job.slow}/${job.duration}/${job.interval}`]
          : []
      )
    for (const name of configurations.slice(1, 5)) assert.deepStrictEqual(cells(name), cells("SWIM"))
  })

  it("with slow agents has the same runs of SWIM and of LHA-Probe, each beside one without", () => {
    const ids = (name: string) =>
      jobsOf("standard", new Set(["processing"])).flatMap((job) =>
        "configuration" in job && job.configuration === name ? [idOf(job).replace(name, "")] : []
      )
    assert.deepStrictEqual(ids("LHA-Probe"), ids("SWIM"))
    const cell = (id: string) => id.split("/").slice(4, 8).join("/")
    const [slow, alone] = [true, false].map((processed) =>
      new Set(ids("SWIM").filter((id) => id.startsWith("processing") === processed).map(cell))
    )
    assert.deepStrictEqual(slow, alone)
  })

  it("gives the baseline nothing of Lifeguard, and the default profile nothing of the paper's", () => {
    const swim = settingsOf({ configuration: "SWIM", alpha: 5, beta: 6 })
    assert.deepInclude(swim, { suspicionMaxTimeoutMult: 1, awarenessMaxMultiplier: 1, buddySystem: false })
    const ours = settingsOf({ configuration: "Lifeguard (memberlist)", alpha: 4, beta: 6 })
    assert.deepStrictEqual(ours, { suspicionMult: 4, suspicionMaxTimeoutMult: 6, recovery: false })
    const recovery = settingsOf({ configuration: "Lifeguard (recovery)", alpha: 4, beta: 6 })
    assert.deepStrictEqual(recovery, { ...ours, recovery: true })
  })

  it("knows the papers' numbers: each row of Figure 2 adds up to Table IV", () => {
    for (const [name, [total]] of Object.entries(Paper.table4)) {
      assert.strictEqual(Paper.figure2[name]?.reduce((sum, n) => sum + n, 0), total)
    }
  })
})

describe("an experiment", () => {
  it("gives the same numbers each time: two messages a period, as in SWIM's paper", () => {
    const first = load(8)
    assert.deepStrictEqual(load(8), first)
    assert.closeTo(mean(first.quiet), Paper.swim.load, 0.05)
  })
})

describe("statistics", () => {
  it("draw the same interval from the same runs, around the estimate", () => {
    const runs = Array.from({ length: 50 }, (_, i) => i)
    const estimate = () => bootstrap([runs], ([drawn]) => mean(drawn ?? []), "seed")
    const { high, low, value } = estimate()
    assert.deepStrictEqual(estimate(), { high, low, value })
    assert.strictEqual(value, 24.5)
    assert.isTrue(low > 18 && low < 24.5 && high > 24.5 && high < 31)
  })

  it("interpolate quantiles, and have none of nothing", () => {
    assert.strictEqual(quantile([4, 1, 3, 2], 0.5), 2.5)
    assert.isNaN(quantile([], 0.5))
  })

  it("sample without repetition, by seed", () => {
    const list = [1, 2, 3, 4, 5, 6]
    assert.deepStrictEqual(sample(list, 6, seeded("a")).toSorted(), list)
    assert.deepStrictEqual(sample(list, 3, seeded("a")), sample(list, 3, seeded("a")))
    assert.notDeepEqual(sample(list, 3, seeded("a")), sample(list, 3, seeded("b")))
  })
})

describe("a plot", () => {
  it("leaves out what has no place on a logarithmic scale, and escapes what it writes", () => {
    const points = [{ x: 1, y: 0 }, { x: 10, y: 100 }, { x: 100, y: NaN }]
    const svg = plot({ title: "a < b", x: "x", y: "y", logX: true, logY: true, series: [{ name: "n & m", points }] })
    assert.include(svg, "a &lt; b")
    assert.include(svg, "n &amp; m")
    assert.strictEqual(svg.split("r=\"3\"").length - 1, 1)
    assert.notInclude(svg, "NaN")
  })
})

describe("the command", () => {
  for (
    const [what, args, said] of [
      ["an unknown section", ["--only", "table9"], "table9"],
      ["two sizes at once", ["--quick", "--full"], "--quick and --full"]
    ] as const
  ) {
    it(`refuses ${what} before anything runs`, () => {
      const { code, output } = papers(...args)
      assert.strictEqual(code, 2)
      assert.include(output, said)
    })
  }

  it("writes the report of the results there are, and survives a line that was cut short", () => {
    const folder = mkdtempSync(join(tmpdir(), "papers-"))
    try {
      const job = { kind: "load", members: 8 }
      const outcome = { quiet: [2, 2], failing: [2, 3], bytesPerMessage: 44 }
      writeFileSync(join(folder, "runs.jsonl"), `${JSON.stringify({ job, outcome })}\n{"job":{"kind":"lo`)
      assert.strictEqual(papers("--report", "--out", folder).code, 0)
      const report = readFileSync(join(folder, "README.md"), "utf8").replaceAll(/ +/g, " ")
      assert.include(report, "| 8 | 2 | 2 | 1 | 2.5 | 44 |")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
