/**
 * `npm run simulate:hard`: the two hard cases of the Rapid paper, which one member of a hundred with a bad network makes:
 * whether the others notice it, and whether anybody else suffers. What was measured is kept in `results` beside this file.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { runAll } from "../running/Pool.ts"
import { Progress } from "../running/Progress.ts"
import { type Case, cases, type Job, type Profile, profiles, type Result } from "./measure.ts"
import { type Measured, tables } from "./page.ts"

const usage = `npm run simulate:hard [-- options]

  --only CASES      ${Object.keys(cases).join(", ")}; separated by commas
  --profiles NAMES  ${Object.keys(profiles).join(", ")}; separated by commas
  --members SIZES   default 100; separated by commas (1000: ten minutes and 3 GB each run)
  --runs N          runs of each, with seeds of their own, default 5
  --seconds N       virtual seconds from the beginning of the fault, default 200
  --workers N       processes, default the number of processors
  --fresh           forget the results there are; otherwise only what is missing is run
  --write           write the tables of all results there are into docs/hard-cases.md; otherwise those asked for are printed
`

const fail = (message: string): never => {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

const given = (() => {
  try {
    return parseArgs({
      options: {
        only: { type: "string", default: Object.keys(cases).join() },
        profiles: { type: "string", default: Object.keys(profiles).join() },
        members: { type: "string", default: "100" },
        runs: { type: "string", default: "5" },
        seconds: { type: "string", default: "200" },
        workers: { type: "string", default: String(availableParallelism()) },
        fresh: { type: "boolean", default: false },
        write: { type: "boolean", default: false },
        help: { type: "boolean", default: false }
      }
    }).values
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
})()
if (given.help) {
  process.stdout.write(usage)
  process.exit(0)
}
const whole = (option: string, value: string, least: number, most: number): number => {
  const number = Number(value)
  return Number.isInteger(number) && number >= least && number <= most
    ? number
    : fail(`--${option} ${value}: expected a whole number from ${least} to ${most}`)
}
const named = <Name extends string>(option: string, value: string, known: Readonly<Record<Name, string>>) => {
  const isKnown = (name: string): name is Name => Object.hasOwn(known, name)
  const names = value.split(",").map((name) => name.trim())
  const unknown = names.filter((name) => !isKnown(name))
  if (unknown.length > 0) fail(`--${option} ${unknown.join()}: there is ${Object.keys(known).join(", ")}`)
  return names.filter(isKnown)
}
const only: ReadonlyArray<Case> = named("only", given.only, cases)
const chosen: ReadonlyArray<Profile> = named("profiles", given.profiles, profiles)
const sizes = given.members.split(",").map((size) => whole("members", size, 10, 10_000))
const runs = whole("runs", given.runs, 1, 1_000)
const seconds = whole("seconds", given.seconds, 1, 3_600)
const workers = whole("workers", given.workers, 1, 256)

const data = Path.resolve(import.meta.dirname, "results")
const file = Path.join(data, "runs.jsonl")
mkdirSync(data, { recursive: true })
if (given.fresh) rmSync(file, { force: true })

/** What earlier runs left; a line that was cut short is run again. */
const measured: Array<Measured> = existsSync(file)
  ? readFileSync(file, "utf8").split("\n").flatMap((line) => {
    try {
      return line === "" ? [] : [JSON.parse(line) as Measured]
    } catch {
      return []
    }
  })
  : []

const idOf = ({ hard, members, profile, seconds, seed }: Job) => [hard, profile, members, seconds, seed].join("/")
const wanted = sizes.flatMap((members) =>
  only.flatMap((hard) =>
    Array.from(
      { length: runs },
      (_, i) => chosen.map((profile): Job => ({ hard, profile, members, seconds, seed: i + 1 }))
    ).flat()
  )
)
const known = new Set(measured.map(({ job }) => idOf(job)))
const missing = wanted.filter((job) => !known.has(idOf(job)))

const rounded = (_: string, value: unknown): unknown =>
  typeof value === "number" ? Math.round(value * 1000) / 1000 : value

const stop = new AbortController()
process.once("SIGINT", () => stop.abort())
process.once("SIGTERM", () => stop.abort())
const failures: Array<string> = []
if (missing.length > 0) {
  const progress = new Progress(missing.length)
  await runAll<Job, Result>({
    worker: Path.resolve(import.meta.dirname, "worker.ts"),
    jobs: missing,
    workers,
    signal: stop.signal,
    onDone: ({ cpuSeconds, job, outcome }) => {
      const line = JSON.stringify({ job, outcome, cpuSeconds }, rounded)
      appendFileSync(file, `${line}\n`)
      // as it will be read next time, so that the page is the same
      measured.push(JSON.parse(line) as Measured)
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
  process.stderr.write(`interrupted; ${file} keeps what is done, the same command goes on from there\n`)
  process.exit(130)
}

if (given.write) {
  const docs = Path.resolve(import.meta.dirname, "../../docs")
  const page = Path.join(docs, "hard-cases.md")
  const [before, , after] = readFileSync(page, "utf8").split(/<!-- measured -->\n|<!-- end of what was measured -->/)
  if (before === undefined || after === undefined) throw new Error(`${page} has no place for the tables`)
  const parts = [before, "<!-- measured -->\n\n", tables(measured), "\n\n<!-- end of what was measured -->", after]
  writeFileSync(page, parts.join(""))
  process.stdout.write(`${page}\n`)
} else {
  const ids = new Set(wanted.map(idOf))
  process.stdout.write(`${tables(measured.filter(({ job }) => ids.has(idOf(job))))}\n`)
}
for (const failure of failures) process.stderr.write(`failed: ${failure}\n`)
if (failures.length > 0) process.exitCode = 1
