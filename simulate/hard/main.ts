/**
 * `npm run simulate:hard`: the two hard cases of the Rapid paper, which one member of a hundred with a bad network makes:
 * whether the others notice it, and whether anybody else suffers. What was measured is kept in `results` beside this file.
 */
import { availableParallelism } from "node:os"
import * as Path from "node:path"
import { writePart } from "../drawing/Page.ts"
import { Arguments, namesOf } from "../running/Arguments.ts"
import { runMissing, tellFailures } from "../running/Kept.ts"
import { cases, type Job, profiles, type Result } from "./measure.ts"
import { tables } from "./page.ts"

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

const args = new Arguments(usage)
const { values: given } = args.parse({
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
})
const only = args.named("only", given.only, namesOf(cases))
const chosen = args.named("profiles", given.profiles, namesOf(profiles))
const sizes = given.members.split(",").map((size) => args.whole("members", size, 10, 10_000))
const runs = args.whole("runs", given.runs, 1, 1_000)
const seconds = args.whole("seconds", given.seconds, 1, 3_600)
const workers = args.whole("workers", given.workers, 1, 256)

const idOf = ({ hard, members, profile, seconds, seed }: Job) => [hard, profile, members, seconds, seed].join("/")
const wanted = sizes.flatMap((members) =>
  only.flatMap((hard) =>
    Array.from(
      { length: runs },
      (_, i) => chosen.map((profile): Job => ({ hard, profile, members, seconds, seed: i + 1 }))
    ).flat()
  )
)

const { fresh } = given
const { failures, kept } = await runMissing<Job, Result>(import.meta.dirname, { jobs: wanted, idOf, workers, fresh })

if (given.write) {
  const page = Path.resolve(import.meta.dirname, "../../docs/hard-cases.md")
  writePart(page, "<!-- measured -->", "<!-- end of what was measured -->", tables(kept.results))
  process.stdout.write(`${page}\n`)
} else {
  process.stdout.write(`${tables(kept.among(wanted))}\n`)
}
tellFailures(failures)
