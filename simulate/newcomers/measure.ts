/** How soon newcomers are listed by everybody, with and without the verification of hearsay; in virtual time. */
import type { Fault } from "effect-memberlist/testing"
import * as Effect from "effect/Effect"
import { agreed, type Cluster, ipOf, nameOf, now, run } from "../measuring/Cluster.ts"

/** Who comes. */
export const ways = {
  one: "one newcomer joins",
  lossy: "the same, 30 % of the packets lost",
  atOnce: "all join the first at once",
  busy: "a third of them join at once, while every member broadcasts as much as it can",
  halves: "half of them, a cluster of its own, joins the other half through one member"
} as const

export type Way = keyof typeof ways

export interface Job {
  readonly way: Way
  readonly members: number
  readonly recovery: boolean
  readonly seed: number
}

export interface Result {
  /** Virtual seconds from the join until half of the observers list the newcomers, and until all do. */
  readonly half: number
  readonly all: number
  /** Rows that a probe, or a second source, confirmed, and rows that were dropped, at all members together. */
  readonly confirmed: number
  readonly dropped: number
}

/** Seconds until the news of earlier joins has died down. */
const SETTLE = 30
/** Seconds that a newcomer has. */
const LIMIT = 300
const LOOK = "1 second"

const sum = (cluster: Cluster, prefix: string): Effect.Effect<number> =>
  Effect.map(
    Effect.forEach(cluster.members, (member) => member.cluster.counters),
    (all) => {
      let total = 0
      for (const counters of all) for (const [key, n] of counters) if (key.startsWith(prefix)) total += n
      return total
    }
  )

/** When somebody first listed somebody new, of each pair once, in virtual milliseconds. */
const listed = (cluster: Cluster, isNew: (observer: string, about: string) => boolean): ReadonlyArray<number> => {
  const first = new Map<string, number>()
  for (const { about, at, observer, what } of cluster.beliefs) {
    const pair = `${observer} ${about}`
    if (what === "Joined" && observer !== about && isNew(observer, about) && !first.has(pair)) first.set(pair, at)
  }
  return [...first.values()].sort((a, b) => a - b)
}

/** Waits until so many that are new to each other list each other. */
const seen = Effect.fnUntraced(function*(
  cluster: Cluster,
  count: number,
  began: number,
  isNew: (observer: string, about: string) => boolean
) {
  while (listed(cluster, isNew).length < count && (yield* now) - began < LIMIT * 1000) yield* Effect.sleep(LOOK)
  const times = listed(cluster, isNew).map((at) => (at - began) / 1000)
  return {
    half: times[Math.ceil(count / 2) - 1] ?? Infinity,
    all: times[count - 1] ?? Infinity,
    confirmed: yield* sum(cluster, "hearsay.confirmed"),
    dropped: yield* sum(cluster, "claim.ignored:Hearsay")
  }
})

const join = (cluster: Cluster, from: number, through: number) =>
  Effect.suspend(() => {
    const member = cluster.members[from]
    return member === undefined
      ? Effect.die(new Error(`nobody is number ${from}`))
      : member.cluster.join([ipOf(through)])
    // where packets are lost a join may fail, and an application repeats it
  }).pipe(Effect.retry({ times: 9 }), Effect.orDie)

const range = (from: number, to: number): ReadonlyArray<number> => Array.from({ length: to - from }, (_, i) => from + i)

const loss: Fault.NetworkFault = { _tag: "Loss", from: ["*"], to: ["*"], probability: 0.3 }

/** Runs it. */
export const measure = ({ members, recovery, seed, way }: Job): Result =>
  run(
    { members, settings: { recovery }, seed: `newcomers/${way}/${members}/${seed}`, latency: [1, 5] },
    Effect.fnUntraced(function*(cluster) {
      /** Joins some, and waits until they all list one another. */
      const form = Effect.fnUntraced(function*(from: number, to: number) {
        yield* Effect.forEach(range(from + 1, to), (i) => join(cluster, i, from), { concurrency: 16, discard: true })
        const members = cluster.members.slice(from, to)
        if (!(yield* agreed({ ...cluster, members }, LIMIT))) {
          return yield* Effect.die(new Error("the cluster did not form"))
        }
      })
      const begin = Effect.gen(function*() {
        yield* Effect.sleep(`${SETTLE} seconds`)
        cluster.beliefs.length = 0
        return yield* now
      })
      switch (way) {
        case "one":
        case "lossy": {
          const newcomer = members - 1
          yield* form(0, newcomer)
          const began = yield* begin
          if (way === "lossy") yield* cluster.network.inject(loss)
          yield* join(cluster, newcomer, Math.floor(members / 2))
          return yield* seen(cluster, newcomer, began, (_, about) => about === nameOf(newcomer))
        }
        case "atOnce": {
          const began = yield* begin
          yield* Effect.forEach(range(1, members), (i) => join(cluster, i, 0), {
            concurrency: "unbounded",
            discard: true
          })
          return yield* seen(cluster, members * (members - 1), began, () => true)
        }
        case "busy": {
          const old = Math.ceil((2 * members) / 3)
          yield* form(0, old)
          // more than a node can send, so that its messages wait in every packet
          const chatter = (member: Cluster["members"][number]) =>
            Effect.forever(Effect.andThen(
              Effect.forEach(range(0, 10), () => member.cluster.broadcast(new Uint8Array(250)), { discard: true }),
              Effect.sleep("100 millis")
            ))
          for (const member of cluster.members) yield* Effect.forkChild(Effect.ignore(chatter(member)))
          const began = yield* begin
          yield* Effect.forEach(range(old, members), (i) => join(cluster, i, i - old), {
            concurrency: "unbounded",
            discard: true
          })
          const isNew = (_: string, about: string) => range(old, members).some((i) => nameOf(i) === about)
          return yield* seen(cluster, (members - old) * (members - 1), began, isNew)
        }
        case "halves": {
          const half = Math.floor(members / 2)
          yield* form(0, half)
          yield* form(half, members)
          const began = yield* begin
          yield* join(cluster, members - 1, 1)
          const first = new Set(range(0, half).map(nameOf))
          const isNew = (observer: string, about: string) => first.has(observer) !== first.has(about)
          return yield* seen(cluster, 2 * half * (members - half), began, isNew)
        }
      }
    })
  )
