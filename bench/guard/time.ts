/**
 * A process that times works, and prints their ratios. Its argument is JSON: the limits by name, of those that are to be
 * timed, and how much slower they are made on purpose.
 */
import { type Order, ratio, slowed } from "./Work.ts"
import { reference, works } from "./works.ts"

const { factor, limits }: Order = JSON.parse(process.argv[2] ?? "")
const ratios = works.flatMap((work) => {
  const limit = limits[work.name]
  if (limit === undefined) return []
  return [[work.name, ratio(slowed(work, factor), reference, limit === null ? {} : { limit })]]
})
process.stdout.write(`${JSON.stringify(Object.fromEntries(ratios))}\n`)
