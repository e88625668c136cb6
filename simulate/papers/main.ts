/**
 * `npm run simulate:papers`: repeats the experiments of the SWIM and the Lifeguard paper with the production code in
 * virtual time, keeps what came out in `results` beside this file, and writes docs/papers.
 */
import { availableParallelism } from "node:os"
import * as Path from "node:path"
import { Arguments } from "../running/Arguments.ts"
import { Kept, tellFailures } from "../running/Kept.ts"
import { idOf, type Job, jobsOf, type Mode, type Result, sections } from "./Jobs.ts"
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

const args = new Arguments(usage)
const { values: options } = args.parse({
  options: {
    quick: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    only: { type: "string", default: sections.join() },
    workers: { type: "string", default: String(availableParallelism()) },
    out: { type: "string" },
    fresh: { type: "boolean", default: false },
    report: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})
if (options.quick && options.full) args.fail("--quick and --full are different runs; give one of them")
const mode: Mode = options.quick ? "quick" : options.full ? "full" : "standard"
const chosen = args.named("only", options.only, sections)
const workers = args.whole("workers", options.workers, 1)

// A few runs are no reason to replace the documented ones.
const folder = options.out ?? (options.quick ? "simulate/papers/results/quick" : "simulate/papers/results")
const pages = options.out ?? (options.quick ? folder : "docs/papers")
for (const each of [folder, pages]) args.folder("out", each, each)

const kept = new Kept<Job, Result>({
  file: `${folder}/runs.jsonl`,
  idOf,
  keyOf: ({ job }) => job,
  fresh: options.fresh
})
const failures = await kept.complete<Job, Result["outcome"]>({
  jobs: options.report ? [] : jobsOf(mode, new Set(chosen)),
  worker: Path.resolve(import.meta.dirname, "worker.ts"),
  workers,
  resultOf: ({ cpuSeconds, job, outcome }) =>
    ({ job, outcome, cpuSeconds: Math.round(cpuSeconds * 10) / 10 }) as unknown as Result,
  unit: "results"
})
writeReport(pages, `${folder}/tables.json`, kept.results)
process.stdout.write(`${pages}/README.md\n`)
tellFailures(failures)
