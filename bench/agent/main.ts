/**
 * `npm run bench:agent`: load on an agent's HTTP API, and whether its cluster notices. Five agents; one of them has many
 * readers of its streams, and answers many requests. It fails when a request fails, an event is lost, or any agent
 * suspects another. What was measured last is kept in `bench/results/agent.json`.
 */
import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { loadavg } from "node:os"
import * as Path from "node:path"
import { writePart } from "../../simulate/drawing/Page.ts"
import { Arguments } from "../../simulate/running/Arguments.ts"
import { commitOf, machine } from "../run/Machine.ts"
import { wait } from "../run/Measuring.ts"
import { Progress } from "../run/Progress.ts"
import { root } from "../run/Stage.ts"
import { Agent, build, endAll, fromSource, type Health, Loader } from "./Cluster.ts"
import { AGENTS, type Calls, failuresOf, type Measured, type Order, type Read, type Watched } from "./Measured.ts"
import type { Observed } from "./observe.ts"
import { page } from "./Page.ts"

const usage = `npm run bench:agent [-- options]

  --clients N        readers of the agent's streams, default 1000 (with --quick 50); the agent has at most 1024
  --rate N           requests a second, default 200
  --seconds N        how long, default 60 (with --quick 2)
  --quick            a short look, from source
  --source           runs the sources, and does not build the package
  --cpu-prof FOLDER  the loaded agent leaves a profile of its processor time there
  --write            keeps what was measured, and writes it into docs/agent.md
  --page             writes docs/agent.md from what was kept, and measures nothing
`

const args = new Arguments(usage)
const { values: given } = args.parse({
  options: {
    clients: { type: "string" },
    rate: { type: "string", default: "200" },
    seconds: { type: "string" },
    quick: { type: "boolean", default: false },
    source: { type: "boolean", default: false },
    "cpu-prof": { type: "string" },
    write: { type: "boolean", default: false },
    page: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})
const order: Order = {
  clients: args.whole("clients", given.clients ?? (given.quick ? "50" : "1000"), 10, 1024),
  rate: args.whole("rate", given.rate, 1, 2000),
  seconds: args.whole("seconds", given.seconds ?? (given.quick ? "2" : "60"), 1, 600),
  restSeconds: given.quick ? 0.5 : 10
}
const kept = Path.join(root, "bench/results/agent.json")
const document = Path.join(root, "docs/agent.md")
const writePage = (measured: Measured) =>
  writePart(document, "<!-- measured -->", "<!-- end of what was measured -->", page(measured))

if (given.write && given.quick) args.fail("--write with --quick: expected one of the two")
if (given.page) {
  writePage(JSON.parse(readFileSync(kept, "utf8")))
  process.exit(0)
}

/** Files that are open beside one for each stream. */
const SPARE_FILES = 512
const files = process.platform === "win32"
  ? Infinity
  : Number(execFileSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" }).trim().replace("unlimited", "Infinity"))
if (files < order.clients + SPARE_FILES) {
  args.fail(
    `--clients ${order.clients}: a process may open ${files} files here; expected ${order.clients + SPARE_FILES}`
  )
}

process.on("exit", endAll)
// an agent that ends too early, for example
process.on("uncaughtException", (error: Error) => {
  process.stderr.write(`failed: ${error.message}\n`)
  process.exit(1)
})
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130))

const isBuilt = !given.quick && !given.source
process.stderr.write(isBuilt ? "builds the package\n" : "runs the sources\n")
const built = isBuilt ? build() : fromSource()
const folder = given["cpu-prof"] === undefined ? undefined : Path.resolve(given["cpu-prof"])
const profiled = folder === undefined
  ? built
  : { ...built, flags: [...built.flags, "--cpu-prof", `--cpu-prof-dir=${folder}`] }

const [load = 0] = loadavg()
const { restSeconds, seconds } = order
/** How long events may still be on their way after the last request, in seconds. */
const LAST_SECONDS = 5
const progress = new Progress([
  { name: "agents", seconds: 10 },
  { name: "before", seconds: restSeconds },
  { name: "streams", seconds: order.clients / 400 + restSeconds },
  { name: "load", seconds: seconds + 1 },
  { name: "after", seconds: restSeconds }
])

const loaded = await Agent.start(profiled, "agent-1", undefined)
const others = await Promise.all(
  Array.from({ length: AGENTS - 1 }, (_, i) => Agent.start(built, `agent-${i + 2}`, loaded.address))
)
const agents = [loaded, ...others]
const live = ({ members }: Health): number => (members["alive"] ?? 0) + (members["suspect"] ?? 0)
const patience = performance.now() + 30_000
while ((await Promise.all(agents.map(async (agent) => live(await agent.health())))).some((count) => count < AGENTS)) {
  if (performance.now() > patience) throw new Error("the agents did not find each other in 30 s")
  await wait(0.2)
}
progress.done(`${AGENTS} agents have joined`)

