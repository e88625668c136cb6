/**
 * `npm run simulate:scale`: what one node costs as the cluster grows, and how fast news travels, in virtual time; writes
 * docs/scale.md. What was measured is kept in `results` beside this file. Sizes as arguments, default 10, 100 and 1,000.
 */
import { writeFileSync } from "node:fs"
import * as Path from "node:path"
import { plot } from "../drawing/Plot.ts"
import { Arguments } from "../running/Arguments.ts"
import { Kept, tellFailures } from "../running/Kept.ts"
import type { Scale } from "./measure.ts"
import { charts, report } from "./report.ts"

const usage = `npm run simulate:scale [-- options] [sizes]

  sizes             members, default 10 32 100 316 1000; from 2000 on they begin as a cluster that has been up for long
  --seconds N       virtual seconds of quiet, at least, that the cost is measured over, default 60
  --out FILE        default docs/scale.md, with the results in simulate/scale/results; plots go into a folder of that
                    name, and so do the results with this option
  --fresh           forget the results there are; otherwise only missing sizes are run
`

const args = new Arguments(usage)
const { positionals, values } = args.parse({
  allowPositionals: true,
  options: {
    help: { type: "boolean", default: false },
    seconds: { type: "string", default: "60" },
    out: { type: "string" },
    fresh: { type: "boolean", default: false }
  }
})
const sizes = args.sizes(positionals, [10, 32, 100, 316, 1000])
const seconds = args.whole("seconds", values.seconds, 1)
const page = values.out ?? "docs/scale.md"
if (!page.endsWith(".md")) args.fail(`--out ${page}: expected the name of a Markdown file`)

const folder = page.slice(0, -".md".length)
const data = values.out === undefined ? "simulate/scale/results" : folder
for (const each of [folder, data]) args.folder("out", page, each)

const kept = new Kept<Pick<Scale, "members">, Scale>({
  file: `${data}/sizes.jsonl`,
  idOf: ({ members }) => `${members} members`,
  keyOf: (result) => result,
  fresh: values.fresh,
  isExact: true
})
const failures = await kept.complete<{ readonly members: number; readonly seconds: number }, Scale>({
  jobs: sizes.map((members) => ({ members, seconds })),
  worker: Path.resolve(import.meta.dirname, "worker.ts"),
  // One after the other, or they would spoil each other's processor times.
  workers: 1,
  resultOf: ({ outcome }) => outcome,
  unit: "sizes"
})
const sorted = kept.results.toSorted((a, b) => a.members - b.members)
writeFileSync(page, report(sorted, folder.split("/").pop() ?? "scale"))
for (const [name, chart] of charts(sorted)) writeFileSync(`${folder}/${name}`, plot(chart))
process.stdout.write(`${page}\n`)
tellFailures(failures)
