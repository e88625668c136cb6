/**
 * `npm run stalls`: what nodes that do not run for a while say about others, and what the others say about them. Real
 * processes on this machine with the LAN preset: ours with recovery and without it, and Go's where Go is installed.
 */
import { existsSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import * as GoPeer from "../interop/GoPeer.ts"
import { type Kind, type Process, start } from "./Process.ts"

const usage = `npm run stalls [-- options] [scenario ...]

  --kind KIND       on, off or go: with recovery, without, or HashiCorp memberlist; may be repeated, default all
  --runs N          runs of each, which the table adds up, default 1
  --parallel N      clusters at a time, default 3
  --verbose         also tells every accusation and verdict of the nodes that were halted
`

const SECOND = 1000
const MINUTE = 60 * SECOND

/** How a node is halted for so many milliseconds; done when it goes on. */
type Halt = (node: Process, millis: number) => Promise<void>

/** What some said about others. */
interface Said {
  readonly accuses: number
  readonly declares: number
}

interface Scenario {
  readonly title: string
  readonly nodes: number
  /** The first so many are halted. */
  readonly halted: number
  readonly run: (halted: ReadonlyArray<Process>, halt: Halt) => Promise<void>
  /**
   * What those that are halted must not do with recovery. Where they are halted at different times they find one another
   * silent, and with reason.
   */
  readonly never: ReadonlyArray<keyof Said>
}

/** Stops the process, as `kill -STOP` does. */
const stop: Halt = async (node, millis) => {
  node.signal("SIGSTOP")
  await sleep(millis)
  node.signal("SIGCONT")
}

/** Blocks the event loop. */
const block: Halt = async (node, millis) => {
  node.say(`block ${millis}`)
  await sleep(millis)
}

const again = async (total: number, every: number, act: () => Promise<void>): Promise<void> => {
  for (const end = performance.now() + total; performance.now() < end;) {
    const next = sleep(every)
    await act()
    await next
  }
}

/** For all of them, each so much later than the one before. */
const each = async (nodes: ReadonlyArray<Process>, apart: number, act: (node: Process) => Promise<void>) => {
  await Promise.all(nodes.map(async (node, i) => {
    await sleep(i * apart)
    await act(node)
  }))
}

const scenarios: Readonly<Record<string, Scenario>> = {
  stopped: {
    title: "1 of 5 stopped for 60 s",
    nodes: 5,
    halted: 1,
    run: (halted) => each(halted, 0, (node) => stop(node, MINUTE)),
    never: ["accuses", "declares"]
  },
  stoppedHalf: {
    title: "3 of 6 stopped for 60 s, 1.5 s apart",
    nodes: 6,
    halted: 3,
    run: (halted) => each(halted, 1500, (node) => stop(node, MINUTE)),
    never: ["declares"]
  },
  three: {
    title: "1 of 5 blocked 3 s of every 4",
    nodes: 5,
    halted: 1,
    run: (halted, halt) => each(halted, 0, (node) => again(MINUTE, 4 * SECOND, () => halt(node, 3 * SECOND))),
    never: ["accuses", "declares"]
  },
  five: {
    title: "1 of 5 blocked 5 s of every 8",
    nodes: 5,
    halted: 1,
    run: (halted, halt) => each(halted, 0, (node) => again(80 * SECOND, 8 * SECOND, () => halt(node, 5 * SECOND))),
    never: ["accuses", "declares"]
  },
  half: {
    title: "3 of 6 blocked 5 s of every 8, together",
    nodes: 6,
    halted: 3,
    run: (halted, halt) => each(halted, 0, (node) => again(80 * SECOND, 8 * SECOND, () => halt(node, 5 * SECOND))),
    never: ["accuses", "declares"]
  },
  halfApart: {
    title: "3 of 6 blocked 5 s of every 8, 2 s apart",
    nodes: 6,
    halted: 3,
    run: (halted, halt) =>
      each(halted, 2 * SECOND, (node) => again(80 * SECOND, 8 * SECOND, () => halt(node, 5 * SECOND))),
    never: []
  },
  busy: {
    title: "1 of 5 never idle for 60 s, in pieces of 80 ms",
    nodes: 5,
    halted: 1,
    run: (halted) =>
      each(halted, 0, async (node) => {
        node.say(`busy ${MINUTE}`)
        await sleep(MINUTE)
      }),
    never: ["accuses", "declares"]
  }
}

const fail = (message: string): never => {
  process.stderr.write(`${message}\n\n${usage}`)
  process.exit(2)
}

const { positionals, values } = (() => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        kind: { type: "string", multiple: true },
        runs: { type: "string", default: "1" },
        parallel: { type: "string", default: "3" },
        verbose: { type: "boolean", default: false }
      }
    })
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
})()

