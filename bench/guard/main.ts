/**
 * `npm run bench:guard`: fails when a path that every node takes, the import, the bundle, or what a cluster sends and
 * does has become dearer than budget.json allows.
 */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { sizes } from "../bundle/Bundle.ts"
import { Child, endAll } from "../run/Child.ts"
import { root, Stage } from "../run/Stage.ts"
import { count, millisUntilReady } from "./cluster.ts"
import { failures, type Figures, type Group, groups, judge, missing, most, table } from "./Judge.ts"
import type { Order } from "./Work.ts"
import { works as all } from "./works.ts"

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

/**
 * Garbage is collected, and code compiled, by the thread that is measured. With threads of their own, which a busy machine
 * does not let run, code stays slow for longer.
 */
const FLAGS = ["--single-threaded-gc", "--max-semi-space-size=64", "--no-concurrent-recompilation"]

const names = all.map(({ name }) => name)

const order = (names: ReadonlyArray<string>): Order => ({
  limits: Object.fromEntries(
    names.map((name) => [name, options.write ? null : most("works", budget.works[name]) ?? null])
  ),
  factor: Number(options.plant ?? 1)
})

const timed = (names: ReadonlyArray<string>): Readonly<Record<string, number>> =>
  JSON.parse(execFileSync(process.execPath, [
    ...FLAGS,
    Path.join(import.meta.dirname, "time.ts"),
    JSON.stringify(order(names))
  ], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }))

/** Processes that a work may take to show that it is within the budget. */
const PROCESSES = 4

/**
 * The works, each in as many processes as it takes to be within the budget: what disturbs a measurement makes it
 * longer, and now and then a process compiles a path worse than others do, so the least is closest to the truth.
 */
const works = (): Figures["works"] => {
  let least = timed(names)
  for (let i = 1; i < PROCESSES; i++) {
    const doubtful = options.write ? names : failures(judge({ works: least }, budget)).map(({ name }) => name)
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
    ...Object.entries(resting).map(([what, value]) => [`${what} of a member of ${MEMBERS} in a second`, value]),
    ["milliseconds until a node with a seed is ready", millisUntilReady()]
  ]))
}

let staged: Stage | undefined
const stage = () => staged ??= Stage.build("guard", root)

const IMPORTS = 9

/** The least processor time until a program has imported what it imports, and has joined, in milliseconds; by turns. */
const imported = async (): Promise<Figures["import"]> => {
  const least = { beneath: Number.POSITIVE_INFINITY, whole: Number.POSITIVE_INFINITY, joined: Number.POSITIVE_INFINITY }
  const seed = await Child.start(stage().node("nodes/cluster"))
  const { address } = await seed.ask("start", { names: ["seed"] })
  for (let i = 0; i < IMPORTS; i++) {
    const beneath = await Child.start(stage().node("floors/effect"))
    const whole = await Child.start(stage().node("nodes/joined"))
    const { micros } = await whole.ask("join", { seed: address })
    least.beneath = Math.min(least.beneath, beneath.started.micros)
    least.whole = Math.min(least.whole, whole.started.micros)
    least.joined = Math.min(least.joined, whole.started.micros + Number(micros))
    await beneath.end()
    await whole.end()
  }
  await seed.end()
  return rounded({
    "processor time, in that of its Effect modules": least.whole / least.beneath,
    "until it has also joined, in the same": least.joined / least.beneath
  })
}

const bundle = (): Figures["bundle"] => {
  const { own, whole } = sizes(stage().folder)
  return { "bytes of a program with a node": whole.minified, "of these our own": own.minified }
}

const measuring: Readonly<
  Record<Group, () => Readonly<Record<string, number>> | Promise<Readonly<Record<string, number>>>>
> = {
  works,
  counts,
  import: imported,
  bundle
}

process.on("exit", endAll)

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
