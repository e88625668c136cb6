/**
 * Whether the runners of Effect Cluster are alive, as membership says.
 *
 * ```ts
 * import { Layer } from "effect"
 * import { RunnerHealth, Runners } from "effect/cluster"
 * import * as MemberlistRunnerHealth from "effect-memberlist/MemberlistRunnerHealth"
 *
 * // asks membership, and for addresses that no member announces Effect's ping
 * const HealthLive = MemberlistRunnerHealth.layer({
 *   otherwise: RunnerHealth.layerPing.pipe(Layer.provide(Runners.layerRpc))
 * })
 * ```
 *
 * A wrong "dead" costs a hand-over and no more, because locks decide who has a shard: gossip must not hold those. With
 * `MemberlistRunners` beside it, what it costs and saves, and a whole program: `docs/effect-cluster.md`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type { Memberlist } from "./Memberlist.ts"
import type { ChangeError } from "./MemberMeta.ts"
import { RunnerDirectory } from "./runners/RunnerDirectory.ts"
import type { RunnerTaken } from "./runners/RunnerTaken.ts"

export { RunnerTaken } from "./runners/RunnerTaken.ts"

/**
 * What the layer is made of.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E, R> {
  /**
   * Who is asked about an address that no member announces: Effect's ping (`RunnerHealth.layerPing`), its Kubernetes
   * check, or another.
   */
  readonly otherwise: Layer.Layer<RunnerHealth.RunnerHealth, E, R>
}

/**
 * Answers from membership whether a runner is alive, and announces the address of this program's runner while it lives.
 *
 * **Details**
 *
 * An address that a live member announces is alive, also while that member is suspected: most suspicions are refuted
 * within seconds. An address is dead when its member has failed or left, or announces another one now; that is
 * remembered for five minutes and up to 1,024 addresses. Any other address is asked of `otherwise`, as runners are that
 * do not take part, or that failed before this program began to watch.
 *
 * **Gotchas**
 *
 * Sharding asks one runner's health check for all, once in `runnerHealthCheckInterval`, a minute by default: without
 * `MemberlistRunners` nothing is noticed sooner than that. Asking costs nothing where members announce the address.
 * What the one says is written to the storage for all: where it is cut off from the others and not from the storage, it
 * says that all others are dead. With `MemberlistRunners` each runner has a list of its own.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <E, R>(options: Options<E, R>): Layer.Layer<
  RunnerHealth.RunnerHealth,
  E | RunnerTaken | ChangeError,
  Memberlist | ShardingConfig.ShardingConfig | R
> =>
  Layer.effect(
    RunnerHealth.RunnerHealth,
    Effect.gen(function*() {
      const directory = yield* RunnerDirectory
      const otherwise = yield* RunnerHealth.RunnerHealth
      yield* directory.claim("MemberlistRunnerHealth")
      const { runnerAddress } = yield* ShardingConfig.ShardingConfig
      if (Option.isSome(runnerAddress)) yield* directory.stand(runnerAddress.value)
      return RunnerHealth.RunnerHealth.of({
        isAlive: (address) =>
          Effect.flatMap(directory.stateOf(address), (state) =>
            state === "unknown" ? otherwise.isAlive(address) : Effect.succeed(state === "alive"))
      })
    })
  ).pipe(Layer.provide([options.otherwise, RunnerDirectory.layer]))
