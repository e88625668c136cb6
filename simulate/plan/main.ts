/**
 * `npm run simulate:plan`: what `MemberlistConfig.plan` plans, beside what simulated clusters with these settings do.
 * What was measured is kept in `results` beside this file. Ends with 1 where something is beyond its tolerance.
 */
import { availableParallelism } from "node:os"
import * as Path from "node:path"
import { writePart } from "../drawing/Page.ts"
import { Arguments } from "../running/Arguments.ts"
import { runMissing, tellFailures } from "../running/Kept.ts"
import { planned, rough } from "./grid.ts"
import type { Job, Result } from "./measure.ts"
import { beyond, keyOf, tables } from "./page.ts"

const usage = `npm run simulate:plan [-- options]

  --members SIZES   default 10,30,100,300; separated by commas
  --detect SECONDS  default 2,5,10,30; separated by commas
  --loss PERCENT    default 0,3,10; separated by commas
  --careless        also settings with which live members are declared failed, half a minute; on with --write
  --workers N       processes, default the number of processors
  --fresh           forget the results there are; otherwise only what is missing is run
  --write           write the tables into docs/plan.md; otherwise they are printed
`

const args = new Arguments(usage)
const { values: given } = args.parse({
  options: {
    members: { type: "string", default: "10,30,100,300" },
    detect: { type: "string", default: "2,5,10,30" },
    loss: { type: "string", default: "0,3,10" },
    workers: { type: "string", default: String(availableParallelism()) },
    careless: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})
const list = (option: "members" | "detect" | "loss", least: number, most: number) =>
  given[option].split(",").map((value) => args.whole(option, value, least, most))
const sizes = list("members", 4, 1000)
const times = list("detect", 1, 3600)
const losses = list("loss", 0, 30)
const workers = args.whole("workers", given.workers, 1, 256)

const cells = sizes.flatMap((members) =>
  times.flatMap((detect) => losses.map((loss) => planned({ members, detect, loss: loss / 100 })))
)
const careless = given.careless || given.write ? rough : []
const jobs = [...cells.flatMap((cell) => "refused" in cell ? [] : cell.jobs), ...careless.map(({ job }) => job)]
const { fresh } = given
const { failures, kept } = await runMissing<Job, Result>(import.meta.dirname, { jobs, idOf: keyOf, workers, fresh })

const measured = kept.among(jobs)
if (given.write) {
  const page = Path.resolve(import.meta.dirname, "../../docs/plan.md")
  writePart(page, "<!-- measured -->", "<!-- end of what was measured -->", tables(cells, measured, careless))
  process.stdout.write(`${page}\n`)
} else {
  process.stdout.write(`${tables(cells, measured, careless)}\n`)
}
const off = beyond(cells, measured, careless)
for (const each of off) process.stderr.write(`beyond its tolerance: ${each}\n`)
if (off.length > 0) process.exitCode = 1
tellFailures(failures)
