/**
 * A runner of Effect Cluster whose peers are found, and whose failures are noticed, by memberlist. Start two or three:
 *
 *     NAME=a PORT=7946 RUNNER_PORT=34431 DATABASE=cluster.db npm exec -- node examples/effect-cluster/main.ts
 *     NAME=b PORT=7947 RUNNER_PORT=34432 DATABASE=cluster.db npm exec -- node examples/effect-cluster/main.ts 127.0.0.1:7946
 *
 * Each asks six entities where they are, and prints what has changed. Kill one, and see them answer
 * elsewhere: within ten seconds where locks end with their connection, and with the file of this example, whose locks are
 * leases, when these are over, after half a minute (`docs/effect-cluster.md`).
 */
import * as NodeClusterSocket from "@effect/platform-node/NodeClusterSocket"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Console, Effect, Layer, Option, Schedule, Schema } from "effect"
import { MemberlistConfig, NodeMemberlist, Seeds } from "effect-memberlist"
import * as MemberlistRunnerHealth from "effect-memberlist/MemberlistRunnerHealth"
import * as MemberlistRunners from "effect-memberlist/MemberlistRunners"
import {
  Entity,
  MessageStorage,
  RunnerAddress,
  RunnerHealth,
  Runners,
  ShardingConfig,
  SocketRunner,
  SqlRunnerStorage
} from "effect/cluster"
import { Rpc, RpcSerialization } from "effect/rpc"
import * as Sqlite from "./Sqlite.ts"

const settings = Config.all({
  name: Config.String("NAME"),
  port: Config.Int("PORT").pipe(Config.withDefault(7946)),
  runnerPort: Config.Int("RUNNER_PORT").pipe(Config.withDefault(34_431)),
  database: Config.String("DATABASE")
})

/** An entity that says where it is. */
const Greeter = Entity.make("Greeter", [Rpc.make("Where", { success: Schema.String })])
const GreeterLive = Layer.unwrap(
  Effect.map(settings, ({ name }) => Greeter.toLayer({ Where: () => Effect.succeed(name) }))
)

const ClusterLive = Layer.unwrap(Effect.map(settings, ({ database, name, port, runnerPort }) =>
  SocketRunner.layer.pipe(
    Layer.provide(NodeClusterSocket.layerSocketServer),
    Layer.provide([
      // who is there, from membership; locks and machine ids stay in the database
      MemberlistRunners.layer(SqlRunnerStorage.layer),
      // who is alive, from membership; Effect's ping for addresses that no member announces
      MemberlistRunnerHealth.layer({ otherwise: RunnerHealth.layerPing.pipe(Layer.provide(Runners.layerRpc)) })
    ]),
    Layer.provide([NodeClusterSocket.layerClientProtocol, MessageStorage.layerNoop]),
    Layer.provide([RpcSerialization.layerSchemaBinary(), Sqlite.layer(database)]),
    Layer.provide(NodeMemberlist.layer({ ...MemberlistConfig.lan, name, bindAddress: "127.0.0.1", bindPort: port })),
    Layer.provide(Seeds.layerStatic(process.argv.slice(2))),
    Layer.provide(ShardingConfig.layerFromEnv({
      runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", runnerPort))
    }))
  )))

const users = ["anna", "bert", "carl", "dora", "emil", "fine"]

const watch = Effect.gen(function*() {
  const client = yield* Greeter.client
  const places = new Map<string, string>()
  const ask = Effect.fnUntraced(function*(user: string) {
    // a call to a runner that has died waits for another one
    const place = yield* client(user).Where().pipe(
      Effect.timeout("1 second"),
      Effect.retry(Schedule.spaced("100 millis"))
    )
    if (places.get(user) !== place) yield* Console.log(`${user} is at ${place}`)
    places.set(user, place)
  })
  yield* Effect.forEach(users, (user) => Effect.repeat(ask(user), Schedule.spaced("250 millis")), {
    concurrency: "unbounded"
  })
})

Layer.effectDiscard(Effect.forkScoped(watch)).pipe(
  Layer.provide(GreeterLive),
  Layer.provide(ClusterLive),
  Layer.launch,
  NodeRuntime.runMain
)
