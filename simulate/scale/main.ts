/**
 * `npm run simulate:scale`: what one node costs as the cluster grows, and how fast news travels, in virtual time; writes
 * docs/scale.md. What was measured is kept in `results` beside this file. Sizes as arguments, default 10, 100 and 1,000.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { plot } from "../drawing/Plot.ts"
import { runAll } from "../running/Pool.ts"
import { Progress } from "../running/Progress.ts"
import type { Scale } from "./measure.ts"
import { charts, report } from "./report.ts"

const usage = `npm run simulate:scale [-- options] [sizes]

  sizes             members, default 10 32 100 316 1000
  --seconds N       virtual seconds of quiet, at least, that the cost is measured over, default 60
  --out FILE        default docs/scale.md, with the results in simulate/scale/results; plots go into a folder of that
                    name, and so do the results with this option
  --fresh           forget the results there are; otherwise only missing sizes are run
`

const fail = (message: string): never => {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

const { positionals, values } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: "string", default: "60" },
        out: { type: "string" },
        fresh: { type: "boolean" }
      }
    })
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
})()

const sizes = positionals.length === 0 ? [10, 32, 100, 316, 1000] : positionals.map(Number)
const seconds = Number(values.seconds)
if (!sizes.every((size) => Number.isInteger(size) && size >= 4 && size <= 10_000)) {
  fail(`sizes ${positionals.join(" ")}: expected whole numbers from 4 to 10000`)
}
if (!Number.isInteger(seconds) || seconds < 1) fail(`--seconds ${values.seconds}: expected a whole number from 1`)
const page = values.out ?? "docs/scale.md"
if (!page.endsWith(".md")) fail(`--out ${page}: expected the name of a Markdown file`)

const folder = page.slice(0, -".md".length)
const data = values.out === undefined ? "simulate/scale/results" : folder
for (const each of [folder, data]) {
  try {
    mkdirSync(each, { recursive: true })
  } catch (error) {
    fail(`--out ${page}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
const file = `${data}/sizes.jsonl`
if (values.fresh === true) rmSync(file, { force: true })

const results = new Map<number, Scale>()
if (existsSync(file)) {
  for (const line of readFileSync(file, "utf8").split("\n").filter((line) => line.endsWith("}"))) {
    const result = JSON.parse(line) as Scale
    results.set(result.members, result)
  }
}

const stop = new AbortController()
process.on("SIGINT", () => stop.abort())
process.on("SIGTERM", () => stop.abort())
const missing = sizes.filter((size) => !results.has(size)).map((members) => ({ members, seconds }))
const progress = new Progress(missing.length)
const failures: Array<string> = []
// One after the other, or they would spoil each other's processor times.
await runAll<{ readonly members: number; readonly seconds: number }, Scale>({
  worker: new URL("worker.ts", import.meta.url).pathname,
  jobs: missing,
  workers: 1,
  signal: stop.signal,
  onDone: ({ outcome }) => {
    results.set(outcome.members, outcome)
    appendFileSync(file, `${JSON.stringify(outcome, (_, value: unknown) => value === Infinity ? null : value)}\n`)
    progress.step(`${outcome.members} members`)
  },
  onFailed: ({ members }, error) => {
    failures.push(`${members} members: ${error.message}`)
    progress.fail(`${members} members`)
  }
})
progress.end()
if (stop.signal.aborted) {
  process.stderr.write(`interrupted; ${file} keeps ${results.size} sizes, the same command goes on from there\n`)
  process.exit(130)
}
const sorted = [...results.values()].sort((a, b) => a.members - b.members)
writeFileSync(page, report(sorted, folder.split("/").pop() ?? "scale"))
for (const [name, chart] of charts(sorted)) writeFileSync(`${folder}/${name}`, plot(chart))
process.stdout.write(`${page}\n`)
for (const failure of failures) process.stderr.write(`failed: ${failure}\n`)
if (failures.length > 0) process.exitCode = 1