const kinds: ReadonlyArray<Kind> = (["on", "off", "go"] as const).filter((kind) => values.kind?.includes(kind) ?? true)
const unknown = values.kind?.find((kind) => !kinds.some((known) => known === kind))
if (unknown !== undefined) fail(`--kind ${unknown}: expected on, off or go`)
const whole = (name: "runs" | "parallel"): number => {
  const value = Number(values[name])
  return Number.isInteger(value) && value >= 1
    ? value
    : fail(`--${name} ${values[name]}: expected a whole number from 1`)
}
const runs = whole("runs")
const parallel = whole("parallel")

interface Job {
  readonly scenario: Scenario
  readonly kind: Kind
}

const wanted = (positionals.length === 0 ? Object.keys(scenarios) : positionals).map((name) =>
  scenarios[name] ?? fail(`no scenario is called ${name}; there are ${Object.keys(scenarios).join(", ")}`)
)
const hasGo = kinds.includes("go") && GoPeer.toolchain() !== undefined
if (hasGo) GoPeer.build(["current"])
if (kinds.includes("go") && !hasGo && !existsSync(GoPeer.binaryOf("current"))) {
  process.stderr.write("no Go toolchain on the PATH: HashiCorp memberlist is left out\n")
}
const jobs: Array<Job> = wanted.flatMap((scenario) =>
  kinds.filter((kind) => kind !== "go" || (hasGo && scenario !== scenarios["busy"])).map((kind) => ({ scenario, kind }))
)

const said = (by: ReadonlyArray<Process>, about: ReadonlyArray<Process>): Said => {
  const count = (what: string) =>
    by.flatMap(({ told }) => told).filter((line) =>
      line.what === what && "member" in line && about.some(({ name }) => name === line.member)
    ).length
  return { accuses: count("accuses"), declares: count("declares") }
}

interface Result {
  readonly job: Job
  readonly ofHalted: Said
  readonly ofWell: Said
  readonly aboutHalted: Said
  readonly lines: ReadonlyArray<string>
}

const measure = async (job: Job): Promise<Result> => {
  const { kind, scenario } = job
  const nodes: Array<Process> = []
  try {
    for (let i = 0; i < scenario.nodes; i++) nodes.push(await start(kind, `n${i + 1}`))
    for (const node of nodes.slice(1)) node.say(`join ${nodes[0]?.address}`)
    await sleep(8 * SECOND)
    const halted = nodes.slice(0, scenario.halted)
    const well = nodes.slice(scenario.halted)
    if (said(nodes, nodes).accuses > 0) throw new Error(`${scenario.title}: this machine is too busy to begin`)
    await scenario.run(halted, kind === "go" ? stop : block)
    await sleep(15 * SECOND)
    return {
      job,
      ofHalted: said(halted, nodes),
      ofWell: said(well, well),
      aboutHalted: said(well, halted),
      lines: halted.flatMap(({ name, told }) =>
        told.flatMap((line) => "member" in line ? [`  ${name} ${line.what} ${line.member}: ${line.detail}`] : [])
      )
    }
  } finally {
    await Promise.all(nodes.map((node) => node.end()))
  }
}

const results: Array<Result> = []
const queue = jobs.flatMap((job) => Array.from({ length: runs }, () => job))
const total = queue.length
await Promise.all(Array.from({ length: parallel }, async () => {
  for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
    const result = await measure(job)
    results.push(result)
    process.stderr.write(`${results.length} of ${total}: ${job.scenario.title}, ${job.kind}\n`)
    if (values.verbose) { for (const line of result.lines) process.stderr.write(`${line}\n`) }
  }
}))

const titles: Readonly<Record<Kind, string>> = { on: "recovery", off: "without", go: "Go" }
const cell = (all: ReadonlyArray<Said>) => {
  const sum = (what: keyof Said) => all.reduce((sum, said) => sum + said[what], 0)
  return `${sum("accuses")} / ${sum("declares")}`
}
const rows = jobs.map((job) => {
  const all = results.filter((result) => result.job === job)
  return [
    job.scenario.title,
    titles[job.kind],
    all.length,
    cell(all.map(({ ofHalted }) => ofHalted)),
    cell(all.map(({ ofWell }) => ofWell)),
    cell(all.map(({ aboutHalted }) => aboutHalted))
  ].join(" | ")
})
process.stdout.write(
  [
    "| what happened | node | runs | the halted accused / declared failed | the others, one another | the others, the halted |",
    "| --- | --- | --- | --- | --- | --- |",
    ...rows.map((row) => `| ${row} |`),
    ""
  ].join("\n")
)

const broken = results.filter(({ job: { kind, scenario }, ofHalted, ofWell }) =>
  kind === "on" && (ofWell.declares > 0 || scenario.never.some((what) => ofHalted[what] > 0))
)
for (const { job: { scenario } } of broken) process.stderr.write(`broken: ${scenario.title}\n`)
process.exitCode = broken.length > 0 ? 1 : 0
