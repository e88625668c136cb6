/**
 * `npm run bench`: what real nodes cost, beside bare Node.js and, where Go is found, beside HashiCorp memberlist.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { setImmediate } from "node:timers/promises"
import { span } from "../simulate/running/Line.ts"
import { tables } from "./page/Page.ts"
import { merged, type Part, type Results, type Run, type Sample, type Subject } from "./page/Results.ts"
import { type Command, endAll } from "./run/Child.ts"
import { readIfThere } from "./run/Files.ts"
import { commitOf, machine, watch } from "./run/Machine.ts"
import { type Measuring, type Program, rotated } from "./run/Measuring.ts"
import { type Options, parse, usage } from "./run/Options.ts"
import { definitions } from "./run/Parts.ts"
import { Progress } from "./run/Progress.ts"
import { buildReference, root, Stage } from "./run/Stage.ts"

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
const { amounts, isApart, isQuick, only, rounds } = options

const out = Path.resolve(options.out)
mkdirSync(Path.dirname(out), { recursive: true })
const older = ((): Results => {
  try {
    return readIfThere(out)
  } catch (error) {
    return fail(`--out ${options.out}: ${error instanceof Error ? error.message : String(error)}`)
  }
})()

process.stderr.write("builds the library, as published, and the programs that use it\n")
const ours = Stage.build("ours", root)
const before = options.before === undefined ? undefined : Stage.build("before", Path.resolve(options.before))
const reference = options.withGo ? buildReference() : undefined
if (reference === undefined) {
  const why = options.withGo ? "no Go toolchain on the PATH" : "without Go"
  process.stderr.write(`${why}: this library and bare Node.js alone are measured\n`)
}

const bare = {
  cluster: "floors/bare",
  messages: "floors/messages",
  import: "floors/bare",
  codec: "floors/bare",
  table: "floors/bare",
  seed: "floors/bare"
}
const programs: Readonly<Record<Exclude<Subject, "go" | "before">, Readonly<Record<Program, string>>>> = {
  pings: { ...bare, cluster: "floors/datagrams" },
  together: { ...bare, cluster: "floors/datagrams" },
  bare,
  effect: { ...bare, cluster: "floors/effect", messages: "floors/effect", import: "floors/effect" },
  ours: {
    cluster: "nodes/cluster",
    messages: "nodes/messages",
    import: "nodes/import",
    codec: "nodes/codec",
    table: "nodes/table",
    seed: "nodes/seed"
  }
}

const command: Measuring["command"] = (subject, what): Command => {
  if (subject === "go" && reference !== undefined) return reference.command
  if (subject === "before" && before !== undefined) return before.node(programs.ours[what])
  return ours.node(programs[subject === "go" || subject === "before" ? "ours" : subject][what])
}

const isThere = (subject: Subject): boolean =>
  (subject !== "go" || reference !== undefined) && (subject !== "before" || before !== undefined)

const measured = new Map<Part, Run>()

const interrupt = () => {
  const kept = measured.size === 0 ? "nothing was measured" : `${options.out} has the steps that were done`
  process.stderr.write(`\ninterrupted: ${kept}\n`)
  process.exit(130)
}
process.on("SIGINT", interrupt)
process.on("SIGTERM", interrupt)
process.on("exit", endAll)

const steps = Array.from({ length: rounds }, (_, round) => only.map((part) => ({ part, round }))).flat()
const progress = new Progress(
  steps.map(({ part, round }) => ({
    name: `${part}, round ${round + 1}`,
    seconds: definitions[part].seconds(amounts, isApart)
  }))
)
const total = only.reduce((sum, part) => sum + definitions[part].seconds(amounts, isApart), 0) * rounds
process.stderr.write(`measures ${only.join(", ")}, ${rounds} times: about ${span(total)}\n`)
const began = performance.now()
const circumstances = {
  commit: commitOf(root),
  ...(options.before === undefined ? {} : { beforeCommit: commitOf(options.before) }),
  ...machine(),
  ...(reference === undefined ? {} : { go: reference.version }),
  isQuick,
  isApart,
  amounts
}
const run = (part: Part): Run =>
  measured.get(part) ??
    { part, at: new Date().toISOString(), ...circumstances, rounds: 0, busy: [], samples: [], failures: [] }
const results = (): Results => ({ runs: [...measured.values()] })

for (const { part, round } of steps) {
  // a part that never waits would hold up an interrupt
  await setImmediate()
  const samples: Array<Sample> = []
  const watched = watch(part, round)
  let failure: string | undefined
  try {
    await definitions[part].measure({
      round,
      amounts,
      isApart,
      turns: (...subjects) => rotated(subjects.filter(isThere), round),
      command,
      folder: (subject) => (subject === "before" && before !== undefined ? before : ours).folder,
      say: (doing) => progress.say(doing),
      record: (subject, figures, lists) => {
        const finite = Object.entries(figures).filter((entry): entry is [string, number] => Number.isFinite(entry[1]))
        samples.push({ part, round, subject, figures: Object.fromEntries(finite), ...(lists && { lists }) })
      }
    })
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error)
  }
  const was = watched()
  const known = run(part)
  measured.set(part, {
    ...known,
    at: new Date().toISOString(),
    rounds: known.rounds + 1,
    busy: [...known.busy, was],
    samples: [...known.samples, ...samples],
    failures: [...known.failures, ...(failure === undefined ? [] : [`${part}, round ${round + 1}: ${failure}`])]
  })
  // after each step: a run that is interrupted keeps what it has, and what an earlier one measured of other parts
  writeFileSync(out, `${JSON.stringify(merged(older, results()), null, 2)}\n`)
  progress.done(
    failure ?? `load ${was.load.toFixed(1)} before, ${(was.used * 100).toFixed(0)} % of the processors used`
  )
}

process.stdout.write(`${tables(results())}\n`)
process.stderr.write(`${options.out}, after ${Math.round((performance.now() - began) / 1000)} s\n`)
const failures = results().runs.flatMap(({ failures }) => failures)
for (const failure of failures) process.stderr.write(`failed: ${failure}\n`)
process.exit(failures.length === 0 ? 0 : 1)
