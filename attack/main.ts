/**
 * `npm run attack`: what the protocol's enemies can do to a live cluster, with a key and without, and what it costs.
 */
import { writeFileSync } from "node:fs"
import { cpus } from "node:os"
import { resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { build, memberlistVersion, toolchain } from "../interop/GoPeer.ts"
import { span } from "../simulate/Line.ts"
import type { Bench, Case, Kind, Result } from "./Case.ts"
import { cases } from "./cases/all.ts"
import { Session } from "./cluster/Session.ts"
import { isChosen, type Options, parse, usage } from "./Options.ts"
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

const chosen = cases.filter((each) =>
  isChosen(each.name, options.only) && (!options.isQuick || each.isLong !== true || options.only.length > 0)
)
if (chosen.length === 0) fail("--only: no case has these words; --list names them all")
if (options.isList) {
  for (const { name, promise } of chosen) process.stdout.write(`${name}\n    ${promise}\n`)
  process.exit(0)
}

const library = options.library === undefined
  ? fileURLToPath(new URL("..", import.meta.url))
  : resolve(options.library)

/** The Go release that is attacked beside ours, built when it is needed. */
const go = ((): string | undefined => {
  if (!options.withGo || !chosen.some(({ against }) => against.includes("go"))) return undefined
  const version = toolchain()
  if (version === undefined) {
    process.stderr.write("no Go toolchain on the PATH: this library alone is attacked\n")
    return undefined
  }
  process.stderr.write("builds the Go peer\n")
  build(["current"])
  return `memberlist ${memberlistVersion("current")}, ${version}`
})()

const isWanted = (each: Case, kind: Kind): boolean =>
  each.against.includes(kind)
  && (kind === "ours" || (go !== undefined && (each.isLong !== true || options.isFull || options.only.length > 0)))

const runs = chosen.flatMap((each) =>
  (["ours", "go"] as const).filter((kind) => isWanted(each, kind)).map((kind) => ({ each, kind }))
)
const timing = { seconds: options.seconds, quick: options.isQuick }
const progress = new Progress(runs.map(({ each }) => each.seconds(timing)))

let session = new Session()
let isInterrupted = false
const interrupt = () => {
  isInterrupted = true
  void session.end()
}
process.on("SIGINT", interrupt)
process.on("SIGTERM", interrupt)

const attack = async (each: Case, kind: Kind): Promise<Result> => {
  session = new Session()
  const began = performance.now()
  const told = { name: each.name, promise: each.promise, kind }
  const took = () => Math.round((performance.now() - began) / 100) / 10
  const bench: Bench = {
    kind,
    library,
    seconds: options.seconds,
    rate: options.rate,
    quick: options.isQuick,
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
  }
}

const results: Array<Result> = []
for (const { each, kind } of runs) {
  const result = await attack(each, kind)
  if (isInterrupted) break
  results.push(result)
  progress.step(`${verdictOf(result).padEnd(6)} ${each.name}, ${kindNames[kind]}`, result.outcome?.broken?.join("; "))
}
progress.end()

process.stdout.write(`${table(results)}\n\n`)
for (const remark of remarks(results)) process.stdout.write(`${remark}\n`)
if (options.out !== undefined) {
  const [cpu] = cpus()
  writeFileSync(
    options.out,
    json({
      at: new Date().toISOString(),
      library,
      node: process.versions.node,
      go,
      processors: `${cpus().length} × ${cpu?.model ?? "unknown"}`
    }, results)
  )
}
if (isInterrupted) {
  process.stderr.write(`interrupted after ${results.length} of ${runs.length}\n`)
  process.exit(130)
}
process.stderr.write(`${results.length} attacks in ${span(progress.seconds)}\n`)
process.exit(isKept(results) ? 0 : 1)
