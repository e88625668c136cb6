/**
 * `npm run simulate:splits`: which splits a cluster recovers from by itself, and how fast, with recovery and without.
 * Some members are cut off from the others for a while; then nothing goes wrong for ten minutes. The tables and the plot of
 * docs/recovery.md.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { runAll } from "../running/Pool.ts"
import type { Result, Split } from "./measure.ts"
import { costs, duration, type Measured, picture, table, whatOf } from "./page.ts"

const usage = `npm run simulate:splits [-- options]

  --runs N          runs of each split, each with a seed of its own, default 10 (a fifth of it with 100 members)
  --upto N          leaves out splits of more than N members, default 100
  --only C/N/S      one split with recovery: C of N members are cut off for S seconds; its result is printed
  --preset NAME     of the split given by --only: lan, wan or local, default lan
  --write           write the tables and the plot into docs/recovery.md; otherwise they are printed
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
        only: { type: "string" },
        preset: { type: "string", default: "lan" },
        write: { type: "boolean", default: false }
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
/** Of these, all are cut off from one another, as when their switch starts again. */
const ALONE = [3, 10] as const
const SECONDS = [5, 8, 15, 30, 60, 600, 3600]
/** Large clusters take minutes a run. */
const LARGE = 100

const PRESETS = ["lan", "wan", "local"] as const
const isPreset = (text: string): text is Split["preset"] => PRESETS.some((preset) => preset === text)
const one = (text: string): Split => {
  const [cutOff = 0, members = 0, seconds = 0, ...rest] = text.split("/").map(Number)
  const { preset } = given
  if (!isPreset(preset)) return fail(`--preset ${preset}: expected ${PRESETS.join(", ")}`)
  return rest.length === 0 && [cutOff, members, seconds].every((n) => Number.isInteger(n) && n >= 1) && cutOff < members
    ? { cutOff, members, seconds, kind: "both", recovery: true, preset }
    : fail(`--only ${text}: expected as 3/10/600: three of ten for 600 seconds`)
}

const lan: ReadonlyArray<Split> = SIZES.filter(([, members]) => members <= upto).flatMap(([cutOff, members]) =>
  (["both", "oneway"] as const).flatMap((kind) =>
    [true, false].flatMap((recovery) =>
      SECONDS
        .filter((seconds) => (members < LARGE || (kind === "both" && seconds >= 15)) && (recovery || seconds <= 600))
        .map((seconds) => ({ cutOff, members, seconds, kind, recovery, preset: "lan" as const }))
    )
  )
)
const alone: ReadonlyArray<Split> = ALONE.filter((members) => members <= upto).flatMap((members) =>
  [true, false].flatMap((recovery) =>
    SECONDS
      .filter((seconds) => recovery || seconds <= 600)
      .map((seconds) => ({
        cutOff: members,
        members,
        seconds,
        kind: "alone" as const,
        recovery,
        preset: "lan" as const
      }))
  )
)
const others: ReadonlyArray<Split> = (["wan", "local"] as const).flatMap((preset) =>
  SIZES.filter(([, members]) => members <= Math.min(upto, 10)).flatMap(([cutOff, members]) =>
    SECONDS.filter((seconds) => seconds >= 15).map((seconds) => ({
      cutOff,
      members,
      seconds,
      kind: "both" as const,
      recovery: true,
      preset
    }))
  )
)
const splits = given.only === undefined ? [...lan, ...alone, ...others] : [one(given.only)]
const runsOf = ({ members }: Split) =>
  members < LARGE || given.only !== undefined ? runs : Math.max(1, Math.floor(runs / 5))
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
    const { preset, recovery, seconds } = split
    process.stderr.write(
      `${done} of ${jobs.length} runs; ${preset}, ${whatOf(split)} for ${duration(seconds)}, recovery ${
        recovery ? "on" : "off"
      }: ${times.length} of ${all.length} whole\n`
    )
  },
  onFailed: ({ seed, split }, error) => fail(`${JSON.stringify(split)}, seed ${seed}: ${error.message}`)
})
if (abort.signal.aborted) process.exit(130)

const measured = (splits: ReadonlyArray<Split>): ReadonlyArray<Measured> =>
  splits.map((split) => ({ split, results: results.get(split) ?? [] }))
if (given.only !== undefined) {
  const all = measured(splits)
  process.stdout.write(`${table(all)}\n\n${costs(all)}\n`)
  process.exit(0)
}
const cost = "What the return cost those who were well, in all runs with recovery, counted at every observer:"
const rows = "The same in the other presets, packets being under way for 40 to 80 ms in WAN and up to 1 ms in local:"
const text = `${table(measured([...lan, ...alone]))}\n\n${cost}\n\n${costs(measured(lan))}\n\n${rows}\n\n${
  table(measured(others))
}`

if (!given.write) process.stdout.write(`${text}\n`)
else {
  const docs = Path.resolve(import.meta.dirname, "../../docs")
  const page = Path.join(docs, "recovery.md")
  const [before, , after] = readFileSync(page, "utf8").split(/<!-- splits -->\n|<!-- end of splits -->/)
  if (before === undefined || after === undefined) throw new Error(`${page} has no place for the tables of splits`)
  writeFileSync(page, `${before}<!-- splits -->\n\n${text}\n\n<!-- end of splits -->${after}`)
  mkdirSync(Path.join(docs, "recovery"), { recursive: true })
  writeFileSync(Path.join(docs, "recovery/splits.svg"), picture(measured(lan)))
  process.stdout.write(`${page}\n`)
}
