/**
 * Where the processor time goes: `npm exec -- node bench/profile.ts [idle|steady|join ...]`. It runs what the parts of the
 * benchmark with these names run, looks at the main thread two thousand times a second, and prints whose code it was in.
 */
import type { Profiler } from "node:inspector"
import { table } from "../simulate/drawing/Markdown.ts"
import { Arguments, namesOf } from "../simulate/running/Arguments.ts"
import { kinds, summary } from "./page/Profile.ts"
import { Child, endAll } from "./run/Child.ts"
import { names, wait } from "./run/Measuring.ts"
import { root, Stage } from "./run/Stage.ts"

const usage = `npm exec -- node bench/profile.ts [options] [idle|steady|join ...]

  --seconds N       how long idle and steady are looked at, default 60
  --functions N     functions of each kind that are named, default 8
`

const args = new Arguments(usage)
const { positionals, values } = args.parse({
  allowPositionals: true,
  options: {
    help: { type: "boolean", default: false },
    seconds: { type: "string", default: "60" },
    functions: { type: "string", default: "8" }
  }
})
const seconds = args.whole("seconds", values.seconds, 1)
const functions = args.whole("functions", values.functions, 0)

const NODES = 100
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

/** What is done, and for how many seconds of how many nodes: `undefined` where that is told as a whole. */
const situations = {
  idle: async () => {
    const child = await Child.start(stage.node("nodes/profiled"))
    const { address } = await child.ask("enter", { names: ["p0"], seeds: [] })
    for (const name of names(4)) {
      const other = await Child.start(stage.node("nodes/cluster"))
      await other.ask("enter", { names: [name], seeds: [address] })
    }
    return { profile: await look(child), nodeSeconds: seconds }
  },
  steady: async () => {
    const child = await Child.start(stage.node("nodes/profiled"))
    const { address } = await child.ask("start", { names: names(NODES), paceMs: 1000 / NODES })
    await child.ask("join", { seeds: [address] })
    return { profile: await look(child), nodeSeconds: NODES * seconds }
  },
  join: async () => {
    const child = await Child.start(stage.node("nodes/profiled"))
    await child.ask("profile")
    const { address } = await child.ask("start", { names: names(NODES) })
    await child.ask("join", { seeds: [address] })
    await child.ask("agree", { expect: NODES, seconds: 60 })
    return { profile: await stop(child), nodeSeconds: undefined }
  }
}

const known = namesOf(situations)
const unknown = positionals.find((name) => !known.some((one) => one === name))
if (unknown !== undefined) args.fail(`${unknown}: expected ${known.join(", ")}`)

process.on("exit", endAll)
for (const name of known) {
  if (positionals.length > 0 && !positionals.includes(name)) continue
  process.stderr.write(`${name}\n`)
  const { nodeSeconds, profile } = await situations[name]()
  endAll()
  const { busy, byKind, functions: all } = summary(profile)
  const told = (micros: number) => [
    nodeSeconds === undefined ? (micros / 1000).toFixed(0) : (micros / nodeSeconds).toFixed(0),
    `${(100 * micros / busy).toFixed(0)} %`
  ]
  const unit = nodeSeconds === undefined ? "ms" : "µs a node and second"
  const rows = [
    ...kinds.map((kind) => [kind, ...told(byKind[kind])]),
    ...kinds.flatMap((kind) =>
      all.filter(([of]) => of === kind).slice(0, functions).map(([, title, micros]) => [
        `${kind}: ${title}`,
        ...told(micros)
      ])
    )
  ]
  process.stdout.write(`${name}\n\n${table(["", unit, "of all"], rows, 1)}\n\n`)
}
process.exit(0)
