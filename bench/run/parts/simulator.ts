/** The simulator: whole clusters in virtual time, each in a process of its own. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import { text } from "node:stream/consumers"
import { table as markdown } from "../../../simulate/drawing/Markdown.ts"
import type { Chart } from "../../../simulate/drawing/Plot.ts"
import type { Amounts } from "../../page/Results.ts"
import { at, atMost, type Figure, resident, type Section, tableOf, type Target } from "../../page/Section.ts"
import { MB, type Measuring } from "../Measuring.ts"
import { root } from "../Stage.ts"

/** What `bench/simulation.ts` prints with `--json`. */
export interface Simulated {
  readonly members: number
  /** Virtual seconds. */
  readonly seconds: number
  /** Seconds of processor time, all threads. */
  readonly processor: number
  /** Bytes of memory, at most. */
  readonly mostMemory: number
  /** Members that list all members at the end. */
  readonly complete: number
  /** Packets, and their bytes: what goes over streams is not among them. */
  readonly packetsSent: number
  readonly bytesSent: number
}

/** Virtual member-seconds that a second of processor time simulates, on a machine with nothing else to do. */
const USUAL = 2500

export const seconds = ({ simulations }: Amounts): number =>
  simulations.reduce((sum, [members, virtual]) => sum + members * virtual * (1 + members / 250) / USUAL, 0)

/**
 * What V8 may take. It collects when it must: without a limit 1,000 members took 2.5 GB, of which most was garbage; with
 * this one the first six seconds, in which nearly all news waits in nearly all queues, took 1.35.
 */
const LIMITS = ["--max-semi-space-size=16", "--max-old-space-size=1300"]

const simulate = async (members: number, virtual: number): Promise<Simulated> => {
  const program = Path.join(root, "bench/simulation.ts")
  const child = spawn(
    process.execPath,
    ["--conditions=effect-memberlist-source", ...LIMITS, program, String(members), String(virtual), "--json"],
    { cwd: root, stdio: ["ignore", "pipe", "inherit"] }
  )
  const end = () => void child.kill()
  process.on("exit", end)
  try {
    const [printed, [code]] = await Promise.all([text(child.stdout), once(child, "exit")])
    if (code !== 0) throw new Error(`the simulation of ${members} members ended with ${code}`)
    return JSON.parse(printed)
  } finally {
    process.off("exit", end)
  }
}

/** Returns the figures of one simulation. */
export const figuresOf = ({ members, mostMemory, processor, seconds }: Simulated): Record<string, number> => ({
  [at("cpu", members)]: processor,
  [at("speed", members)]: members * seconds / processor,
  [at("resident", members)]: mostMemory / MB,
  [at("perMember", members)]: mostMemory / MB / members
})

export const measure = async (measuring: Measuring): Promise<void> => {
  const figures: Record<string, number> = {}
  for (const [members, virtual] of measuring.amounts.simulations) {
    measuring.say(`${members} members for ${virtual} virtual seconds`)
    Object.assign(figures, figuresOf(await simulate(members, virtual)))
  }
  measuring.record("ours", figures)
}

/** A simulation that takes long, kept from whenever it was last done: `bench/simulation.ts --keep`. */
interface Kept extends Simulated {
  readonly at: string
  readonly commit: string
  readonly load: number
}

const KEPT = "bench/results/settled.jsonl"

/** By their members. */
const keptRuns = (): ReadonlyArray<Kept> => {
  const file = Path.join(root, KEPT)
  if (!existsSync(file)) return []
  const runs = readFileSync(file, "utf8").split("\n").filter((line) => line !== "").map((line): Kept =>
    JSON.parse(line)
  )
  return runs.toSorted((a, b) => a.members - b.members)
}

/** A plot of what a member takes in a virtual second, by the number of members. */
const grown = (title: string, y: string, of: (run: Kept) => number): Chart => ({
  title,
  x: "members",
  y,
  logX: true,
  series: [{
    name: "effect-memberlist",
    colour: 0,
    points: keptRuns().map((run) => ({ x: run.members, y: of(run) / run.members / run.seconds }))
  }]
})

