/**
 * `npm run simulate:topics`: how messages reach all members by a topic, beside gossip. What was measured is kept in
 * `results` beside this file.
 */
import { writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import * as Path from "node:path"
import { writePart } from "../drawing/Page.ts"
import { plot } from "../drawing/Plot.ts"
import { Arguments, namesOf } from "../running/Arguments.ts"
import { runMissing, tellFailures } from "../running/Kept.ts"
import { type Job, type Result, ways } from "./measure.ts"
import { chart, tables } from "./page.ts"

const usage = `npm run simulate:topics [-- options]

  --members SIZES   default 10,100; separated by commas
  --only WAYS       ${Object.keys(ways).join(", ")}; separated by commas
  --losses SHARES   lost packets, default 0,0.05,0.25; separated by commas
  --runs N          runs of each, with seeds of their own, default 3
  --workers N       processes, default the number of processors
  --fresh           forget the results there are; otherwise only what is missing is run
  --write           write all results there are into docs/topic.md; otherwise those asked for are printed
`

const args = new Arguments(usage)
const { values: given } = args.parse({
  options: {
    members: { type: "string", default: "10,100" },
    only: { type: "string", default: Object.keys(ways).join() },
    losses: { type: "string", default: "0,0.05,0.25" },
    runs: { type: "string", default: "3" },
    workers: { type: "string", default: String(availableParallelism()) },
    fresh: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})
const sizes = given.members.split(",").map((size) => args.whole("members", size, 4, 10_000))
const chosen = args.named("only", given.only, namesOf(ways))
const runs = args.whole("runs", given.runs, 1, 1_000)
const workers = args.whole("workers", given.workers, 1, 256)
const losses = given.losses.split(",").map(Number)
if (!losses.every((loss) => loss >= 0 && loss < 1)) args.fail(`--losses ${given.losses}: expected shares from 0 to 1`)

const networks = [...losses.map((loss) => ({ loss, churn: false })), { loss: 0, churn: true }]
const wanted = sizes.flatMap((members) =>
  networks.flatMap((network) =>
    Array.from({ length: runs }, (_, i) => chosen.map((way): Job => ({ way, members, ...network, seed: i + 1 }))).flat()
  )
)
const idOf = ({ churn, loss, members, seed, way }: Job) =>
  [way, members, loss, churn ? "churn" : "calm", seed].join("/")

const { fresh } = given
const { failures, kept } = await runMissing<Job, Result>(import.meta.dirname, { jobs: wanted, idOf, workers, fresh })

if (given.write) {
  const docs = Path.resolve(import.meta.dirname, "../../docs")
  writePart(`${docs}/topic.md`, "<!-- measured -->", "<!-- end of what was measured -->", tables(kept.results))
  writeFileSync(`${docs}/topic/last.svg`, plot(chart(kept.results)))
  process.stdout.write(`${docs}/topic.md\n`)
} else {
  process.stdout.write(`${tables(kept.among(wanted))}\n`)
}
tellFailures(failures)
