/**
 * How fast whole clusters run in virtual time, on one core: `npm exec -- node bench/simulation.ts [members] [seconds]`.
 * All members start in the first virtual second and join through the first one.
 */
import { Memberlist, MemberlistConfig, MemberlistLive } from "effect-memberlist"
import { SimulatedNetwork, VirtualTime } from "effect-memberlist/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import { Line, span } from "../simulate/running/Line.ts"

const members = Number(process.argv[2] ?? 128)
const seconds = Number(process.argv[3] ?? 120)

const ip = (i: number) => `10.0.${i >> 8}.${i & 255}`

const node = (i: number) =>
  MemberlistLive.pipe(
    Layer.provide(SimulatedNetwork.transport(ip(i))),
    Layer.provide(
      MemberlistConfig.layer({ ...MemberlistConfig.lan, name: `n${i}`, leaveTimeout: 0, enableCompression: false })
    )
  )

const line = new Line()
const began = performance.now()

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
  yield* Effect.forEach(clusters, (cluster) => cluster.join([ip(1)]), { concurrency: 16 })
  yield* Effect.sleep(`${seconds} seconds`)
  const views = yield* Effect.forEach(clusters, (cluster) => Effect.map(cluster.members, (list) => list.length))
  return { complete: views.filter((n) => n === members).length, stats: yield* network.stats }
}).pipe(
  Effect.scoped,
  Effect.provideService(References.MinimumLogLevel, "None"),
  Effect.provide(SimulatedNetwork.layer({ latency: ["1 millis", "5 millis"] }))
)

const before = process.cpuUsage()
const exit = VirtualTime.run(program, { seed: 1 })
const took = (performance.now() - began) / 1000
const { system, user } = process.cpuUsage(before)
if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
const { complete, stats } = exit.value
line.clear()
console.log(
  `${members} members, ${seconds} virtual seconds: ${took.toFixed(1)} s, ` +
    `${((system + user) / 1e6).toFixed(1)} s of processor time; ${complete} complete views; ` +
    `${stats.packetsSent} packets, ${((took * 1e6) / stats.packetsSent).toFixed(1)} µs each; ` +
    `at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`
)