/** Returns the table of simulations that were kept. */
export const keptTable = (runs: ReadonlyArray<Kept>): string =>
  markdown(
    [
      "members",
      "virtual s",
      "CPU s",
      "member-seconds a CPU s",
      "memory at most, MB",
      "packets a member and second",
      "bytes",
      "complete",
      "commit"
    ],
    runs.map(({ bytesSent, commit, complete, members, mostMemory, packetsSent, processor, seconds }) => [
      String(members),
      String(seconds),
      processor.toFixed(processor < 10 ? 1 : 0),
      (members * seconds / processor).toFixed(0),
      (mostMemory / MB).toFixed(0),
      (packetsSent / members / seconds).toFixed(2),
      (bytesSent / members / seconds).toFixed(1),
      String(complete),
      commit
    ]),
    0
  )

const figures: ReadonlyArray<Figure> = [
  { key: "cpu", title: "CPU s", digits: 1 },
  { key: "speed", title: "member-seconds a CPU s", digits: 0 },
  resident("resident", "memory at most, MB"),
  { key: "perMember", title: "a member, MB", digits: 2 }
]

const MANY = 10_000

/** Whether so many members can be simulated at all. */
const atAll: Target = {
  work: "simulator, 10,000 members for 60 s",
  demanded: "at all",
  judge: () => {
    const run = keptRuns().findLast(({ members, seconds }) => members >= MANY && seconds >= 60)
    return run && {
      ours: `${run.processor.toFixed(0)} s, ${(run.mostMemory / 1e9).toFixed(1)} GB`,
      beside: "–",
      ratio: "–",
      isMet: run.complete === run.members
    }
  }
}

export const section: Section = {
  title: () => "Simulated clusters",
  text: (amounts) =>
    `Whole nodes on a simulated network in virtual time, with the LAN preset, delays of 1 to 5 ms and compression off, which costs what it
costs outside: ${
      amounts.simulations.map(([members, seconds]) => `${members} members for ${seconds} s`).join(", ")
    }. All start and join in
the first virtual second. A process simulates on one thread; processor time has that of V8's garbage collector and compiler
too, but not the import. Memory is the most that was resident, of the whole process.`,
  figures,
  body: ({ amounts, samples }) => {
    const kept = keptRuns()
    const sizes = amounts.simulations.map(([members]) => members)
    const shown = tableOf(samples, figures, sizes, "members")
    return kept.length === 0 ? shown : `${shown}

The following begin in the state of one that has been up for long, with a first table that all share
([simulation.md](simulation.md#thousands)). Measured apart, because it takes long, by \`npm exec -- node --max-old-space-size=14000
bench/simulation.ts 10000 60 --settled --keep\`:

${keptTable(kept)}

What a member sends in packets is flat. Its push/pulls become rarer by a logarithm, and each has a row for every member, so
that they are what grows with the cluster, and most of the processor time of ten thousand; [scale.md](scale.md) has their bytes.`
  },
  plots: () =>
    keptRuns().length === 0 ? [] : [
      [
        "simulated-cpu.svg",
        grown("Processor time of a simulated member", "ms a second", (run) => run.processor * 1000)
      ],
      ["simulated-bytes.svg", grown("Bytes in packets of a simulated member", "bytes a second", (run) => run.bytesSent)]
    ],
  targets: [
    atMost(3, { work: "simulator, 128 members for 120 s", key: at("cpu", 128), digits: 1, unit: "s" }),
    atMost(60, { work: "simulator, 1,000 members for 60 s", key: at("cpu", 1000), digits: 0, unit: "s" }),
    atMost(1611, { work: "simulator, memory of 1,000 members", key: at("resident", 1000), digits: 0, unit: "MB" }),
    atAll
  ]
}
