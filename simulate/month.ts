/**
 * `npm run simulate:month`: a month of three nodes, of which one stays and the others are replaced all the time, each by one
 * of a new name at a new address, some with a goodbye and some without. Everything that a node keeps must stay within its
 * limit all the while (`Bounds`), and the three must list each other after each replacement.
 */
import { SimulatedCluster, VirtualTime } from "effect-memberlist/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import { Observer } from "../src/engine/StepObserver.ts"
import { Checker } from "../src/testing/checks/Checker.ts"
import { Arguments } from "./running/Arguments.ts"
import { Line } from "./running/Line.ts"

const usage = `npm run simulate:month [-- options]

  --days N      virtual days, default 30
  --minutes N   between two replacements, default 20
  --seed N      default 1
`

const args = new Arguments(usage)
const { values: given } = args.parse({
  options: {
    help: { type: "boolean", default: false },
    days: { type: "string", default: "30" },
    minutes: { type: "string", default: "20" },
    seed: { type: "string", default: "1" }
  }
})
const days = args.whole("days", given.days, 1)
const minutes = args.whole("minutes", given.minutes, 1)
const seed = args.whole("seed", given.seed, 1)

const replacements = Math.floor(days * 24 * 60 / minutes)
/** The longest that a replaced node may be missed, or its former self be listed: a probe, a suspicion, a few exchanges. */
const SETTLED = "1 minute"

const checker = new Checker()
const most = { entries: 0, lost: 0, ring: 0, queued: 0 }
const observe: Observer = (step) => {
  checker.observe(step)
  if (step.node.name !== "stays") return
  most.entries = Math.max(most.entries, step.next.entries.size)
  most.lost = Math.max(most.lost, step.next.lost.peers.length)
  most.ring = Math.max(most.ring, step.next.ring.names.length)
  most.queued = Math.max(most.queued, step.node.gossip.current.size)
}

const progress = new Line()

const month = Effect.gen(function*() {
  const pods = Array.from({ length: replacements + 2 }, (_, i) => `pod-${i + 1}`)
  const cluster = yield* SimulatedCluster.make({
    nodes: ["stays", ...pods],
    seed,
    observe: Layer.succeed(Observer, observe)
  })
  const enter = Effect.fnUntraced(function*(name: string) {
    yield* cluster.start(name)
    yield* cluster.rejoin(name, ["stays"])
  })
  yield* cluster.start("stays")
  const present: Array<string> = []
  let incomplete = 0
  for (const [i, name] of pods.entries()) {
    yield* enter(name)
    present.push(name)
    if (present.length < 2) continue
    yield* Effect.sleep(SETTLED)
    const expected = ["stays", ...present].sort().join(" ")
    for (const member of ["stays", ...present]) {
      const view = yield* (yield* cluster.node(member)).members
      if (view.map((each) => each.name).sort().join(" ") !== expected) incomplete++
    }
    yield* Effect.sleep((minutes - 1) * 60_000)
    progress.show(`${i} of ${replacements} replacements`, `${checker.steps} steps`, `${most.lost} lost peers at most`)
    const former = present.shift()
    // every other one is killed
    if (former !== undefined) yield* i % 2 === 0 ? cluster.kill(former) : cluster.stop(former)
  }
  return incomplete
}).pipe(Effect.scoped, Effect.provide(Logger.layer([])))

const started = process.cpuUsage()
const exit = VirtualTime.run(month, { seed, limit: `${days + 1} days` })
progress.clear()
const { system, user } = process.cpuUsage(started)
const memory = Math.round(process.memoryUsage().heapUsed / 2 ** 20)
if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
process.stdout.write(
  `${days} days, ${replacements} replacements, ${checker.steps} steps checked in ${
    Math.round((system + user) / 1e6)
  } s of processor time, ${memory} MiB in the end\n`
    + `the node that stayed had at most ${most.entries} entries, ${most.ring} in its probe ring, ${most.lost} lost peers, `
    + `${most.queued} claims queued\n`
    + `${checker.violations.length} violations; ${exit.value} views that were wrong a minute after a replacement\n`
)
for (const { invariant, message, node } of checker.violations.slice(0, 10)) {
  process.stdout.write(`${invariant} at ${node}: ${message}\n`)
}
process.exitCode = checker.violations.length + exit.value === 0 ? 0 : 1
