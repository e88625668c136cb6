/**
 * Writes `docs/benchmarks.md` and its plots from what `npm run bench` wrote down: `npm exec -- node bench/write-page.ts
 * [now.json] [before.json]`. Without names it takes `now.json` and `before.json` of `bench/results`, or the one that is there.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { page } from "./page/Page.ts"
import { read } from "./run/Files.ts"

const root = Path.resolve(import.meta.dirname, "..")
const usual = ["now.json", "before.json"].map((name) => Path.join(root, "bench/results", name)).filter((file) =>
  existsSync(file)
)
const files = process.argv.length > 2 ? process.argv.slice(2) : usual
const [now, before] = files.map(read)
if (now === undefined) throw new Error("there are no results: npm run bench")
const { plots, text } = page(now, before)
writeFileSync(Path.join(root, "docs/benchmarks.md"), text)
const folder = Path.join(root, "docs/benchmarks")
// those of an earlier page go
rmSync(folder, { recursive: true, force: true })
if (plots.size > 0) mkdirSync(folder)
for (const [name, svg] of plots) writeFileSync(Path.join(folder, name), svg)
