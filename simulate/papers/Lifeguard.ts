/**
 * The experiments of "Lifeguard: Local Health Awareness for More Accurate Failure Detection" (arXiv 1707.00788v2, §V):
 * 128 members, of which C stop at the same moments for D, as often as the experiment says.
 */
import * as Effect from "effect/Effect"
import { type Cluster, now, run, traffic } from "../measuring/Cluster.ts"
import { settingsOf, type Tuning } from "../measuring/Configuration.ts"
import { sample, seeded } from "../measuring/Seeded.ts"

export const MEMBERS = 128
/** Seconds of quiet after everybody has joined. */
const QUIESCE = 15
const LIMIT = 120_000

/** One run: `interval` 0 is a Threshold run, with a single anomaly. Milliseconds. */
export interface Cell {
  readonly slow: number
  readonly duration: number
  readonly interval: number
  readonly repetition: number
}

export interface Outcome {
  /**
   * Verdicts about members that never stopped, by whoever reached them; `healthyVerdicts`: by members that never stopped
   * either. Each is counted where it was reached.
   */
  readonly verdicts: number
  readonly healthyVerdicts: number
  /** The same, counted again at each member that believed it. */
  readonly events: number
  readonly healthyEvents: number
  /** Seconds until a stopped member was first reported failed, one for each that was. */
  readonly first: ReadonlyArray<number>
  /** Seconds until every healthy member had reported it, one for each that they all did. */
  readonly full: ReadonlyArray<number>
  readonly packets: number
  readonly bytes: number
  /** Packets that found a full buffer; not in runs from before that was counted. */
  readonly overflown?: number
  /** Virtual seconds from the first anomaly to the end. */
  readonly seconds: number
}

const gate = (cluster: Cluster, ips: ReadonlyArray<string>, what: "pause" | "resume") =>
  Effect.forEach(ips, (ip) => cluster.network[what](ip), { discard: true })

/** Stops and releases the slow members until the experiment is over. */
const anomalies = Effect.fnUntraced(function*(cluster: Cluster, ips: ReadonlyArray<string>, cell: Cell) {
  const began = yield* now
  if (cell.interval === 0) {
    yield* gate(cluster, ips, "pause")
    yield* Effect.sleep(cell.duration)
    yield* gate(cluster, ips, "resume")
    return
  }
  while ((yield* now) - began < LIMIT) {
    yield* gate(cluster, ips, "pause")
    yield* Effect.sleep(cell.duration)
    yield* gate(cluster, ips, "resume")
    yield* Effect.sleep(cell.interval)
  }
})

/** How long agents take for a packet, how much waits meanwhile, and how many cores all share. */
export interface Processing {
  /** Milliseconds. */
  readonly perMessage: number
  /** Bytes, as Linux charges them. */
  readonly buffer: number
  readonly cores: number
}

export const measure = (tuning: Tuning, cell: Cell, processing?: Processing): Outcome => {
  // The same members stop in every configuration.
  const plan = `${cell.slow}/${cell.duration}/${cell.interval}/${cell.repetition}`
  return run(
    { members: MEMBERS, settings: settingsOf(tuning), seed: plan, settleSeconds: QUIESCE },
    Effect.fnUntraced(function*(cluster) {
      const slow = sample(cluster.members, cell.slow, seeded(plan))
      const names = new Set(slow.map(({ name }) => name))
      if (processing !== undefined) {
        yield* cluster.network.inject({ _tag: "Processing", hosts: cluster.members.map(({ ip }) => ip), ...processing })
      }
      const before = yield* traffic(cluster)
      const began = yield* now
      yield* anomalies(cluster, slow.map(({ ip }) => ip), cell)
      const seconds = ((yield* now) - began) / 1000
      const after = yield* traffic(cluster)
      const { dropped } = yield* cluster.network.stats
      return { ...judge(cluster, names, began), ...used(before, after), overflown: dropped.InboxFull, seconds }
    })
  )
}

type Totals = Effect.Success<ReturnType<typeof traffic>>

/** A push/pull counts as a message each way. */
const used = (before: Totals, after: Totals) => ({
  packets: after.packets - before.packets + 2 * (after.streams - before.streams),
  bytes: after.packetBytes - before.packetBytes + after.streamBytes - before.streamBytes
})

const judge = (cluster: Cluster, slow: ReadonlySet<string>, began: number) => {
  const wrong = { verdicts: 0, healthyVerdicts: 0, events: 0, healthyEvents: 0 }
  /** When each healthy member first reported a slow one failed; and anybody. */
  const reports = new Map<string, Map<string, number>>()
  const earliest = new Map<string, number>()
  for (const { about, at, observer, own, what } of cluster.beliefs) {
    if (what !== "Failed") continue
    const since = (at - began) / 1000
    if (!slow.has(about)) {
      const healthy = slow.has(observer) ? 0 : 1
      wrong.events++
      wrong.healthyEvents += healthy
      wrong.verdicts += own ? 1 : 0
      wrong.healthyVerdicts += own ? healthy : 0
      continue
    }
    if (!earliest.has(about)) earliest.set(about, since)
    if (slow.has(observer)) continue
    let seen = reports.get(about)
    if (seen === undefined) reports.set(about, seen = new Map())
    if (!seen.has(observer)) seen.set(observer, since)
  }
  const healthy = cluster.members.length - slow.size
  const full = [...reports.values()].filter((seen) => seen.size === healthy).map((seen) => Math.max(...seen.values()))
  return { ...wrong, first: [...earliest.values()], full }
}
