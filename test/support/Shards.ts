/** Runners of Effect Cluster in one process and in virtual time: their locks, and the calls between them. */
import * as ClusterError from "effect/cluster/ClusterError"
import * as MachineId from "effect/cluster/MachineId"
import * as Message from "effect/cluster/Message"
import type * as MessageStorage from "effect/cluster/MessageStorage"
import * as Reply from "effect/cluster/Reply"
import type { Runner } from "effect/cluster/Runner"
import type * as RunnerAddress from "effect/cluster/RunnerAddress"
import * as Runners from "effect/cluster/Runners"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardId from "effect/cluster/ShardId"
import type * as Sharding from "effect/cluster/Sharding"
import type * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Snowflake from "effect/cluster/Snowflake"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { CodecFor } from "effect/rpc/RpcSerialization"
import * as Schema from "effect/Schema"

const key = ({ host, port }: RunnerAddress.RunnerAddress) => `${host}:${port}`

/** Milliseconds for which a lock is held that nobody refreshes: what Effect's own storage has by default. */
export const LEASE = 35_000

/** Locks and machine ids that all runners share, as a database has them. */
export class Store {
  /** Calls, as `register 10.0.0.1:1` or `acquire 10.0.0.1:1 3`, those that refresh locks left out. */
  readonly calls: Array<string> = []
  /** Whether locks outlive the connection of who holds them, until their lease is over. */
  leased = true
  private readonly lost = new Set<string>()
  private readonly machines = new Map<string, number>()
  private readonly locks = new Map<string, { owner: string; until: number }>()

  /** Who holds a lock. */
  ownerOf(shard: string): string | undefined {
    return this.locks.get(shard)?.owner
  }

  /** Ends the connection of a runner. */
  lose(address: RunnerAddress.RunnerAddress): void {
    this.lost.add(key(address))
    if (!this.leased) this.free(key(address))
  }

  private free(runner: string): void {
    for (const [shard, { owner }] of this.locks) if (owner === runner) this.locks.delete(shard)
  }

  readonly storage: Layer.Layer<RunnerStorage.RunnerStorage> = Layer.sync(RunnerStorage.RunnerStorage, () => {
    const told = <A>(what: string, address: RunnerAddress.RunnerAddress, answer: (now: number) => A) =>
      Effect.clockWith((clock) =>
        Effect.flatMap(clock.currentTimeMillis, (now) => {
          if (this.lost.has(key(address))) {
            return Effect.fail(new ClusterError.PersistenceError({ cause: "no connection" }))
          }
          if (what !== "refresh") this.calls.push(`${what} ${key(address)}`)
          return Effect.sync(() => answer(now))
        })
      )
    const isFree = (shard: string, owner: string, now: number) => {
      const lock = this.locks.get(shard)
      return lock === undefined || lock.owner === owner || lock.until <= now
    }
    const take = (owner: string, now: number, shards: ReadonlyArray<string>) => {
      for (const shard of shards) this.locks.set(shard, { owner, until: now + LEASE })
      return shards.map(ShardId.fromString)
    }
    const texts = (shards: Iterable<ShardId.ShardId>) => Array.from(shards, String)
    return RunnerStorage.RunnerStorage.of({
      register: ({ address }: Runner) =>
        told("register", address, () => {
          const known = this.machines.get(key(address)) ?? this.machines.size + 1
          this.machines.set(key(address), known)
          return MachineId.make(known)
        }),
      unregister: (address) => told("unregister", address, () => {}),
      setRunnerHealth: (address, healthy) =>
        Effect.sync(() => void this.calls.push(`setRunnerHealth ${key(address)} ${healthy}`)),
      getRunners: Effect.die("the list is not read from the storage"),
      acquire: (address, shards) =>
        told(
          "acquire",
          address,
          (now) => take(key(address), now, texts(shards).filter((shard) => isFree(shard, key(address), now)))
        ),
      refresh: (address, shards) =>
        told(
          "refresh",
          address,
          (now) => take(key(address), now, texts(shards).filter((shard) => this.ownerOf(shard) === key(address)))
        ),
      release: (address, shard) =>
        told("release", address, () => {
          if (this.ownerOf(String(shard)) === key(address)) this.locks.delete(String(shard))
        }),
      releaseAll: (address) => told("releaseAll", address, () => this.free(key(address)))
    })
  })
}

const codecFor: CodecFor = Schema.toCodecJson

/** The calls between runners, while they are there. */
export class Calls {
  readonly runners = new Map<string, Sharding.Sharding["Service"]>()

  readonly layer: Layer.Layer<
    Runners.Runners,
    never,
    MessageStorage.MessageStorage | ShardingConfig.ShardingConfig
  > = Layer.effect(
    Runners.Runners,
    Effect.suspend(() =>
      Runners.make({
        codecFor,
        ping: (address) => Effect.asVoid(this.at(address)),
        send: ({ address, message }) =>
          Effect.gen({ self: this }, function*() {
            const sharding = yield* this.at(address)
            if (message._tag === "OutgoingEnvelope") return yield* sharding.send(new Message.IncomingEnvelope(message))
            const envelope = yield* Effect.orDie(Message.serializeRequest(message, codecFor))
            return yield* sharding.send(
              new Message.IncomingRequest({
                envelope,
                codecFor,
                lastSentReply: Option.none(),
                respond: (reply) =>
                  Reply.serializeOrDefect(reply, codecFor).pipe(
                    Effect.flatMap(Schema.decodeEffect(Reply.Reply(message.rpc, codecFor))),
                    Effect.provideContext(message.context),
                    Effect.orDie,
                    Effect.flatMap(message.respond)
                  )
              })
            )
          }),
        notify: () => Effect.void,
        onRunnerUnavailable: () => Effect.void
      })
    )
  ).pipe(Layer.provide(Snowflake.layerGenerator))

  private at(address: RunnerAddress.RunnerAddress) {
    return Effect.suspend(() => {
      const sharding = this.runners.get(key(address))
      return sharding === undefined
        ? Effect.fail(new ClusterError.RunnerUnavailable({ address }))
        : Effect.succeed(sharding)
    })
  }
}
