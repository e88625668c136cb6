/** What planned settings give in a simulated cluster: traffic, false alarms, news, and failures one at a time. */
import * as Effect from "effect/Effect"
import type { Tuning } from "../../src/config/plan/Circumstances.ts"
import { type Cluster, now, run, traffic } from "../measuring/Cluster.ts"
import { seeded } from "../measuring/Seeded.ts"

export interface Job {
  readonly members: number
  readonly loss: number
  readonly tuning: Tuning
  readonly seed: number
  /** Members that stop without a word, one after the other. */
  readonly victims: number
  /** Milliseconds without a failure before that. */
  readonly quiet: number
}

/** Times in milliseconds; infinite (`null` when kept) for what did not happen in time. */
export interface Result {
  /** Of each member that stopped: until the first verdict, and until all have one. */
  readonly first: ReadonlyArray<number>
  readonly all: ReadonlyArray<number>
  /** Of each change of metadata: until half, and until all know. */
  readonly half: ReadonlyArray<number>
  readonly known: ReadonlyArray<number>
  /** In the quiet time, of all members together: what was sent, and what live members were taken for. */
  readonly seconds: number
  readonly packets: number
  readonly packetBytes: number
  readonly streamBytes: number
  readonly suspicions: number
  readonly verdicts: number
}

/** One-way delays in milliseconds. */
const LATENCY = [1, 5] as const
/** Changes of metadata in each run. */
const CHANGES = 2

const timesOf = (cluster: Cluster, about: string, what: string, began: number): ReadonlyArray<number> => {
  const first = new Map<string, number>()
  for (const belief of cluster.beliefs) {
    if (belief.about !== about || belief.what !== what || first.has(belief.observer)) continue
    first.set(belief.observer, belief.at - began)
  }
  return [...first.values()].sort((a, b) => a - b)
}

export const measure = ({ loss, members, quiet, seed, tuning, victims }: Job): Result =>
  run(
    { members, settings: { ...tuning }, seed: `plan/${members}/${seed}`, latency: LATENCY, loss, settled: true },
    Effect.fnUntraced(function*(cluster) {
      const { probeInterval } = tuning
      const random = seeded(`plan/${members}/${seed}`)
      yield* Effect.sleep(2 * probeInterval)

      const before = yield* traffic(cluster)
      cluster.beliefs.length = 0
      const began = yield* now
      yield* Effect.sleep(quiet)
      const after = yield* traffic(cluster)
      const seconds = ((yield* now) - began) / 1000
      const suspicions = cluster.beliefs.filter(({ own, what }) => own && what === "Suspected").length
      const verdicts = cluster.beliefs.filter(({ own, what }) => own && what === "Failed").length

      const half: Array<number> = []
      const known: Array<number> = []
      for (let i = 0; i < CHANGES; i++) {
        const source = cluster.members[Math.floor(random() * members)]
        if (source === undefined) break
        cluster.beliefs.length = 0
        const changed = yield* now
        yield* Effect.orDie(source.cluster.updateMeta(Uint8Array.of(i + 1)))
        yield* Effect.sleep(12 * tuning.gossipInterval + probeInterval)
        const seen = timesOf(cluster, source.name, "Updated", changed)
        half.push(seen[Math.ceil(members / 2) - 1] ?? Infinity)
        known.push(seen[members - 1] ?? Infinity)
      }

      const first: Array<number> = []
      const all: Array<number> = []
      for (let i = 0; i < victims; i++) {
        const victim = cluster.members[members - 1 - i]
        if (victim === undefined) break
        yield* Effect.sleep(random() * 2 * probeInterval)
        cluster.beliefs.length = 0
        const stopped = yield* now
        yield* cluster.network.crash(victim.ip)
        const observers = new Set(cluster.members.slice(0, members - 1 - i).map(({ name }) => name))
        const limit = stopped + 60 * probeInterval
        let seen: ReadonlyArray<number> = []
        while (seen.length < observers.size && (yield* now) < limit) {
          yield* Effect.sleep(probeInterval)
          // the stopped ones go on with their own clocks, and see all others fail
          const heard = cluster.beliefs.filter(({ observer }) => observers.has(observer))
          seen = timesOf({ ...cluster, beliefs: heard }, victim.name, "Failed", stopped)
        }
        first.push(seen[0] ?? Infinity)
        all.push(seen[observers.size - 1] ?? Infinity)
      }
      return {
        first,
        all,
        half,
        known,
        seconds,
        packets: after.packets - before.packets,
        packetBytes: after.packetBytes - before.packetBytes,
        streamBytes: after.streamBytes - before.streamBytes,
        suspicions,
        verdicts
      }
    })
  )
