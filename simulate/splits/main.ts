/**
 * `npm run simulate:splits`: which splits a cluster recovers from by itself, and how fast, with recovery and without.
 * Some members are cut off from the others for a while; then nothing goes wrong for ten minutes. Writes the tables and
 * the plot of docs/recovery.md.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { runAll } from "../papers/Pool.ts"
import type { Result, Split } from "./measure.ts"
import { costs, duration, type Measured, picture, table } from "./page.ts"

const usage = `npm run simulate:splits [-- options]

  --runs N          runs of each split, each with a seed of its own, default 10 (a fifth of it with 100 members)
  --upto N          leaves out splits of more than N members, default 100
  --print           print the tables, and leave docs/recovery.md as it is
`

const fail = (message: string): never => {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

const given = (() => {
  try {
    return parseArgs({
      options: {
        runs: { type: "string", default: "10" },
        upto: { type: "string", default: "100" },
        print: { type: "boolean", default: false }
      }
    }).values
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
})()
const whole = (name: "runs" | "upto"): number => {
  const value = Number(given[name])
  return Number.isInteger(value) && value >= 1
    ? value
    : fail(`--${name} ${given[name]}: expected a whole number from 1`)
}
const runs = whole("runs")
const upto = whole("upto")

/** How many are cut off, of how many, and for how many seconds. */
const SIZES = [[1, 3], [2, 5], [3, 10], [30, 100]] as const
const SECONDS = [5, 8, 15, 30, 60, 600, 3600]
/** Large clusters take minutes a run. */
const LARGE = 100

const splits: ReadonlyArray<Split> = SIZES.filter(([, members]) => members <= upto).flatMap(([cutOff, members]) =>
  (["both", "oneway"] as const).flatMap((kind) =>
    [true, false].flatMap((recovery) =>
      SECONDS
        .filter((seconds) => (members < LARGE || (kind === "both" && seconds >= 15)) && (recovery || seconds <= 600))
        .map((seconds) => ({ cutOff, members, seconds, kind, recovery }))
    )
  )
)
const runsOf = ({ members }: Split) => members < LARGE ? runs : Math.max(1, Math.floor(runs / 5))
const jobs = splits.flatMap((split) => Array.from({ length: runsOf(split) }, (_, i) => ({ split, seed: i + 1 })))

const results = new Map<Split, Array<Result>>()
const abort = new AbortController()
process.once("SIGINT", () => abort.abort())
let done = 0
await runAll<{ readonly split: Split; readonly seed: number }, Result>({
  worker: Path.resolve(import.meta.dirname, "worker.ts"),
  jobs,
  workers: availableParallelism(),
  signal: abort.signal,
  onDone: ({ job: { split }, outcome }) => {
    const all = results.get(split) ?? []
    all.push(outcome)
    results.set(split, all)
    done++
    if (all.length < runsOf(split)) return
    const times = all.flatMap(({ wholeAfter }) => wholeAfter ?? [])
    const { cutOff, kind, members, recovery, seconds } = split
    process.stderr.write(
      `${done} of ${jobs.length} runs; ${cutOff} of ${members}${kind === "oneway" ? ", one way" : ""} for ${
        duration(seconds)
      }, recovery ${recovery ? "on" : "off"}: ${times.length} of ${all.length} whole\n`
    )
  },
  onFailed: ({ seed, split }, error) => fail(`${JSON.stringify(split)}, seed ${seed}: ${error.message}`)
})
if (abort.signal.aborted) process.exit(130)

const measured: ReadonlyArray<Measured> = splits.map((split) => ({ split, results: results.get(split) ?? [] }))
const cost = "What the return cost those who were well, in all runs with recovery, counted at every observer:"
const text = `${table(measured)}\n\n${cost}\n\n${costs(measured)}`

if (given.print) process.stdout.write(`${text}\n`)
else {
  const docs = Path.resolve(import.meta.dirname, "../../docs")
  const page = Path.join(docs, "recovery.md")
  const [before, , after] = readFileSync(page, "utf8").split(/<!-- splits -->\n|<!-- end of splits -->/)
  if (before === undefined || after === undefined) throw new Error(`${page} has no place for the tables of splits`)
  writeFileSync(page, `${before}<!-- splits -->\n\n${text}\n\n<!-- end of splits -->${after}`)
  mkdirSync(Path.join(docs, "recovery"), { recursive: true })
  writeFileSync(Path.join(docs, "recovery/splits.svg"), picture(measured))
  process.stdout.write(`${page}\n`)
}
