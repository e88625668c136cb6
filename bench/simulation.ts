/**
 * How fast whole clusters run in virtual time, on one core: `npm exec -- node bench/simulation.ts [members] [seconds]`.
 * All members start in the first virtual second and join through the first one; with `--settled` they are put into the
 * state of a cluster that has been up for long instead. `--json` prints the figures as JSON, and `--keep` adds them to
 * bench/results/settled.jsonl, for simulations that take long.
 */
import { Memberlist, MemberlistConfig, MemberlistLive } from "effect-memberlist"
import { SimulatedNetwork, VirtualTime } from "effect-memberlist/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import { appendFileSync } from "node:fs"
import { loadavg } from "node:os"
import * as Path from "node:path"
import { Arguments } from "../simulate/running/Arguments.ts"
import { Line, span } from "../simulate/running/Line.ts"
import { type ObservedStep, Observer } from "../src/engine/StepObserver.ts"
import * as Membership from "../src/swim/membership/Membership.ts"
import * as Settling from "../src/testing/settled/Settling.ts"
import { commitOf } from "./run/Machine.ts"
import { root } from "./run/Stage.ts"

const usage = `npm exec -- node bench/simulation.ts [options] [members] [seconds]

  members           1 to 10000, default 128
  seconds           of virtual time, default 120
  --settled         begin as a cluster that has been up for long
  --json            print the figures as JSON
  --keep            add them to bench/results/settled.jsonl
`

const args = new Arguments(usage)
const { positionals, values } = args.parse({
  allowPositionals: true,
  options: {
    help: { type: "boolean", default: false },
    settled: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    keep: { type: "boolean", default: false }
  }
})
const [members, seconds] = [
  args.whole("members", positionals[0] ?? "128", 1, 10_000),
  args.whole("seconds", positionals[1] ?? "120", 1)
]

const ip = (i: number) => `10.0.${i >> 8}.${i & 255}`

const settling = Settling.make()

/** Each node's table as it is now: lists of members would be a million objects, which belong to whoever asks for them. */
const latest = new Map<string, Membership.Membership>()

const observe = (step: ObservedStep) => {
  settling.observe(step)
  latest.set(step.node.name, step.next)
}

const node = (i: number) =>
  MemberlistLive.pipe(
    Layer.provide(SimulatedNetwork.transport(ip(i))),
    Layer.provide(
      MemberlistConfig.layer({ ...MemberlistConfig.lan, name: `n${i}`, leaveTimeout: 0, enableCompression: false })
    )
  )

const line = new Line()
const began = performance.now()
const before = process.cpuUsage()

/** Seconds since a moment, and of processor time. */
const figures = (since: number, used: NodeJS.CpuUsage) => {
  const { system, user } = process.cpuUsage(used)
  return { seconds: (performance.now() - since) / 1000, processor: (system + user) / 1e6 }
}

/** Says how far the virtual time has come, twice in each of its seconds. */
const progress = Effect.gen(function*() {
  for (let virtual = 0.5;; virtual += 0.5) {
    yield* Effect.sleep("500 millis")
    const elapsed = (performance.now() - began) / 1000
    line.show(
      `${members} members`,
      `${virtual} of ${seconds} virtual seconds`,
      `${(virtual / elapsed).toFixed(2)} a second`,
      `${span(elapsed / virtual * Math.max(0, seconds - virtual))} left`
    )
  }
})

const program = Effect.gen(function*() {
  if (line.isShown) yield* Effect.forkScoped(progress)
  const network = yield* SimulatedNetwork
  const clusters = yield* Effect.forEach(
    Array.from({ length: members }, (_, i) => i + 1),
    (i) => Effect.flatMap(Layer.build(node(i)), (context) => Effect.provide(Memberlist, context))
  )
  if (values.settled) yield* settling.settle
  else yield* Effect.forEach(clusters, (cluster) => cluster.join([ip(1)]), { concurrency: 16 })
  const started = figures(began, before)
  yield* Effect.sleep(`${seconds} seconds`)
  const complete = [...latest.values()].filter((table) => Membership.members(table).length === members).length
  return { complete, started, stats: yield* network.stats }
}).pipe(
  Effect.scoped,
  Effect.provideService(Observer, observe),
  Effect.provideService(References.MinimumLogLevel, "None"),
  Effect.provide(SimulatedNetwork.layer({ latency: ["1 millis", "5 millis"] }))
)

const exit = VirtualTime.run(program, { seed: 1 })
const { processor, seconds: took } = figures(began, before)
if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
const { complete, started, stats } = exit.value
const mostMemory = process.resourceUsage().maxRSS * 1024
line.clear()
const shown = `${members} members, ${seconds} virtual seconds: ${took.toFixed(1)} s, ` +
  `${processor.toFixed(1)} s of processor time (${started.processor.toFixed(1)} until all had ` +
  `${values.settled ? "settled" : "joined"}); ${complete} complete views; ` +
  `${stats.packetsSent} packets, ${((took * 1e6) / stats.packetsSent).toFixed(1)} µs each; ` +
  `at most ${Math.round(mostMemory / 2 ** 20)} MiB`
const { bytesSent, packetsDelivered, packetsSent } = stats
const result = {
  members,
  seconds,
  took,
  processor,
  started,
  mostMemory,
  complete,
  packetsSent,
  packetsDelivered,
  bytesSent
}
console.log(values.json ? JSON.stringify(result) : shown)
if (values.keep) {
  const [load = 0] = loadavg()
  const kept = { at: new Date().toISOString(), commit: commitOf(root), load, settled: values.settled, ...result }
  appendFileSync(Path.join(root, "bench/results/settled.jsonl"), `${JSON.stringify(kept)}\n`)
}
