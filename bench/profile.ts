/**
 * Where the processor time goes: `npm exec -- node bench/profile.ts [idle|steady|join|table|simulator ...]`. It runs what
 * the parts of the benchmark with these names run, looks at the main thread two thousand times a second (the simulator's: a
 * thousand), and prints whose code it was in. With `--write` it writes docs/profiles.md.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import type { Profiler } from "node:inspector"
import { loadavg, tmpdir } from "node:os"
import * as Path from "node:path"
import { table } from "../simulate/drawing/Markdown.ts"
import { Arguments, namesOf } from "../simulate/running/Arguments.ts"
import { explained } from "./page/Explained.ts"
import { type Profiled, profiles } from "./page/Profile.ts"
import { Child, endAll } from "./run/Child.ts"
import { commitOf, machine } from "./run/Machine.ts"
import { names, wait } from "./run/Measuring.ts"
import { root, Stage } from "./run/Stage.ts"

const usage = `npm exec -- node bench/profile.ts [options] [idle|steady|join|table|simulator ...]

  --seconds N       how long idle and steady are looked at, default 60
  --functions N     functions of each kind that are named, default 6
  --write           write docs/profiles.md (with all of them)
`

const args = new Arguments(usage)
const { positionals, values } = args.parse({
  allowPositionals: true,
  options: {
    help: { type: "boolean", default: false },
    seconds: { type: "string", default: "60" },
    functions: { type: "string", default: "6" },
    write: { type: "boolean", default: false }
  }
})
const seconds = args.whole("seconds", values.seconds, 1)
const functions = args.whole("functions", values.functions, 0)

const NODES = 100
const ROWS = 10_000
const MEMBERS = 700
const VIRTUAL_SECONDS = 30
const SETTLE_SECONDS = 20

const stage = Stage.build("ours", root)

const stop = async (child: Child): Promise<Profiler.Profile> => {
  const { profile } = await child.ask("profiled")
  return profile as Profiler.Profile
}

const look = async (child: Child): Promise<Profiler.Profile> => {
  await wait(SETTLE_SECONDS)
  await child.ask("profile")
  await wait(seconds)
  return stop(child)
}

const perNode = (count: number) => ({ unit: "µs a node and second", scale: count * seconds })
const inAll = { unit: "ms", scale: 1000 }

/** What is done, and in what its time is told. */
const situations: Readonly<
  Record<"idle" | "join" | "simulator" | "steady" | "table", () => Promise<Profiled>>
> = {
  idle: async () => {
    const child = await Child.start(stage.node("nodes/profiled"))
    const { address } = await child.ask("enter", { names: ["p0"], seeds: [] })
    for (const name of names(4)) {
      const other = await Child.start(stage.node("nodes/cluster"))
      await other.ask("enter", { names: [name], seeds: [address] })
    }
    return { profile: await look(child), ...perNode(1) }
  },
  steady: async () => {
    const child = await Child.start(stage.node("nodes/profiled"))
    const { address } = await child.ask("start", { names: names(NODES), paceMs: 1000 / NODES })
    await child.ask("join", { seeds: [address] })
    return { profile: await look(child), ...perNode(NODES) }
  },
  join: async () => {
    const child = await Child.start(stage.node("nodes/profiled"))
    await child.ask("profile")
    const { address } = await child.ask("start", { names: names(NODES) })
    await child.ask("join", { seeds: [address] })
    await child.ask("agree", { expect: NODES, seconds: 60 })
    return { profile: await stop(child), ...inAll }
  },
  table: async () => {
    const [seed, giver] = await Promise.all(
      ["nodes/seed", "nodes/cluster"].map((node) => Child.start(stage.node(node)))
    )
    const newcomer = await Child.start(stage.node("nodes/profiled"))
    const from = await seed?.ask("start", { rows: ROWS })
    const at = await giver?.ask("start", { names: ["giver"] })
    await giver?.ask("exchange", { seeds: [from?.["address"]] })
    await newcomer.ask("start", { names: ["newcomer"] })
    await newcomer.ask("profile")
    await newcomer.ask("exchange", { seeds: [at?.["address"]] })
    return { profile: await stop(newcomer), ...inAll }
  },
  simulator: async () => {
    const folder = mkdtempSync(Path.join(tmpdir(), "profile-"))
    const program = Path.join(root, "bench/simulation.ts")
    const options = ["--conditions=effect-memberlist-source", "--cpu-prof", `--cpu-prof-dir=${folder}`]
    const { status } = spawnSync(process.execPath, [...options, program, String(MEMBERS), String(VIRTUAL_SECONDS)], {
      stdio: ["ignore", 2, 2]
    })
    const [file] = readdirSync(folder)
    const profile = status === 0 && file !== undefined
      ? JSON.parse(readFileSync(Path.join(folder, file), "utf8"))
      : undefined
    rmSync(folder, { recursive: true })
    if (profile === undefined) throw new Error(`the simulation ended with ${status}`)
    return { profile, ...inAll }
  }
}

const titles: Readonly<Record<keyof typeof situations, string>> = {
  idle: "One of five processes, while nothing happens",
  steady: `${NODES} nodes of one process, while nothing happens`,
  join: `${NODES} nodes of one process, until all agree`,
  table: `A newcomer that is given ${ROWS.toLocaleString("en")} members`,
  simulator: `${MEMBERS} simulated members, ${VIRTUAL_SECONDS} virtual seconds`
}

const known = namesOf(situations)
const unknown = positionals.find((name) => !known.some((one) => one === name))
if (unknown !== undefined) args.fail(`${unknown}: expected ${known.join(", ")}`)
if (values.write && positionals.length > 0) args.fail("--write takes all of them")

process.on("exit", endAll)
const [load = 0] = loadavg()
const done = new Map<string, string>()
for (const name of known) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  process.stderr.write(`${name}\n`)
  const { header, rows } = profiles({ ...await situations[name]() }, functions)
  endAll()
  done.set(name, table(header, rows, 1))
  process.stdout.write(`${titles[name]}\n\n${done.get(name)}\n\n`)
}
if (values.write) {
  const { node, processors } = machine()
  const told = (name: keyof typeof situations) => done.get(name) ?? ""
  const day = new Date().toISOString().slice(0, 10)
  const page = explained({
    circumstances: `Looked at on ${day}, commit ${commitOf(root)}, ${processors}, Node.js ${node}; load before: ${
      load.toFixed(1)
    }.`,
    idle: told("idle"),
    steady: told("steady"),
    join: told("join"),
    table: told("table"),
    simulated: titles.simulator,
    simulator: told("simulator")
  })
  writeFileSync(Path.join(root, "docs/profiles.md"), page)
}
process.exit(0)
