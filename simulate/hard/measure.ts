/**
 * The two hard cases of the Rapid paper (Suresh et al., "Stable and Consistent Membership at Scale with Rapid", USENIX
 * ATC 2018, §7): one member of a hundred has a bad network, and the others should notice that, and nothing else.
 */
import type { Fault } from "effect-memberlist/testing"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type Belief, type Cluster, run, type Settings } from "../measuring/Cluster.ts"
import { settingsOf } from "../measuring/Configuration.ts"
import { sample, seeded } from "../measuring/Seeded.ts"

/** What happens to the bad members. */
export const cases = {
  flipflop: "for 20 s nothing arrives at the bad members, then for 20 s everything, and so on",
  outgoing: "80 % of what the bad members send is lost",
  incoming: "80 % of what is sent to the bad members is lost"
} as const
export type Case = keyof typeof cases

/** How the cluster is set up. */
export const profiles = {
  ours: "ours",
  memberlist: "as memberlist",
  swim: "SWIM without Lifeguard",
  patient: "ours, `suspicionMult` 12",
  louder: "ours, `retransmitMult` 8"
} as const
export type Profile = keyof typeof profiles

/** The LAN preset's α, for SWIM's single suspicion time too. */
const LAN = { alpha: 4, beta: 6 }
const settings: Readonly<Record<Profile, Settings>> = {
  ours: {},
  memberlist: { recovery: false },
  swim: settingsOf({ configuration: "SWIM", ...LAN }),
  patient: { suspicionMult: 3 * LAN.alpha },
  louder: { retransmitMult: 8 }
}

export interface Job {
  readonly hard: Case
  readonly profile: Profile
  readonly members: number
  /** Virtual seconds from the beginning of the fault to the end. */
  readonly seconds: number
  readonly seed: number
}

/** Everything here is as the members see it whose network is good, unless it says otherwise. */
export interface Result {
  /** Suspicions of good members, counted at each observer, and the good members ever suspected. */
  readonly suspicions: number
  readonly suspected: number
  /** The same at the bad members. */
  readonly suspicionsAtBad: number
  /** Failures of good members, counted at each observer, and the good members ever declared failed. */
  readonly failures: number
  readonly failed: number
  /** Good members that a good one declared failed because its own suspicion ran out. */
  readonly verdicts: number
  /** Failures of good members at the bad ones, and those that were their own verdicts. */
  readonly failuresAtBad: number
  readonly verdictsAtBad: number
  /** Seconds until somebody declared each bad member failed; those that nobody did are left out. */
  readonly removed: ReadonlyArray<number>
  /** How often a bad member came back after it was declared failed, on average of the observers, all bad ones together. */
  readonly returns: number
  /** The shortest list that anybody had at any time, and the average length of a list over all seconds. */
  readonly least: number
  readonly average: number
  /** The share of the seconds in which not all observers listed the same members. */
  readonly split: number
  /** At the end: how many different lists there are, and the bad members that the average observer lists. */
  readonly lists: number
  readonly badListed: number
  /** Segments of streams that were lost. */
  readonly segmentsLost: number
}

/** Seconds of quiet before the fault begins. */
const SETTLE = 30
const FLIP = 20
const LOSS = 0.8

/** One bad member in a hundred, at least one. */
export const badOf = (members: number): number => Math.max(1, Math.round(members / 100))

const all = ["*"]

/** Lets the fault happen for the time of the experiment. */
const suffer = (cluster: Cluster, bad: ReadonlyArray<string>, { hard, seconds }: Job) => {
  const during = (fault: Fault.NetworkFault, time: number) =>
    Effect.scoped(Effect.andThen(cluster.network.inject(fault), Effect.sleep(time * 1000)))
  const fault: Fault.NetworkFault = hard === "flipflop"
    ? { _tag: "Cut", from: all, to: bad, what: "both" }
    : hard === "outgoing"
    ? { _tag: "Loss", from: bad, to: all, probability: LOSS }
    : { _tag: "Loss", from: all, to: bad, probability: LOSS }
  if (hard !== "flipflop") return during(fault, seconds)
  return Effect.gen(function*() {
    for (let left = seconds; left > 0; left -= 2 * FLIP) {
      yield* during(fault, Math.min(FLIP, left))
      yield* Effect.sleep(1000 * Math.max(0, Math.min(FLIP, left - FLIP)))
    }
  })
}

