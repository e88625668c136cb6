/** A process that imports the library, builds a node with a seed, and ends when it has joined. */
import { Memberlist, MemberlistConfig, NodeMemberlist, Seeds } from "effect-memberlist"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as References from "effect/References"

const imported = { wall: performance.now(), cpu: process.cpuUsage() }
const marks: Record<string, number> = {}
const mark = (n: string) => { marks[n] = performance.now() - imported.wall }
const seed = process.argv[2] ?? ""
const useJoin = process.argv[3] === "join"
const layer = NodeMemberlist.layer({ ...MemberlistConfig.lan, name: `joins-${process.pid}`, bindAddress: "127.0.0.1", bindPort: 0 }).pipe(
  useJoin ? (x) => x : Layer.provide(Seeds.layerStatic([seed]))
)
await Effect.runPromise(
  Effect.gen(function*() {
    mark("built")
    const cluster = yield* Memberlist
    yield* useJoin ? cluster.join([seed]) : cluster.ready
    mark("joined")
    const { system, user } = process.cpuUsage(imported.cpu)
    process.stdout.write(JSON.stringify({ micros: system + user, ...marks, members: (yield* cluster.members).length }) + "\n")
    process.exit(0)
  }).pipe(Effect.provide(layer), Effect.provideService(References.MinimumLogLevel, "None"))
)
