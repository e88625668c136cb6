/**
 * `npm run simulate:newcomers`: how soon newcomers are listed by everybody, with recovery, where hearsay is verified
 * first, and without. Prints a table.
 */
import { availableParallelism } from "node:os"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { runAll } from "../running/Pool.ts"
import { type Job, type Result, type Way, ways } from "./measure.ts"

const usage = `npm run simulate:newcomers [-- options] [sizes]

  sizes             members, default 10 100 (1000 takes a quarter of an hour)
  --runs N          runs of each, with seeds of their own, default 10 (a fifth of it with 100 members, one with more)
  --only WAY        one of ${Object.keys(ways).join(", ")}
`

const fail = (message: string): never => {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

const { positionals, values } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { runs: { type: "string", default: "10" }, only: { type: "string" } }
    })
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
})()
const sizes = positionals.length === 0 ? [10, 100] : positionals.map(Number)
const runs = Number(values.runs)
const { only } = values
if (!sizes.every((size) => Number.isInteger(size) && size >= 4 && size <= 10_000)) {
  fail(`sizes ${positionals.join(" ")}: expected whole numbers from 4 to 10000`)
}
if (!Number.isInteger(runs) || runs < 1) fail(`--runs ${values.runs}: expected a whole number from 1`)
const isWay = (text: string): text is Way => Object.hasOwn(ways, text)
if (only !== undefined && !isWay(only)) fail(`--only ${only}: expected one of ${Object.keys(ways).join(", ")}`)
const chosen = Object.keys(ways).filter(isWay).filter((way) => only === undefined || way === only)

const runsOf = (members: number) => members < 100 ? runs : members === 100 ? Math.max(1, Math.floor(runs / 5)) : 1
const cases = sizes.flatMap((members) =>
  chosen.flatMap((way) => [false, true].map((recovery) => ({ way, members, recovery })))
)
const jobs = cases.flatMap((one) =>
  Array.from({ length: runsOf(one.members) }, (_, i): Job => ({ ...one, seed: i + 1 }))
)

const keyOf = ({ members, recovery, way }: Omit<Job, "seed">) => `${way} ${members} ${recovery}`
const results = new Map<string, Array<Result>>()
const abort = new AbortController()
process.once("SIGINT", () => abort.abort())
let done = 0
await runAll<Job, Result>({
  worker: Path.resolve(import.meta.dirname, "worker.ts"),
  jobs,
  workers: availableParallelism(),
  signal: abort.signal,
  onDone: ({ job, outcome }) => {
    results.set(keyOf(job), [...results.get(keyOf(job)) ?? [], outcome])
    process.stderr.write(
      `${++done} of ${jobs.length} runs: ${keyOf(job)}, seed ${job.seed}: ${JSON.stringify(outcome)}\n`
    )
  },
  onFailed: (job, error) => fail(`${keyOf(job)}, seed ${job.seed}: ${error.message}`)
})
if (abort.signal.aborted) process.exit(130)

const middle = (numbers: ReadonlyArray<number>): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
const lines = cases.map((one) => {
  const all = results.get(keyOf(one)) ?? []
  const times = (what: "half" | "all") => {
    const seconds = all.map((result) => result[what])
    return `${middle(seconds).toFixed(2)} (${Math.max(...seconds).toFixed(2)})`
  }
  const [confirmed, dropped] = [
    middle(all.map((result) => result.confirmed)),
    middle(all.map((result) => result.dropped))
  ]
  const cells = [
    ways[one.way],
    one.members,
    one.recovery ? "on" : "off",
    times("half"),
    times("all"),
    confirmed,
    dropped
  ]
  return `| ${cells.join(" | ")} |`
})
process.stdout.write([
  "| who comes | members | recovery | listed by half, s | by all, s | confirmed | dropped |",
  "| --- | --- | --- | --- | --- | --- | --- |",
  ...lines,
  ""
].join("\n"))