/** Runs it in virtual time. */
export const measure = (job: Job): Result =>
  run(
    {
      members: job.members,
      settings: settings[job.profile],
      // the same members are bad in every profile
      seed: `hard/${job.hard}/${job.members}/${job.seed}`,
      latency: [1, 5],
      settleSeconds: SETTLE
    },
    Effect.fnUntraced(function*(cluster): Effect.fn.Return<Result, never, Scope.Scope> {
      const bad = sample(cluster.members, badOf(job.members), seeded(`bad/${job.members}/${job.seed}`))
      const began = yield* Effect.clockWith((clock) => clock.monotonicTimeNanos)
      yield* suffer(cluster, bad.map(({ ip }) => ip), job)
      const names = cluster.members.map(({ name }) => name)
      const { segmentsLost } = yield* cluster.network.stats
      return {
        ...judge(cluster.beliefs, names, new Set(bad.map(({ name }) => name)), Number(began) / 1e6, job.seconds),
        segmentsLost
      }
    })
  )

/** A good member's list: who is not in it, and what the list is in short, which does not depend on the order of news. */
interface View {
  readonly missing: Set<string>
  key: number
}

/** Reads the record; exported for its test. */
export const judge = (
  beliefs: ReadonlyArray<Belief>,
  names: ReadonlyArray<string>,
  bad: ReadonlySet<string>,
  began: number,
  seconds: number
): Omit<Result, "segmentsLost"> => {
  const good = names.filter((name) => !bad.has(name))
  const bits = new Map(names.map((name, i) => [name, i]))
  const draw = seeded("keys")
  const keys = names.map(() => Math.floor(draw() * 2 ** 32))
  const views = new Map(good.map((name) => [name, { missing: new Set(), key: 0 } as View]))
  const lists = new Map([[0, good.length]])
  const counts = { suspicions: 0, suspicionsAtBad: 0, failures: 0, verdicts: 0, failuresAtBad: 0, verdictsAtBad: 0 }
  const suspected = new Set<string>()
  const failed = new Set<string>()
  const removed = new Map<string, number>()
  let returns = 0
  let missing = 0
  let most = 0
  let missed = 0
  let splitSeconds = 0
  let looked = 0
  /** Looks once a second, as the paper's processes did. */
  const look = (until: number) => {
    for (; looked < Math.min(until, seconds); looked++) {
      missed += missing
      if (lists.size > 1) splitSeconds++
    }
  }
  const change = (view: View, about: string, listed: boolean) => {
    if (view.missing.has(about) !== listed) return
    if (listed) view.missing.delete(about)
    else view.missing.add(about)
    missing += listed ? -1 : 1
    most = Math.max(most, view.missing.size)
    const holders = (lists.get(view.key) ?? 0) - 1
    if (holders === 0) lists.delete(view.key)
    else lists.set(view.key, holders)
    view.key = (view.key ^ (keys[bits.get(about) ?? 0] ?? 0)) >>> 0
    lists.set(view.key, (lists.get(view.key) ?? 0) + 1)
    if (listed && bad.has(about)) returns++
  }
  for (const { about, at, observer, own, what } of beliefs) {
    const time = (at - began) / 1000
    look(Math.ceil(time))
    const view = views.get(observer)
    if (what === "Suspected" && !bad.has(about)) {
      if (view === undefined) counts.suspicionsAtBad++
      else {
        counts.suspicions++
        suspected.add(about)
      }
    }
    if (what === "Failed") {
      if (bad.has(about)) {
        if (view !== undefined && !removed.has(about)) removed.set(about, time)
      } else if (view === undefined) {
        counts.failuresAtBad++
        if (own) counts.verdictsAtBad++
      } else {
        counts.failures++
        if (own) counts.verdicts++
        failed.add(about)
      }
    }
    if (view === undefined) continue
    if (what === "Failed" || what === "Left") change(view, about, false)
    if (what === "Joined") change(view, about, true)
  }
  look(seconds)
  const badMissing = [...views.values()].reduce(
    (sum, view) => sum + [...view.missing].filter((name) => bad.has(name)).length,
    0
  )
  return {
    ...counts,
    suspected: suspected.size,
    failed: failed.size,
    removed: [...removed.values()].sort((a, b) => a - b),
    returns: returns / good.length,
    least: names.length - most,
    average: names.length - missed / good.length / seconds,
    split: splitSeconds / seconds,
    lists: lists.size,
    badListed: bad.size - badMissing / good.length
  }
}
