/**
 * The experiments of "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership Protocol" (DSN 2002, §5):
 * up to 56 members, a period of 2 s, one helper, news only on pings and acks.
 */
import * as Effect from "effect/Effect"
import { agreed, type Cluster, ipOf, now, run, type Settings } from "../measuring/Cluster.ts"
import { sample, seeded } from "../measuring/Seeded.ts"

/** Seconds. */
export const PERIOD = 2
/** λ, in units of log₁₀: 3·log₂(n) messages carry a piece of news, as in the paper. */
const LAMBDA = 10

/**
 * SWIM as in the paper: no gossip apart from probes, no exchange of state, no TCP, nothing of Lifeguard. `suspicion`, in
 * periods × log₁₀(n), as the piggybacking.
 */
const settings = (suspicion: number): Settings => ({
  probeInterval: PERIOD * 1000,
  probeTimeout: 600,
  indirectChecks: 1,
  gossipInterval: 0,
  pushPullInterval: 0,
  disableTcpPings: true,
  retransmitMult: LAMBDA,
  suspicionMult: suspicion,
  suspicionMaxTimeoutMult: 1,
  suspicionConfirmations: 0,
  awarenessMaxMultiplier: 1,
  buddySystem: false,
  profile: "paper"
})

export interface Detection {
  /** Periods from the failure until the first member suspected it. */
  readonly first: ReadonlyArray<number>
  /** Periods from the first suspicion until it had reached this part of the members, for each failure. */
  readonly half: ReadonlyArray<number>
  readonly all: ReadonlyArray<number>
  /** For each failure: periods from the first suspicion, and the members it had reached by then. */
  readonly spread: ReadonlyArray<ReadonlyArray<number>>
}

/** Members fail one after the other, each in a group that is complete again. */
export const detect = (members: number, failures: number, repetition: number): Detection => {
  const first: Array<number> = []
  const half: Array<number> = []
  const all: Array<number> = []
  const spread: Array<ReadonlyArray<number>> = []
  const plan = `detect/${members}/${repetition}`
  run(
    { members, settings: settings(LAMBDA), seed: plan, settleSeconds: 60 },
    Effect.fnUntraced(function*(cluster) {
      const random = seeded(plan)
      for (const victim of sample(cluster.members, failures, random)) {
        cluster.beliefs.length = 0
        // at any moment of the members' periods
        yield* Effect.sleep(random() * PERIOD * 1000)
        const failed = yield* now
        yield* cluster.network.crash(victim.ip)
        yield* Effect.sleep(60_000)
        const reached = reachedBy(cluster, victim.name)
        const [start] = reached
        if (start !== undefined) {
          first.push((start - failed) / 1000 / PERIOD)
          const since = reached.map((at) => (at - start) / 1000 / PERIOD)
          spread.push(since)
          half.push(since[Math.ceil((members - 1) / 2) - 1] ?? NaN)
          if (since.length === members - 1) all.push(since[since.length - 1] ?? NaN)
        }
        yield* cluster.network.restart(victim.ip)
        // It may be forgotten on both sides by now, and without push/pull only joins make up for what got lost.
        for (let tries = 0; tries < 10; tries++) {
          yield* Effect.forEach(cluster.members, (member) => Effect.ignore(member.cluster.join([ipOf(0), ipOf(1)])))
          if (yield* agreed(cluster, 60)) break
        }
        yield* Effect.sleep(30_000)
      }
    })
  )
  return { first, half, all, spread }
}

/** When each member first suspected this one, in order. */
const reachedBy = (cluster: Cluster, name: string): ReadonlyArray<number> => {
  const seen = new Map<string, number>()
  for (const { about, at, observer, what } of cluster.beliefs) {
    if (about !== name || observer === name || (what !== "Suspected" && what !== "Failed")) continue
    if (!seen.has(observer)) seen.set(observer, at)
  }
  return [...seen.values()].sort((a, b) => a - b)
}

export interface Load {
  /** Messages that one member sent in one period, by member and period. */
  readonly quiet: ReadonlyArray<number>
  /** The same while a member fails. */
  readonly failing: ReadonlyArray<number>
  /** Bytes of one message, on average. */
  readonly bytesPerMessage: number
}

const PERIODS = 20

/** Messages per member and period. */
export const load = (members: number): Load =>
  run(
    { members, settings: settings(LAMBDA), seed: `load/${members}`, settleSeconds: 120 },
    Effect.fnUntraced(function*(cluster) {
      const count = Effect.fnUntraced(function*() {
        const counts: Array<number> = []
        let last = yield* sentBy(cluster)
        for (let i = 0; i < PERIODS; i++) {
          yield* Effect.sleep(PERIOD * 1000)
          const sent = yield* sentBy(cluster)
          sent.forEach((n, member) => counts.push(n - (last[member] ?? 0)))
          last = sent
        }
        return counts
      })
      const before = yield* cluster.network.stats
      const quiet = yield* count()
      const after = yield* cluster.network.stats
      const [victim] = sample(cluster.members, 1, seeded(`load/${members}`))
      if (victim !== undefined) yield* cluster.network.crash(victim.ip)
      const failing = yield* count()
      return {
        quiet,
        failing,
        bytesPerMessage: (after.bytesSent - before.bytesSent) / (after.packetsSent - before.packetsSent)
      }
    })
  )

const sentBy = (cluster: Cluster) =>
  Effect.forEach(
    cluster.members,
    (member) => Effect.map(cluster.network.traffic(member.ip), (traffic) => traffic.packetsSent)
  )

export interface Loss {
  /** Every 5 s: how many members the average member sees. */
  readonly sizes: ReadonlyArray<number>
}

const LOSS_MEMBERS = 17
const JOINING = 175_000
const WATCHED = 400_000

/** 17 members join one after the other while every tenth packet is lost. */
export const loss = (suspicion: boolean, repetition: number): Loss =>
  run(
    { members: 1, settings: settings(suspicion ? LAMBDA : 1), seed: `loss/${repetition}`, loss: 0.1, record: false },
    Effect.fnUntraced(function*(cluster) {
      const sizes: Array<number> = []
      for (let at = 0; at <= WATCHED; at += 5000) {
        const due = Math.min(LOSS_MEMBERS, 1 + Math.floor(at * (LOSS_MEMBERS - 1) / JOINING))
        while (cluster.members.length < due) {
          const member = yield* cluster.start
          yield* member.cluster.join([ipOf(0)]).pipe(Effect.ignore)
        }
        const views = yield* Effect.forEach(cluster.members, (member) => member.cluster.members)
        sizes.push(views.reduce((sum, view) => sum + view.length, 0) / views.length)
        yield* Effect.sleep(5000)
      }
      return { sizes }
    })
  )
