/**
 * `npm run simulate:newcomers`: how soon newcomers are listed by everybody, with recovery, where hearsay is verified
 * first, and without. Prints a table.
 */
import { availableParallelism } from "node:os"
import * as Path from "node:path"
import { Arguments, namesOf } from "../running/Arguments.ts"
import { runAll } from "../running/Pool.ts"
import { type Job, type Result, ways } from "./measure.ts"

const usage = `npm run simulate:newcomers [-- options] [sizes]

  sizes             members, default 10 100 (1000 takes a quarter of an hour)
  --runs N          runs of each, with seeds of their own, default 10 (a fifth of it with 100 members, one with more)
  --only WAY        one of ${Object.keys(ways).join(", ")}
`

const args = new Arguments(usage)
const { positionals, values: { only, ...values } } = args.parse({
  allowPositionals: true,
  options: {
    help: { type: "boolean", default: false },
    runs: { type: "string", default: "10" },
    only: { type: "string" }
  }
})
const sizes = args.sizes(positionals, [10, 100])
const runs = args.whole("runs", values.runs, 1)
const chosen = namesOf(ways).filter((way) => only === undefined || way === only)
if (chosen.length === 0) args.fail(`--only ${only}: expected one of ${Object.keys(ways).join(", ")}`)

const runsOf = (members: number) => members < 100 ? runs : members === 100 ? Math.max(1, Math.floor(runs / 5)) : 1
const cases = sizes.flatMap((members) =>
  chosen.flatMap((way) => [false, true].map((recovery) => ({ way, members, recovery })))
)
const jobs = cases.flatMap((one) =>
  Array.from({ length: runsOf(one.members) }, (_, i): Job => ({ ...one, seed: i + 1 }))
)

const keyOf = ({ members, recovery, way }: Omit<Job, "seed">) => `${way} ${members} ${recovery}`
const results = new Map<string, Array<Result>>()
let done = 0
const isWhole = await runAll<Job, Result>({
  worker: Path.resolve(import.meta.dirname, "worker.ts"),
  jobs,
  workers: availableParallelism(),
  onDone: ({ job, outcome }) => {
    results.set(keyOf(job), [...results.get(keyOf(job)) ?? [], outcome])
    process.stderr.write(
      `${++done} of ${jobs.length} runs: ${keyOf(job)}, seed ${job.seed}: ${JSON.stringify(outcome)}\n`
    )
  },
  onFailed: (job, error) => args.fail(`${keyOf(job)}, seed ${job.seed}: ${error.message}`)
})
if (!isWhole) process.exit(130)

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
