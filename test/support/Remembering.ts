/** Simulated clusters whose nodes remember, each on a disk of its own. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Snapshot } from "../../src/base/Snapshot.ts"
import { Delegate } from "../../src/Delegate.ts"
import { type Memberlist, MemberlistLive } from "../../src/Memberlist.ts"
import type { Settings } from "../../src/MemberlistConfig.ts"
import type { ConfigInvalid, SeedInvalid, StartError } from "../../src/MemberlistError.ts"
import { Seeds } from "../../src/Seeds.ts"
import { type Options as SnapshotOptions, Snapshots } from "../../src/Snapshots.ts"
import { SimulatedCluster, VirtualTime } from "../../src/testing/index.ts"
import * as SnapshotFormat from "../../src/wire/SnapshotFormat.ts"
import { Disk } from "./Disk.ts"

/** Runs a test in virtual time. */
export const live = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>, limit: "1 hour" | "1 day" = "1 hour"): A => {
  const program = Effect.scoped(effect).pipe(Effect.provideService(References.MinimumLogLevel, "None"))
  const exit = VirtualTime.run(program, { seed: 1, limit })
  if (Exit.isFailure(exit)) throw new Error(String(exit.cause))
  return exit.value
}

export const fileOf = (name: string) => `/data/${name}`

/** What a disk remembers of a node. */
export const remembered = (disk: Disk, name: string, label = ""): Snapshot | undefined => {
  const bytes = disk.get(fileOf(name))
  if (bytes === undefined) return undefined
  return Result.getOrThrow(SnapshotFormat.decode(bytes, { name, label }))
}

export interface Options {
  readonly seed?: number
  readonly config?: Settings | ((name: string) => Settings)
  readonly snapshots?: SnapshotOptions
  /** The seeds that each node is given; without them none is. */
  readonly seeds?: ReadonlyArray<string>
  readonly delegate?: (name: string) => Delegate
}

/** A cluster, its disks, and how a node is killed with all that it was writing. */
export const make = Effect.fnUntraced(function*(names: ReadonlyArray<string>, options: Options = {}) {
  const disks = new Map(names.map((name) => [name, new Disk()]))
  const disk = (name: string): Disk => disks.get(name) ?? new Disk()
  const cluster = yield* SimulatedCluster.make<Memberlist, StartError | ConfigInvalid | SeedInvalid>({
    nodes: names,
    seed: options.seed ?? 1,
    config: options.config,
    layer: (name) =>
      (options.seeds === undefined ? MemberlistLive : Layer.provide(MemberlistLive, Seeds.layerStatic(options.seeds)))
        .pipe(
          Layer.provide(Layer.succeed(Delegate, options.delegate?.(name) ?? {})),
          Layer.provide(Snapshots.layerFile(fileOf(name), options.snapshots)),
          Layer.provide(Layer.sync(FileSystem.FileSystem, () => disk(name).mount()))
        )
  })
  const kill = (name: string) =>
    Effect.andThen(
      Effect.sync(() => disk(name).kill()),
      cluster.kill(name)
    )
  const counters = (name: string) => Effect.flatMap(cluster.node(name), (node) => node.counters)
  /** The members that a node lists, as one text. */
  const list = (name: string) =>
    Effect.map(
      Effect.flatMap(cluster.node(name), (node) => node.members),
      (members) => members.map((member) => member.name).sort().join("")
    )
  /** How long it takes, in milliseconds, until all that run list all others; at most ten minutes. */
  const whole = Effect.gen(function*() {
    for (let waited = 0; waited < 600_000; waited += 50) {
      const running = yield* cluster.running
      const views = yield* Effect.forEach(running, list)
      if (views.every((view) => view === [...running].sort().join(""))) return waited
      yield* Effect.sleep(50)
    }
    return Number.POSITIVE_INFINITY
  })
  return { ...cluster, kill, disk, counters, list, whole }
})
