/**
 * `npm run simulate:splits`: which splits a cluster recovers from by itself, and how fast, with recovery and without.
 * Some members are cut off from the others for a while; then nothing goes wrong for ten minutes. The tables and the plot of
 * docs/recovery.md. What was measured is kept in `results` beside this file.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import * as Path from "node:path"
import { writePart } from "../drawing/Page.ts"
import { Arguments } from "../running/Arguments.ts"
import { runMissing, tellFailures } from "../running/Kept.ts"
import { idOf, type Job, jobsOf, jobsUpTo, upTo } from "./jobs.ts"
import type { Result, Split } from "./measure.ts"
import { one, picture, tables, unusual } from "./page.ts"

const usage = `npm run simulate:splits [-- options]

  --runs N          runs of each split, each with a seed of its own, default 10 (a fifth of it with 100 members)
  --upto N          leaves out splits of more than N members, default 100
  --only C/N/S      one split with recovery: C of N members are cut off for S seconds; its result is printed (300/1000/300:
                    a quarter of an hour and 7 GB each run)
  --preset NAME     of the split given by --only: lan, wan or local, default lan
  --workers N       processes, default the number of processors
  --fresh           forget the results there are; otherwise only what is missing is run
  --write           write the tables and the plot into docs/recovery.md, with every other split whose result is kept;
                    otherwise they are printed
`

const args = new Arguments(usage)
const { values: given } = args.parse({
  options: {
    help: { type: "boolean", default: false },
    runs: { type: "string", default: "10" },
    upto: { type: "string", default: "100" },
    only: { type: "string" },
    preset: { type: "string", default: "lan" },
    workers: { type: "string", default: String(availableParallelism()) },
    fresh: { type: "boolean", default: false },
    write: { type: "boolean", default: false }
  }
})
const runs = args.whole("runs", given.runs, 1)
const upto = args.whole("upto", given.upto, 1)
const workers = args.whole("workers", given.workers, 1, 256)

const PRESETS = ["lan", "wan", "local"] as const
const isPreset = (text: string): text is Split["preset"] => PRESETS.some((preset) => preset === text)
const read = (text: string): Split => {
  const [cutOff = 0, members = 0, seconds = 0, ...rest] = text.split("/").map(Number)
  const { preset } = given
  if (!isPreset(preset)) return args.fail(`--preset ${preset}: expected ${PRESETS.join(", ")}`)
  return rest.length === 0 && [cutOff, members, seconds].every((n) => Number.isInteger(n) && n >= 1) && cutOff < members
    ? { cutOff, members, seconds, kind: "both", recovery: true, preset }
    : args.fail(`--only ${text}: expected as 3/10/600: three of ten for 600 seconds`)
}
const only = given.only === undefined ? undefined : read(given.only)

const jobs = only === undefined ? jobsUpTo(upto, runs) : jobsOf([only], runs)
const { fresh } = given
const { failures, kept } = await runMissing<Job, Result>(import.meta.dirname, { jobs, idOf, workers, fresh })
const asked = kept.among(jobs)

tellFailures(failures)
if (only !== undefined) process.stdout.write(`${one(asked, only)}\n`)
else if (!given.write) process.stdout.write(`${tables(asked, upTo(upto))}\n`)
else {
  const docs = Path.resolve(import.meta.dirname, "../../docs")
  const page = Path.join(docs, "recovery.md")
  if (failures.length > 0) {
    process.stderr.write(`${page} is not written, as runs are missing; the same command runs them again\n`)
    process.exit(2)
  }
  writePart(page, "<!-- splits -->", "<!-- end of splits -->", tables([...asked, ...unusual(kept.results)], upTo(upto)))
  mkdirSync(Path.join(docs, "recovery"), { recursive: true })
  writeFileSync(Path.join(docs, "recovery/splits.svg"), picture(asked, upTo(upto)))
  process.stdout.write(`${page}\n`)
}
