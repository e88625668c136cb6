/**
 * A cluster in virtual time for the experiments: whole nodes with the production code, a simulated network, and a record
 * of what each node believed when.
 */
import { Memberlist, MemberlistConfig, MemberlistLive } from "effect-memberlist"
import { SimulatedNetwork, VirtualTime } from "effect-memberlist/testing"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import { type ObservedStep, Observer } from "../../src/engine/StepObserver.ts"
import * as Settling from "../../src/testing/settled/Settling.ts"

export type Settings = Omit<Parameters<typeof MemberlistConfig.layer>[0], "name">

/** A member's state changed in the eyes of another (or its own). */
export interface Belief {
  /** Virtual milliseconds since the start. */
  readonly at: number
  readonly observer: string
  readonly about: string
  readonly what: "Suspected" | "Failed" | "Joined" | "Recovered" | "Left" | "Updated"
  /** A verdict of its own, not one it was told. */
  readonly own: boolean
}

export interface Member {
  readonly name: string
  readonly ip: string
  readonly cluster: Memberlist["Service"]
}

export interface Cluster {
  readonly members: ReadonlyArray<Member>
  readonly network: SimulatedNetwork["Service"]
  /** Everything believed since the start; an experiment may empty it. */
  readonly beliefs: Array<Belief>
  /** Starts one more member that has not joined anybody yet. */
  readonly start: Effect.Effect<Member, never, Scope.Scope>
}

export interface Options {
  readonly members: number
  readonly settings: Settings
  readonly seed: string
  /** Joins them all and waits until everybody knows everybody, then this long. Default: nobody joins. */
  readonly settleSeconds?: number | undefined
  /** Begins with the state of a cluster that has been up for long, instead of a join: for thousands. */
  readonly settled?: boolean | undefined
  readonly loss?: number | undefined
  /** One-way delay range in milliseconds, default exactly 1. */
  readonly latency?: readonly [number, number] | undefined
  /** Remembers what the members believe; costs memory in large clusters. Default true. */
  readonly record?: boolean | undefined
}

export const ipOf = (index: number): string => `10.0.${(index + 1) >> 8}.${(index + 1) & 255}`
export const nameOf = (index: number): string => `n${index + 1}`

export const now = Effect.map(Clock.monotonicTimeNanos, (nanos) => Number(nanos) / 1e6)

const isComplete = (cluster: Cluster) =>
  Effect.map(
    Effect.forEach(cluster.members, (member) => member.cluster.members),
    (views) =>
      views.every((view) => view.length === cluster.members.length && view.every((member) => member.state === "alive"))
  )

/** Waits until every member sees every member alive, at most `seconds`; whether they do. */
export const agreed = Effect.fnUntraced(function*(cluster: Cluster, seconds: number, step = 1000) {
  for (let waited = 0; waited <= seconds * 1000; waited += step) {
    if (yield* isComplete(cluster)) return true
    yield* Effect.sleep(step)
  }
  return false
})

/** Runs an experiment on a fresh cluster to its end, in virtual time. */
export const run = <A>(
  options: Options,
  experiment: (cluster: Cluster) => Effect.Effect<A, never, Scope.Scope>
): A => {
  const beliefs: Array<Belief> = []
  const [min, max] = options.latency ?? [1, 1]
  const settling = options.settled === true ? Settling.make() : undefined
  const record = ({ directives, node, now }: ObservedStep) => {
    for (const directive of directives) {
      if (directive._tag !== "Publish") continue
      const { change } = directive
      const own = (change._tag === "Failed" || change._tag === "Suspected") && change.from === node.name
      beliefs.push({ at: now, observer: node.name, about: change.entry.name, what: change._tag, own })
    }
  }
  const program = Effect.gen(function*() {
    const network = yield* SimulatedNetwork
    const members: Array<Member> = []
    const start = Effect.gen(function*() {
      const index = members.length
      const live = MemberlistLive.pipe(
        Layer.provide(SimulatedNetwork.transport(ipOf(index))),
        Layer.provide(MemberlistConfig.layer({
          ...MemberlistConfig.lan,
          // their cost is that of the reference's, and no part of what is measured
          enableCompression: false,
          queueCheckInterval: 0,
          leaveTimeout: 0,
          ...options.settings,
          name: nameOf(index)
        }))
      )
      const context = yield* Layer.build(live)
      const member = { name: nameOf(index), ip: ipOf(index), cluster: yield* Effect.provide(Memberlist, context) }
      members.push(member)
      return member
    }).pipe(Effect.provideService(SimulatedNetwork, network), Effect.orDie)
    for (let i = 0; i < options.members; i++) yield* start
    const cluster: Cluster = { members, network, beliefs, start }
    if (options.settleSeconds !== undefined) {
      yield* Effect.forEach(members, (member) => member.cluster.join([ipOf(0)]), { concurrency: 16 }).pipe(Effect.orDie)
      if (!(yield* agreed(cluster, 300))) {
        return yield* Effect.die(new Error("the cluster did not form within 300 virtual seconds"))
      }
      yield* Effect.sleep(options.settleSeconds * 1000)
      beliefs.length = 0
    }
    if (settling !== undefined) {
      yield* settling.settle
      beliefs.length = 0
    }
    return yield* experiment(cluster)
  }).pipe(
    Effect.scoped,
    Effect.provideService(References.MinimumLogLevel, "None"),
    Effect.provideService(
      Observer,
      options.record === false && settling === undefined ? undefined : (step) => {
        settling?.observe(step)
        if (options.record !== false) record(step)
      }
    ),
    Effect.provide(SimulatedNetwork.layer({ latency: [min, max], loss: options.loss ?? 0 }))
  )
  const exit = VirtualTime.run(program, { seed: options.seed })
  if (Exit.isFailure(exit)) throw new Error(`the experiment failed: ${String(exit.cause)}`)
  return exit.value
}

/** Bytes and messages that left all members so far: packets, and streams by their bytes. */
export const traffic = Effect.fnUntraced(function*(cluster: Cluster) {
  const { bytesSent, packetsSent } = yield* cluster.network.stats
  let streamBytes = 0
  let streams = 0
  for (const member of cluster.members) {
    const totals: ReadonlyMap<string, number> = yield* member.cluster.counters
    streamBytes += totals.get("tcp.sent") ?? 0
    streams += totals.get("tcp.connect") ?? 0
  }
  return { packets: packetsSent, packetBytes: bytesSent, streams, streamBytes }
})
