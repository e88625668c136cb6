/** What a cluster of one size costs, and how fast it is, with the LAN preset. */
import * as Effect from "effect/Effect"
import { type Cluster, ipOf, now, run, traffic } from "../measuring/Cluster.ts"

export interface Scale {
  readonly members: number
  /** Virtual seconds from the first join until everybody knows everybody; infinite where nobody had to join. */
  readonly convergence: number
  /** Per member and second, while nothing happens. */
  readonly packets: number
  readonly packetBytes: number
  readonly streamBytes: number
  /** Milliseconds of one core per member and second, simulation included. */
  readonly cpuMillis: number
  /** Bytes of resident memory per member. */
  readonly memory: number
  /** Virtual seconds from a member's end until somebody suspects it, somebody declares it failed, everybody knows. */
  readonly suspected: ReadonlyArray<number>
  readonly failed: ReadonlyArray<number>
  readonly known: ReadonlyArray<number>
  /** Virtual seconds from a change of metadata until half of the members, and all, know. */
  readonly half: ReadonlyArray<number>
  readonly all: ReadonlyArray<number>
}

/**
 * From so many members on, they begin as a cluster that has been up for long: to join takes time and memory that grow
 * with the square of their number.
 */
export const SETTLED = 2000

const changesOf = (members: number): number => members < SETTLED ? 5 : 2
const victimsOf = (members: number): number => members < SETTLED ? Math.min(3, Math.floor(members / 4)) : 1

const cpu = () => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

/** Looks every `step` ms until `done`; virtual seconds that took. */
const until = Effect.fnUntraced(function*(done: Effect.Effect<boolean>, limit: number, step: number) {
  const began = yield* now
  while ((yield* now) - began < limit * 1000) {
    if (yield* done) return ((yield* now) - began) / 1000
    yield* Effect.sleep(step)
  }
  return Infinity
})

const everybodyKnowsEverybody = (cluster: Cluster) =>
  Effect.map(
    Effect.forEach(cluster.members, (member) => member.cluster.members),
    (views) => views.every((view) => view.length === cluster.members.length)
  )

/** What was believed of one member since the record was emptied, in order of time. */
const times = (cluster: Cluster, about: string, what: string, began: number): ReadonlyArray<number> =>
  cluster.beliefs.filter((belief) => belief.about === about && belief.what === what)
    .map(({ at }) => (at - began) / 1000)

/** Seconds between two push/pulls of one member of the LAN preset. */
export const pushPull = (n: number): number => n <= 32 ? 30 : 30 * (Math.ceil(Math.log2(n / 32)) + 1)

/** Joins them all, and waits until the news of that has died down; virtual seconds until everybody knew everybody. */
const joinAll = Effect.fnUntraced(function*(cluster: Cluster) {
  const joining = yield* now
  yield* Effect.orDie(
    Effect.forEach(cluster.members, (member) => member.cluster.join([ipOf(0)]), { concurrency: 16 })
  )
  yield* until(everybodyKnowsEverybody(cluster), 300, cluster.members.length < 500 ? 100 : 1000)
  const convergence = ((yield* now) - joining) / 1000
  yield* Effect.sleep("30 seconds")
  return convergence
})

/**
 * `least` seconds of quiet, or as many as it takes for each member's push/pull to have its turn; `least` where these are
 * evenly spread, as those of a settled cluster are.
 */
export const measure = (members: number, least: number, settled = members >= SETTLED): Scale => {
  const quietSeconds = settled ? least : Math.max(least, pushPull(members))
  const empty = process.memoryUsage().rss
  return run(
    { members, settings: {}, seed: `scale/${members}`, latency: [1, 5], settled },
    Effect.fnUntraced(function*(cluster) {
      const convergence = settled ? Infinity : yield* joinAll(cluster)
      const before = yield* traffic(cluster)
      const cpuBefore = cpu()
      yield* Effect.sleep(quietSeconds * 1000)
      const cpuMillis = cpu() - cpuBefore
      const after = yield* traffic(cluster)
      const memory = process.memoryUsage().rss - empty
      const per = (n: number) => n / members / quietSeconds

      const half: Array<number> = []
      const all: Array<number> = []
      const changes = changesOf(members)
      for (let i = 0; i < changes; i++) {
        const source = cluster.members[Math.floor((i + 0.5) * members / changes)]
        if (source === undefined) break
        cluster.beliefs.length = 0
        const began = yield* now
        yield* Effect.orDie(source.cluster.updateMeta(Uint8Array.of(i + 1)))
        yield* Effect.sleep("15 seconds")
        const seen = times(cluster, source.name, "Updated", began)
        half.push(seen[Math.ceil(members / 2) - 1] ?? Infinity)
        all.push(seen[members - 1] ?? Infinity)
      }

      const suspected: Array<number> = []
      const failed: Array<number> = []
      const known: Array<number> = []
      const victims = victimsOf(members)
      for (let i = 0; i < victims; i++) {
        const victim = cluster.members[members - 1 - i]
        if (victim === undefined) break
        cluster.beliefs.length = 0
        const began = yield* now
        yield* cluster.network.crash(victim.ip)
        const others = members - 1 - i
        const reported = Effect.sync(() =>
          new Set(
            cluster.beliefs.filter((belief) => belief.what === "Failed" && belief.about === victim.name)
              .map(({ observer }) => observer)
          ).size >= others
        )
        yield* until(reported, 120, 100)
        suspected.push(times(cluster, victim.name, "Suspected", began)[0] ?? Infinity)
        const verdicts = times(cluster, victim.name, "Failed", began)
        failed.push(verdicts[0] ?? Infinity)
        known.push(verdicts[others - 1] ?? Infinity)
      }
      return {
        members,
        convergence,
        packets: per(after.packets - before.packets),
        packetBytes: per(after.packetBytes - before.packetBytes),
        streamBytes: per(after.streamBytes - before.streamBytes),
        cpuMillis: per(cpuMillis),
        memory: memory / members,
        suspected,
        failed,
        known,
        half,
        all
      }
    })
  )
}