let score = 0
const healths = async (): Promise<ReadonlyArray<Health>> => {
  const all = await Promise.all(agents.map((agent) => agent.health()))
  score = Math.max(score, ...all.map((health) => health.score))
  return all
}
/** Watches the loaded agent while something goes on. */
const during = async <A>(stretch: string, act: () => Promise<A>): Promise<readonly [A, Watched]> => {
  const before = await loaded.observe()
  const began = performance.now()
  const result = await act()
  const seconds = (performance.now() - began) / 1000
  const { cpu, delay, heap, resident } = await loaded.observe()
  return [result, { stretch, seconds, cpu: (cpu - before.cpu) / 1000 / seconds, resident, heap, delay }]
}
const rest = () => wait(restSeconds)

// what was said while they joined is no matter of the load
const heard = await Promise.all(agents.map(async (agent) => (await agent.verdicts()).length))
for (const { warnings } of agents) warnings.length = 0
const first = await healths()
score = 0
const looking = setInterval(() => void healths().catch(() => undefined), 1000)

const heldBefore = await loaded.held()
const [, before] = await during("before", rest)
progress.done(`${(before.cpu * 100).toFixed(0)} % of a processor`)

const readers = new Loader("readers")
const callers = new Loader("callers")
progress.say(`opens ${order.clients} streams`)
const [, opening] = await during("streams are opened", () => readers.ask({ do: "open", order, url: loaded.url }))
const [, quiet] = await during("streams are open", rest)
progress.done(`${order.clients} are open`)

for (const agent of others) await agent.observe()
progress.say(`${order.rate} requests a second`)
const [calls, under] = await during("load", async () => {
  const { calls } = await callers.ask<{ readonly calls: Calls }>({
    order,
    url: loaded.url,
    member: "agent-2"
  })
  return calls
})
const delays = await Promise.all(others.map((agent) => agent.observe()))
const tell = async () => {
  const { updates, values } = calls
  const { reads } = await readers.ask<{ readonly reads: ReadonlyArray<Read> }>({ do: "tell", updates, values })
  return reads
}
let reads = await tell()
for (const end = performance.now() + LAST_SECONDS * 1000; performance.now() < end; reads = await tell()) {
  if (reads.every(({ delivered, expected }) => delivered >= expected)) break
  await wait(0.2)
}
progress.done(`${(under.cpu * 100).toFixed(0)} % of a processor, ${calls.rate.toFixed(1)} requests a second`)

await readers.ask({ do: "close" })
const [, after] = await during("after, streams closed", rest)
const held = { before: heldBefore, after: await loaded.held() }
clearInterval(looking)
const last = await healths()
const verdicts = (await Promise.all(agents.map(async (agent, i) => (await agent.verdicts()).slice(heard[i])))).flat()
progress.done(`${after.resident.toFixed(0)} MB`)

const grown = (counter: string): number =>
  last.reduce((sum, { counters }, i) => sum + (counters[counter] ?? 0) - (first[i]?.counters[counter] ?? 0), 0)
const worst = (of: (observed: Observed) => number) => Math.max(...delays.map(of))
const { memoryGB, node, processors, system } = machine()
const measured: Measured = {
  at: new Date().toISOString(),
  commit: commitOf(root),
  processors,
  memoryGB,
  system,
  node,
  load,
  isBuilt,
  order,
  calls,
  reads,
  watched: [before, opening, quiet, under, after],
  held,
  others: {
    count: delays.length,
    p50: worst(({ delay }) => delay.p50),
    p99: worst(({ delay }) => delay.p99),
    max: worst(({ delay }) => delay.max)
  },
  protocol: {
    verdicts,
    suspected: grown("msg.suspect"),
    failed: grown("msg.dead"),
    probesFailed: grown("probe.failed"),
    score,
    members: last.map(live),
    warnings: agents.flatMap(({ warnings }) => warnings)
  }
}
readers.end()
callers.end()
for (const agent of [...others, loaded]) await agent.stop()

process.stdout.write(`${page(measured)}\n`)
for (const warning of measured.protocol.warnings) process.stderr.write(`${warning}\n`)
const failures = failuresOf(measured)
if (given.write && failures.length > 0) process.stderr.write("nothing is written, because the run failed\n")
else if (given.write) {
  writeFileSync(kept, `${JSON.stringify(measured, null, 2)}\n`)
  writePage(measured)
  process.stderr.write(
    `${Path.relative(process.cwd(), kept)} and ${Path.relative(process.cwd(), document)} are written\n`
  )
}
for (const failure of failures) process.stderr.write(`failed: ${failure}\n`)
process.exit(failures.length === 0 ? 0 : 1)
