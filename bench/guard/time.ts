/** A process that times works, and prints their ratios: names as arguments, all without; `--plant F` makes them slower. */
import { parseArgs } from "node:util"
import { ratio, slowed } from "./Work.ts"
import { reference, works } from "./works.ts"

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { plant: { type: "string", default: "1" } }
})
const factor = Number(values.plant)
const chosen = works.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const ratios = chosen.map((work) => [work.name, ratio(factor === 1 ? work : slowed(work, factor), reference)])
process.stdout.write(`${JSON.stringify(Object.fromEntries(ratios))}\n`)
