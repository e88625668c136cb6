/**
 * The runners of Effect Cluster, listed as live members announce them. Everything else of a `RunnerStorage`, its locks
 * above all, stays with the storage that is given.
 *
 * ```ts
 * import { SqlRunnerStorage } from "effect/cluster"
 * import * as MemberlistRunners from "effect-memberlist/MemberlistRunners"
 *
 * const RunnersLive = MemberlistRunners.layer(SqlRunnerStorage.layer)
 * ```
 *
 * Sharding reads the list every three seconds (`refreshAssignmentsInterval`) and gives the shards of a runner that has
 * gone from it to others, who wait for its locks. Which health and list need which settings, and a whole program:
 * `docs/effect-cluster.md`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { PersistenceError } from "effect/cluster/ClusterError"
import type { Runner } from "effect/cluster/Runner"
import { RunnerStorage } from "effect/cluster/RunnerStorage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Memberlist } from "./Memberlist.ts"
import type { ChangeError } from "./MemberMeta.ts"
import { RunnerDirectory } from "./runners/RunnerDirectory.ts"
import { keyOf } from "./runners/RunnerMeta.ts"
import type { RunnerTaken } from "./runners/RunnerTaken.ts"

export { RunnerTaken } from "./runners/RunnerTaken.ts"

const sameListing = (a: Runner, b: Runner): boolean =>
  a.weight === b.weight && a.groups.length === b.groups.length && a.groups.every((group, i) => group === b.groups[i])

/**
 * Makes a `RunnerStorage` that lists runners from membership, and leaves the rest to the given one.
 *
 * **Details**
 *
 * `register` asks the storage for the machine id, then announces the runner: from then on it is in its own list, and
 * within moments in that of the other members. `getRunners` lists what live members announce, all healthy, suspects
 * included: whoever failed or left is not in it. `unregister` takes the runner out, then tells the storage.
 * `setRunnerHealth` tells the storage, for those who read it there, and changes nothing in the list. Locks (`acquire`,
 * `refresh`, `release`, `releaseAll`) are the storage's alone.
 *
 * A runner that does not fit into the metadata, with many long groups for example, fails `register` with a
 * `PersistenceError` whose cause says why; it is logged as well, because Sharding tries again in silence.
 *
 * **Gotchas**
 *
 * A node that is cut off, or has joined nobody yet, lists itself alone, and asks the storage for all shards. It gets
 * those whose locks are free: a storage that grants everything (`RunnerStorage.layerMemory`) makes two owners of it.
 *
 * `getRunners` is for one Sharding: a runner with another weight or other groups is left out of one list, whoever reads
 * that. A program that shows runners reads `Memberlist.members`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = <E, R>(storage: Layer.Layer<RunnerStorage, E, R>): Layer.Layer<
  RunnerStorage,
  E | RunnerTaken | ChangeError,
  Memberlist | R
> => Layer.effect(RunnerStorage, make).pipe(Layer.provide([storage, RunnerDirectory.layer]))

const make = Effect.gen(function*() {
  const cluster = yield* Memberlist
  const directory = yield* RunnerDirectory
  const storage = yield* RunnerStorage
  let lastTold: string | undefined
  /** The others as they were listed last. */
  let before: ReadonlyMap<string, Runner> = new Map()

  const refused = (error: ChangeError) =>
    Effect.gen(function*() {
      if (error.message !== lastTold) {
        lastTold = error.message
        yield* Effect.annotateLogs(Effect.logError(`this runner cannot be listed: ${error.message}`), {
          node: cluster.info.name
        })
      }
      return yield* new PersistenceError({ cause: error })
    })

  const list = Effect.map(directory.runners, ({ others, own }) => {
    const listed: Array<Runner> = own === undefined ? [] : [own]
    const current = new Map<string, Runner>()
    for (const runner of others) {
      const last = before.get(keyOf(runner.address))
      // Sharding takes a runner with another weight for one more, and then removes both; and overlooks other groups.
      // Left out of one list, it goes and comes.
      if (last !== undefined && !sameListing(last, runner)) continue
      listed.push(runner)
      current.set(keyOf(runner.address), runner)
    }
    before = current
    return listed.map((runner) => [runner, true] as const)
  })

  yield* directory.claim("MemberlistRunners")
  yield* Effect.addFinalizer(() => directory.unlist())

  return RunnerStorage.of({
    ...storage,
    register: (runner, healthy) =>
      Effect.tap(
        storage.register(runner, healthy),
        directory.list(runner).pipe(
          Effect.catch(refused),
          Effect.andThen(Effect.sync(() => void (lastTold = undefined)))
        )
      ),
    unregister: (address) => Effect.andThen(directory.unlist(address), storage.unregister(address)),
    getRunners: list
  })
})
