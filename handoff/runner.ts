/**
 * A runner of Effect Cluster as a process, which tells its parent when it sees what. Its settings are an argument, as
 * JSON.
 */
import { NodeClusterSocket, NodeRuntime } from "@effect/platform-node"
import { PgClient } from "@effect/sql-pg"
import { Effect, Layer, Logger, Option, Redacted, Schedule, Schema } from "effect"
import { MemberlistConfig, NodeMemberlist, Seeds } from "effect-memberlist"
import * as MemberlistRunnerHealth from "effect-memberlist/MemberlistRunnerHealth"
import * as MemberlistRunners from "effect-memberlist/MemberlistRunners"
import {
  Entity,
  MessageStorage,
  RunnerAddress,
  RunnerHealth,
  Runners,
  RunnerStorage,
  Sharding,
  ShardingConfig,
  SocketRunner,
  SqlRunnerStorage
} from "effect/cluster"
import { Rpc, RpcSerialization } from "effect/rpc"
import type { Settings, Told } from "./Cluster.ts"

const settings: Settings = JSON.parse(process.argv[2] ?? "{}")

const tell = (told: Told) => Effect.sync(() => void process.send?.(told))

const Where = Entity.make("Where", [Rpc.make("Name", { success: Schema.String })])

/** A storage that tells which runners it lists, and which shards it gives. */
const telling = <E, R>(storage: Layer.Layer<RunnerStorage.RunnerStorage, E, R>) =>
  Layer.effect(
    RunnerStorage.RunnerStorage,
    Effect.map(RunnerStorage.RunnerStorage, (inner) => {
      let last = ""
      return RunnerStorage.RunnerStorage.of({
        ...inner,
        getRunners: Effect.tap(inner.getRunners, (runners) => {
          const ports = runners.flatMap(([{ address }, healthy]) => healthy ? [address.port] : []).toSorted()
          if (String(ports) === last) return Effect.void
          last = String(ports)
          return tell({ what: "lists", at: Date.now(), ports })
        }),
        acquire: (address, shards) =>
          Effect.tap(inner.acquire(address, shards), (got) =>
            got.length === 0 ? Effect.void : tell({ what: "locks", at: Date.now(), shards: got.map(String) }))
      })
    })
  ).pipe(Layer.provide(storage))

const ping = RunnerHealth.layerPing.pipe(Layer.provide(Runners.layerRpc))
const locks = SqlRunnerStorage.layerWith({ prefix: settings.prefix })

const RunnerLive = SocketRunner.layer.pipe(
  Layer.provide(NodeClusterSocket.layerSocketServer),
  Layer.provide([
    telling(settings.ours === "health and list" ? MemberlistRunners.layer(locks) : locks),
    settings.ours === "nothing" ? ping : MemberlistRunnerHealth.layer({ otherwise: ping })
  ]),
  Layer.provide([NodeClusterSocket.layerClientProtocol, MessageStorage.layerNoop]),
  Layer.provide([
    RpcSerialization.layerSchemaBinary(),
    PgClient.layer({ url: Redacted.make(settings.database), maxConnections: 3 })
  ]),
  Layer.provide(NodeMemberlist.layer({
    ...MemberlistConfig.lan,
    name: settings.name,
    bindAddress: "127.0.0.1",
    bindPort: settings.port
  })),
  Layer.provide(Seeds.layerStatic([settings.seed])),
  Layer.provide(ShardingConfig.layer({
    ...settings.sharding,
    shardLockDisableAdvisory: settings.locks === "lease",
    runnerAddress: Option.some(RunnerAddress.make("127.0.0.1", settings.runnerPort))
  })),
  Layer.provide(Logger.layer([]))
)

/** Asks for an entity without an end, and tells where it is whenever that is another place. */
const watch = Effect.gen(function*() {
  const sharding = yield* Sharding.Sharding
  const client = yield* Where.client
  let last = ""
  const ask = (id: string) =>
    client(id).Name().pipe(
      Effect.timeout("1 second"),
      Effect.flatMap((place) => {
        if (`${id} ${place}` === last) return Effect.void
        last = `${id} ${place}`
        const shard = String(sharding.getShardId(id as never, "default"))
        return tell({ what: "answers", at: Date.now(), id, place, shard })
      }),
      Effect.ignoreCause
    )
  let id = "entity/0"
  process.on("message", (asked: string) => {
    id = asked
    last = ""
  })
  yield* Effect.repeat(Effect.suspend(() => ask(id)), Schedule.spaced("50 millis"))
})

Layer.effectDiscard(Effect.forkScoped(watch)).pipe(
  Layer.provide(Where.toLayer({ Name: () => Effect.succeed(settings.name) })),
  Layer.provide(RunnerLive),
  Layer.launch,
  NodeRuntime.runMain
)
