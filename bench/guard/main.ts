/**
 * `npm run bench:guard`: fails when a path that every node takes, the import, the bundle, or what a cluster sends and
 * does has become dearer than budget.json allows.
 */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { sizes } from "../bundle/Bundle.ts"
import { Child } from "../run/Child.ts"
import { root, Stage } from "../run/Stage.ts"
import { count } from "./cluster.ts"
import { failures, type Figures, type Group, groups, judge, missing, table } from "./Judge.ts"

const usage = `npm run bench:guard [-- options]

  --only GROUPS    some of ${groups.join(", ")}; separated by commas
  --plant FACTOR   makes each work slower on purpose, to see that it is noticed
  --write          makes what is measured the budget; say in the commit what it is worth
`

const file = Path.join(import.meta.dirname, "budget.json")
const budget: Figures & Readonly<Record<string, unknown>> = JSON.parse(readFileSync(file, "utf8"))

const read = () => {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: "string", default: groups.join() },
        plant: { type: "string" },
        write: { type: "boolean", default: false },
        help: { type: "boolean", default: false }
      }
    })
    const only = values.only.split(",").map((name) => name.trim())
    const unknown = only.find((name) => !(groups as ReadonlyArray<string>).includes(name))
    if (unknown !== undefined) throw new Error(`--only ${unknown}: expected ${groups.join(", ")}`)
    const { plant } = values
    if (plant !== undefined && !(Number(plant) >= 1)) throw new Error(`--plant ${plant}: expected a number from 1`)
    if (plant !== undefined && values.write) throw new Error("--plant with --write: expected one of the two")
    return { ...values, only }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return process.exit(2)
  }
}

const options = read()
if (options.help) {
  process.stdout.write(usage)
  process.exit(0)
}

const round = (value: number): number => Number(value.toPrecision(4))
const rounded = (figures: Readonly<Record<string, number>>) =>
  Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, round(value)]))

/** With one thread that collects garbage, and rarely, a run differs less from the next. */
const FLAGS = ["--single-threaded-gc", "--max-semi-space-size=64"]

const timed = (names: ReadonlyArray<string>): Readonly<Record<string, number>> =>
  JSON.parse(execFileSync(process.execPath, [
    ...FLAGS,
    Path.join(import.meta.dirname, "time.ts"),
    ...(options.plant === undefined ? [] : ["--plant", options.plant]),
    ...names
  ], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }))

/** Processes that a work may take to show that it is within the budget. */
const PROCESSES = 3

/**
 * The works, each in as many processes as it takes to be within the budget: what disturbs a measurement makes it
 * longer, and now and then a process compiles a path worse than others do, so the least is closest to the truth.
 */
const works = (): Figures["works"] => {
  let least = timed([])
  for (let i = 1; i < PROCESSES; i++) {
    const doubtful = options.write ? Object.keys(least) : failures(judge({ works: least }, budget)).map(({ name }) => name)
    if (doubtful.length === 0) break
    const again = timed(doubtful)
    least = Object.fromEntries(
      Object.entries(least).map(([name, value]) => [name, Math.min(value, again[name] ?? Number.POSITIVE_INFINITY)])
    )
  }
  return rounded(least)
}

const MEMBERS = 32
const SECONDS = 60

const counts = (): Figures["counts"] => {
  const { joining, resting } = count({ members: MEMBERS, seconds: SECONDS })
  return rounded(Object.fromEntries([
    ...Object.entries(joining).map(([what, value]) => [`${what} of a member until all ${MEMBERS} know it`, value]),
    ...Object.entries(resting).map(([what, value]) => [`${what} of a member of ${MEMBERS} in a second`, value])
  ]))
}

let staged: Stage | undefined
const stage = () => staged ??= Stage.build("guard", root)

const IMPORTS = 9

/** The least processor time until a program has imported what it imports, in milliseconds, by turns. */
const imported = async (): Promise<Figures["import"]> => {
  const programs = ["floors/effect", "nodes/import"]
  const least = programs.map(() => Number.POSITIVE_INFINITY)
  for (let i = 0; i < IMPORTS; i++) {
    for (const [at, program] of programs.entries()) {
      const child = await Child.start(stage().node(program))
      least[at] = Math.min(least[at] ?? Number.NaN, child.started.micros / 1000)
      await child.end()
    }
  }
  const [beneath = Number.NaN, whole = Number.NaN] = least
  return rounded({ "processor time, in that of its Effect modules": whole / beneath })
}

const bundle = (): Figures["bundle"] => {
  const { own, whole } = sizes(stage().folder)
  return { "bytes of a program with a node": whole.minified, "of these our own": own.minified }
}

const measuring: Readonly<Record<Group, () => Readonly<Record<string, number>> | Promise<Readonly<Record<string, number>>>>> = {
  works,
  counts,
  import: imported,
  bundle
}

const measured: Record<Group, Readonly<Record<string, number>>> = { works: {}, counts: {}, import: {}, bundle: {} }
for (const group of groups) {
  if (!options.only.includes(group)) continue
  const began = performance.now()
  measured[group] = await measuring[group]()
  process.stderr.write(`${group}: ${((performance.now() - began) / 1000).toFixed(0)} s\n`)
}

if (options.write) {
  const chosen = groups.filter((group) => options.only.includes(group))
  const written = { ...budget, ...Object.fromEntries(chosen.map((group) => [group, measured[group]])) }
  writeFileSync(file, `${JSON.stringify(written, null, 2)}\n`)
  process.stdout.write(`${Path.relative(process.cwd(), file)} is written\n`)
} else {
  const verdicts = judge(measured, budget)
  const chosen = Object.fromEntries(groups.map((group) => [group, options.only.includes(group) ? budget[group] : {}]))
  const absent = missing(measured, chosen as unknown as Figures)
  process.stdout.write(`${table(verdicts)}\n`)
  for (const name of absent) process.stdout.write(`${name}: in the budget, and not measured\n`)
  const failed = failures(verdicts).length + absent.length
  process.stdout.write(`${verdicts.length} figures, ${failed} failed\n`)
  process.exitCode = failed === 0 ? 0 : 1
}
