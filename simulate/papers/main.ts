/**
 * `npm run simulate:papers`: repeats the experiments of the SWIM and the Lifeguard paper with the production code in
 * virtual time, keeps what came out in `results` beside this file, and writes docs/papers.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { runAll } from "../running/Pool.ts"
import { Progress } from "../running/Progress.ts"
import { idOf, type Job, jobsOf, type Mode, type Result, type Section, sections } from "./Jobs.ts"
import { writeReport } from "./report.ts"

const usage = `npm run simulate:papers [-- options]

  --quick           a few runs, to see that it works (one or two minutes)
  --full            every run of the papers (days of computing)
  --only SECTIONS   ${sections.join(", ")}; separated by commas
  --workers N       processes, default the number of processors
  --out FOLDER      for the results and the page; default simulate/papers/results and docs/papers, with --quick
                    simulate/papers/results/quick for both
  --fresh           forget the results there are; otherwise only what is missing is run
  --report          run nothing, write the report of the results there are
`

const fail = (message: string): never => {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

const options = (() => {
  try {
    return parseArgs({
      options: {
        quick: { type: "boolean" },
        full: { type: "boolean" },
        only: { type: "string" },
        workers: { type: "string" },
        out: { type: "string" },
        fresh: { type: "boolean" },
        report: { type: "boolean" },
        help: { type: "boolean" }
      }
    }).values
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
})()

if (options.help === true) {
  process.stdout.write(usage)
  process.exit(0)
}
if (options.quick === true && options.full === true) fail("--quick and --full are different runs; give one of them")
const mode: Mode = options.quick === true ? "quick" : options.full === true ? "full" : "standard"

const isSection = (name: string): name is Section => (sections as ReadonlyArray<string>).includes(name)
const chosen = options.only === undefined ? [...sections] : options.only.split(",").map((name) => name.trim())
const unknown = chosen.filter((name) => !isSection(name))
if (unknown.length > 0) fail(`--only ${unknown.join(",")}: there is ${sections.join(", ")}`)
const workers = Number(options.workers ?? availableParallelism())
if (!Number.isInteger(workers) || workers < 1) fail(`--workers ${options.workers}: expected a whole number from 1`)

// A few runs are no reason to replace the documented ones.
const folder = options.out ?? (mode === "quick" ? "simulate/papers/results/quick" : "simulate/papers/results")
const pages = options.out ?? (mode === "quick" ? folder : "docs/papers")
for (const each of [folder, pages]) {
  try {
    mkdirSync(each, { recursive: true })
  } catch (error) {
    fail(`--out ${each}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
const file = `${folder}/runs.jsonl`
if (options.fresh === true) rmSync(file, { force: true })

/** What earlier runs left; a line that was cut short is run again. */
const readResults = (): Array<Result> => {
  if (!existsSync(file)) return []
  return readFileSync(file, "utf8").split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as Result]
    } catch {
      return []
    }
  })
}

const results = readResults()
const known = new Set(results.map(({ job }) => idOf(job)))
const missing = options.report === true
  ? []
  : jobsOf(mode, new Set(chosen.filter(isSection))).filter((job) => !known.has(idOf(job)))

const rounded = (_: string, value: unknown): unknown =>
  typeof value === "number" ? Math.round(value * 1000) / 1000 : value

const stop = new AbortController()
process.on("SIGINT", () => stop.abort())
process.on("SIGTERM", () => stop.abort())

const failures: Array<string> = []
if (missing.length > 0) {
  const progress = new Progress(missing.length)
  await runAll<Job, Result["outcome"]>({
    worker: new URL("worker.ts", import.meta.url).pathname,
    jobs: missing,
    workers,
    signal: stop.signal,
    onDone: ({ cpuSeconds, job, outcome }) => {
      const result = { job, outcome, cpuSeconds: Math.round(cpuSeconds * 10) / 10 } as unknown as Result
      const line = JSON.stringify(result, rounded)
      appendFileSync(file, `${line}\n`)
      // as they will be read next time, so that the report is the same
      results.push(JSON.parse(line) as Result)
      progress.step(idOf(job))
    },
    onFailed: (job, error) => {
      failures.push(`${idOf(job)}: ${error.message}`)
      progress.fail(idOf(job))
    }
  })
  progress.end()
}

if (stop.signal.aborted) {
  process.stderr.write(`interrupted; ${file} keeps ${results.length} results, the same command goes on from there\n`)
  process.exit(130)
}
writeReport(pages, `${folder}/tables.json`, results)
process.stdout.write(`${pages}/README.md\n`)
for (const failure of failures) process.stderr.write(`failed: ${failure}\n`)
if (failures.length > 0) process.exitCode = 1
