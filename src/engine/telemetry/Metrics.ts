/**
 * What is measured beside the counters: gauges and histograms, under memberlist's names, with the configured labels as
 * attributes. (A "sample" or "timer" of memberlist's metrics library is a histogram here; times are in milliseconds.)
 *
 * Two of memberlist's figures are put right: `size.local` is the size of the state, where the reference reports four
 * bytes of its text as a number, and labels of one gauge never end up on another.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import type { MemberState } from "../../Member.ts"
import type { Labels } from "./Counters.ts"

type Recorder = (value: number) => void

export interface Metrics {
  /** Lifeguard's local health score, 0 = healthy. */
  readonly healthScore: Recorder
  /** How many entries the member table has in a state. */
  readonly instances: (state: MemberState, count: number) => void
  /** Members that failed, and are remembered so that they can be found back. */
  readonly lostPeers: Recorder
  /** Bytes of our whole state, as last sent in a push/pull, before compression and encryption. */
  readonly localSize: Recorder
  /** Bytes that an encrypted stream frame announced to have. */
  readonly remoteSize: Recorder
  /** Claims waiting to be gossiped. */
  readonly queuedClaims: Recorder
  /** Broadcasts of the application waiting to be gossiped. */
  readonly queuedUser: Recorder
  readonly probeTime: Recorder
  readonly gossipTime: Recorder
  readonly pushPullTime: Recorder
}

/** 0.25 ms to 64 s: from a gossip round of a small cluster to a probe stretched by bad health. */
const millis = Metric.exponentialBoundaries({ start: 0.25, factor: 2, count: 20 })
/** 256 bytes to 64 MiB; the limit is 20 MiB. */
const bytes = Metric.exponentialBoundaries({ start: 256, factor: 4, count: 11 })
/** Empty, 1 to 16,384. */
const lengths = [0, ...Metric.exponentialBoundaries({ start: 1, factor: 2, count: 16 })]

/** Makes metrics that report to the registry of `context`. Gauges and histograms appear once they have a value. */
export const make = (context: Context.Context<never>, labels: Labels): Metrics => {
  const gauge = (name: string, description: string, attributes: Labels = labels): Recorder => {
    const metric = Metric.gauge(`memberlist.${name}`, { description, attributes })
    return (value) => metric.updateUnsafe(value, context)
  }
  const histogram = (name: string, description: string, boundaries: ReadonlyArray<number>): Recorder => {
    const metric = Metric.histogram(`memberlist.${name}`, { description, attributes: labels, boundaries })
    return (value) => metric.updateUnsafe(value, context)
  }
  const instances = (state: MemberState) =>
    gauge("node.instances", "entries of the member table", { ...labels, node_state: state })
  const inState = {
    alive: instances("alive"),
    suspect: instances("suspect"),
    dead: instances("dead"),
    left: instances("left")
  }
  return {
    healthScore: gauge("health.score", "Lifeguard's local health score; 0 is healthy"),
    instances: (state, count) => inState[state](count),
    lostPeers: gauge("lost", "members that failed and are remembered, to be found back"),
    localSize: gauge("size.local", "bytes of the state last sent in a push/pull"),
    remoteSize: histogram("size.remote", "bytes of encrypted stream frames received", bytes),
    queuedClaims: histogram("queue.broadcasts", "claims about members waiting to be gossiped", lengths),
    queuedUser: histogram("queue.user", "broadcasts of the application waiting to be gossiped", lengths),
    probeTime: histogram("probeNode", "milliseconds of a probe", millis),
    gossipTime: histogram("gossip", "milliseconds of a gossip round", millis),
    pushPullTime: histogram("pushPullNode", "milliseconds of a push/pull started here", millis)
  }
}

/** Records how many milliseconds `effect` takes, however it ends. `now` is the node's monotonic clock. */
export const timed = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  now: () => number,
  record: Recorder
): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    const started = now()
    return Effect.ensuring(effect, Effect.sync(() => record(now() - started)))
  })
