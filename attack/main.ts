/**
 * `npm run attack`: what the protocol's enemies can do to a live cluster, with a key and without, and what it costs.
 */
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { cpus, loadavg } from "node:os"
import { resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { build, memberlistVersion, toolchain } from "../interop/GoPeer.ts"
import { span } from "../simulate/running/Line.ts"
import type { Bench, Case, Kind, Result } from "./Case.ts"
import { cases } from "./cases/all.ts"
import { Session } from "./cluster/Session.ts"
import { type Options, parse, usage, wanted } from "./Options.ts"
import { Progress } from "./Progress.ts"
import { isKept, json, kindNames, remarks, table, verdictOf } from "./Table.ts"

const fail = (message: string): never => {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

const read = (): Options => {
  const options = parse(process.argv.slice(2))
  return typeof options === "string" ? fail(options) : options
}

const options = read()
if (options.isHelp) {
  process.stdout.write(usage)
  process.exit(0)
}

const chosen = cases.filter((each) => wanted(each, options).length > 0)
if (chosen.length === 0) fail("--only: no case has such a name; --list names them all")
if (options.isList) {
  for (const { name, promise } of chosen) process.stdout.write(`${name}\n    ${promise}\n`)
  process.exit(0)
}

/** The commit that is attacked, where that can be told: a folder's path says nothing to others. */
const commitOf = (folder: string): string => {
  const { status, stdout } = spawnSync("git", ["-C", folder, "rev-parse", "--short", "HEAD"], { encoding: "utf8" })
  return status === 0 ? stdout.trim() : "no commit"
}

const library = options.library === undefined
  ? fileURLToPath(new URL("..", import.meta.url))
  : resolve(options.library)

/** The Go release that is attacked beside ours, built when it is needed. */
const go = ((): string | undefined => {
  if (!options.withGo || !chosen.some((each) => wanted(each, options).includes("go"))) return undefined
  const version = toolchain()
  if (version === undefined) {
    process.stderr.write("no Go toolchain on the PATH: this library alone is attacked\n")
    return undefined
  }
  process.stderr.write("builds the Go peer\n")
  build(["current"])
  return `memberlist ${memberlistVersion("current")}, ${version}`
})()

interface Run {
  readonly each: Case
  readonly kind: Kind
}

const runs: ReadonlyArray<Run> = chosen.flatMap((each) =>
  wanted(each, options).filter((kind) => kind === "ours" || go !== undefined).map((kind) => ({ each, kind }))
)
/** Loud ones are carried out alone; of those that mostly wait, a few at a time. */
const loud = runs.filter(({ each }) => each.isQuiet !== true)
const quiet = runs.filter(({ each }) => each.isQuiet === true)
const LANES = 3

const timing = { seconds: options.seconds, quick: options.length === "quick" }
const progress = new Progress([
  ...loud.map(({ each }) => each.seconds(timing)),
  ...quiet.map(({ each }) => each.seconds(timing) / LANES)
])

const sessions = new Set<Session>()
let isInterrupted = false
const interrupt = () => {
  isInterrupted = true
  for (const session of sessions) void session.end()
}
process.on("SIGINT", interrupt)
process.on("SIGTERM", interrupt)

const attack = async ({ each, kind }: Run): Promise<Result> => {
  const session = new Session()
  sessions.add(session)
  const began = performance.now()
  const told = { name: each.name, promise: each.promise, kind }
  const took = () => Math.round((performance.now() - began) / 100) / 10
  const bench: Bench = {
    kind,
    library,
    seconds: options.seconds,
    rate: options.rate,
    quick: options.length === "quick",
    session,
    say: (doing) => progress.say(`${each.name}, ${kindNames[kind]}`, doing)
  }
  try {
    const outcome = await each.run(bench)
    return { ...told, outcome, error: undefined, seconds: took() }
  } catch (error) {
    return {
      ...told,
      outcome: undefined,
      error: error instanceof Error ? error.message : String(error),
      seconds: took()
    }
  } finally {
    await session.end()
    sessions.delete(session)
  }
}

const [load = 0] = loadavg()
if (load > cpus().length / 2) {
  process.stderr.write(
    `this machine is busy (load ${load.toFixed(1)}): verdicts about time say more about that than about the attacks\n`
  )
}

const results: Array<Result> = []

const carryOut = async (run: Run): Promise<void> => {
  const { each, kind } = run
  const isLate = progress.seconds > options.minutes * 60
  const result = isLate ? skipped(run) : await attack(run)
  if (isInterrupted) return
  results.push(result)
  progress.step(`${verdictOf(result).padEnd(6)} ${each.name}, ${kindNames[kind]}`, result.outcome?.broken?.join("; "))
}

const skipped = ({ each, kind }: Run): Result => ({
  name: each.name,
  promise: each.promise,
  kind,
  outcome: undefined,
  error: "",
  seconds: 0
})

/** One after the other, each in a lane that is free. */
const inLanes = async (runs: ReadonlyArray<Run>, lanes: number): Promise<void> => {
  const waiting = runs.values()
  const lane = async () => {
    for (const run of waiting) {
      if (isInterrupted) return
      await carryOut(run)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

await inLanes(loud, 1)
await inLanes(quiet, LANES)
progress.end()

process.stdout.write(`${table(results)}\n\n`)
for (const remark of remarks(results)) process.stdout.write(`${remark}\n`)
if (options.out !== undefined) {
  const [cpu] = cpus()
  writeFileSync(
    options.out,
    json({
      at: new Date().toISOString(),
      library: commitOf(library),
      node: process.versions.node,
      go,
      processors: `${cpus().length} × ${cpu?.model ?? "unknown"}`,
      loadBefore: load
    }, results)
  )
}
if (isInterrupted) {
  process.stderr.write(`interrupted after ${results.length} of ${runs.length}\n`)
  process.exit(130)
}
const late = results.filter((result) => verdictOf(result) === "not run").length
if (late > 0) {
  process.stderr.write(`${late} attacks were not begun within ${options.minutes} minutes; --minutes gives them more\n`)
}
process.stderr.write(`${results.length - late} attacks in ${span(progress.seconds)}\n`)
process.exit(isKept(results) ? 0 : 1)
