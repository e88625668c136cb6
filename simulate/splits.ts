/**
 * `npm run simulate:splits`: which splits a cluster recovers from by itself. Some members are cut off from the others for a
 * while; after ten minutes of calm, does everybody list everybody again? Writes the table of docs/simulation.md.
 */
import { SimulatedCluster, VirtualTime } from "effect-memberlist/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import { readFileSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { parseArgs } from "node:util"

const usage = `npm run simulate:splits [-- options]

  --runs N          runs of each split, each with a seed of its own, default 20
  --print           print the table, and leave docs/simulation.md as it is
`

const fail = (message: string): never => {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

const { print, runs: given } = (() => {
  try {
    return parseArgs({ options: { runs: { type: "string", default: "20" }, print: { type: "boolean" } } }).values
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
})()
const runs = Number(given)
if (!Number.isInteger(runs) || runs < 1) fail(`--runs ${given}: expected a whole number from 1`)

/** How many are cut off, and of how many. */
const splits = [[1, 3], [2, 5], [3, 10]] as const
const seconds = [3, 8, 10, 15, 30, 40, 60]

/** Long enough for all to know all, and for a push/pull of each. */
const BEFORE = "2 minutes"
const CALM = "10 minutes"

/** Whether everybody lists everybody in the end. */
const recovers = (cutOff: number, members: number, duration: number, seed: number): boolean => {
  const nodes = Array.from({ length: members }, (_, i) => `n${i + 1}`)
  const exit = VirtualTime.run(
    Effect.gen(function*() {
      const cluster = yield* SimulatedCluster.make({ nodes, seed })
      const views = Effect.forEach(nodes, (name) => Effect.flatMap(cluster.node(name), ({ members }) => members))
      const isWhole = Effect.map(views, (all) => all.every((view) => view.length === members))
      yield* cluster.startAll
      yield* Effect.sleep(BEFORE)
      if (!(yield* isWhole)) return yield* Effect.die(new Error("the cluster has not formed"))
      const groups = [nodes.slice(0, cutOff), nodes.slice(cutOff)]
      yield* cluster.play([{ at: 0, for: duration * 1000, fault: { _tag: "Partition", groups } }])
      yield* Effect.sleep(CALM)
      return yield* isWhole
    }).pipe(Effect.scoped, Effect.provide(Logger.layer([]))),
    { seed, limit: "1 hour" }
  )
  return Exit.isSuccess(exit) ? exit.value : fail(`${cutOff} of ${members}, ${duration} s, seed ${seed}: ${exit.cause}`)
}

const row = ([cutOff, members]: readonly [number, number]): string => {
  const cells = seconds.map((duration) => {
    const whole = Array.from({ length: runs }, (_, i) => recovers(cutOff, members, duration, i + 1)).filter(Boolean)
    process.stderr.write(`${cutOff} of ${members}, ${duration} s: ${whole.length} of ${runs}\n`)
    return String(whole.length)
  })
  return `| ${[`${cutOff} of ${members}`, ...cells].join(" | ")} |`
}

const head = ["cut off", ...seconds.map((duration) => `${duration} s`)]
const table = [
  `| ${head.join(" | ")} |`,
  `| ${head.map(() => "---").join(" | ")} |`,
  ...splits.map(row)
].join("\n")

if (print === true) {
  process.stdout.write(`${table}\n`)
} else {
  const page = Path.resolve(import.meta.dirname, "../docs/simulation.md")
  const [before, , after] = readFileSync(page, "utf8").split(/<!-- splits -->\n|<!-- end of splits -->/)
  if (before === undefined || after === undefined) throw new Error(`${page} has no place for the table of splits`)
  const text = `Of ${runs} runs each, those after which everybody lists everybody:\n\n${table}`
  writeFileSync(page, `${before}<!-- splits -->\n\n${text}\n\n<!-- end of splits -->${after}`)
  process.stdout.write(`${page}\n`)
}
