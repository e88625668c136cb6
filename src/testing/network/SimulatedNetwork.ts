/**
 * A network in memory, for tests of everything that runs over a cluster: packets with latency and loss, streams, and
 * every fault that can be had on demand. Under `TestClock` and a seed, a whole cluster repeats exactly and takes no
 * time.
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { MemberlistConfig, MemberlistLive } from "effect-memberlist"
 * import { SimulatedNetwork } from "effect-memberlist/testing"
 *
 * const node = (name: string, ip: string) =>
 *   MemberlistLive.pipe(
 *     Layer.provide(SimulatedNetwork.transport(ip)),
 *     Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name }))
 *   )
 *
 * const test = Effect.gen(function*() {
 *   const network = yield* SimulatedNetwork
 *   const a = yield* Layer.build(node("a", "10.0.0.1"))
 *   const b = yield* Layer.build(node("b", "10.0.0.2"))
 *   yield* network.partition([["10.0.0.1"], ["10.0.0.2"]])
 * }).pipe(Effect.scoped, Effect.provide(SimulatedNetwork.layer({ latency: ["1 millis", "5 millis"], seed: "s1" })))
 * ```
 *
 * Faults are by host (an IP address, as text); where two hosts are named, they apply in that direction, and `"*"`
 * stands for every host.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { ipBytes, ipText } from "../../base/Address.ts"
import { BindFailed } from "../../MemberlistError.ts"
import { Transport } from "../../Transport.ts"
import { Bottleneck } from "./Bottleneck.ts"
import { Deliveries } from "./Deliveries.ts"
import { Fabric, type NetworkStats } from "./Fabric.ts"
import { type NetworkFault } from "./Fault.ts"
import { inject, type Injected } from "./Injection.ts"
import * as Latency from "./Latency.ts"
import type { LatencyInput } from "./Latency.ts"
import type { Rule } from "./Links.ts"
import * as SimulatedHost from "./SimulatedHost.ts"
import * as SimulatedTransport from "./SimulatedTransport.ts"

export type { DropReason, NetworkStats } from "./Fabric.ts"
export type { Injected } from "./Injection.ts"
export type { LatencyInput } from "./Latency.ts"
export type { CrashMode, Traffic } from "./SimulatedHost.ts"

/**
 * Packets that are held back with a probability, so that later ones overtake them.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReorderingInput {
  readonly probability: number
  readonly delay: LatencyInput
}

/**
 * A line of limited bandwidth. Packets that would have to wait longer than `queue` (default 1 second) are dropped;
 * streams wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface BandwidthInput {
  readonly bytesPerSecond: number
  readonly queue?: Duration.Input | undefined
}

/**
 * How the network behaves where no fault is set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** One-way delay, default 1 ms. Arrivals are rounded up to whole milliseconds. */
  readonly latency?: LatencyInput | undefined
  /** Probability in [0, 1] that a packet is lost, or a segment of a stream, which TCP sends again; default 0. */
  readonly loss?: number | undefined
  /** Probability in [0, 1] that a packet arrives twice, default 0. */
  readonly duplicate?: number | undefined
  /** Packets held back; default none beyond what latency does. */
  readonly reorder?: ReorderingInput | undefined
  /** The longest packet that passes, in bytes, default any; longer ones are dropped. */
  readonly mtu?: number | undefined
  /** Packets that may wait at each address, default 2048; more are dropped. */
  readonly inboxCapacity?: number | undefined
  /**
   * Accepted streams that may be open at each address, default 1024; more are refused. Nodes have limits of their own.
   */
  readonly maxStreams?: number | undefined
  /** Bytes that may be written to a stream before the writer waits for the reader, default 1 MiB. */
  readonly streamWindow?: number | undefined
  /** Host names and their addresses, for seeds by name. Faults may name their hosts by them as well. */
  readonly hosts?: Readonly<Record<string, ReadonlyArray<string>>> | undefined
  /**
   * What the network's random numbers are derived from: a stream for each host and each kind of chance, so that a fault
   * of one kind on one link changes nothing that chance decides elsewhere. Default: drawn from Effect's `Random` where
   * the layer is built.
   */
  readonly seed?: string | number | undefined
}

interface Service {
  /**
   * Cuts one direction of a link: for all traffic, or only packets (UDP) or streams (TCP). Streams stall, not break;
   * one that is being opened asks again after 1, 2, 4 … s.
   */
  readonly cut: (from: string, to: string, what?: "both" | "packets" | "streams") => Effect.Effect<void>
  /**
   * Only hosts of the same group reach each other. A host in no group reaches everybody. Replaces the last partition.
   */
  readonly partition: (groups: ReadonlyArray<ReadonlyArray<string>>) => Effect.Effect<void>
  /** Loss in one direction of a link, of packets and of streams' segments, as a probability. */
  readonly setLoss: (from: string, to: string, probability: number) => Effect.Effect<void>
  /** Delay of one direction of a link. */
  readonly setLatency: (from: string, to: string, latency: LatencyInput) => Effect.Effect<void>
  /** The probability that a packet in this direction arrives twice. */
  readonly setDuplication: (from: string, to: string, probability: number) => Effect.Effect<void>
  /** Which packets in this direction are held back, and for how long. */
  readonly setReordering: (from: string, to: string, reordering: ReorderingInput) => Effect.Effect<void>
  /** The longest packet that passes in this direction, in bytes. */
  readonly setMtu: (from: string, to: string, bytes: number) => Effect.Effect<void>
  /**
   * One line for everything the rule stands for: of a link `(a, b)`, of a host's uplink `(a, "*")` or downlink `("*",
   * a)`, or of the whole network.
   */
  readonly setBandwidth: (from: string, to: string, bandwidth: BandwidthInput) => Effect.Effect<void>
  /**
   * Lets a fault happen until the scope closes. Any number may happen at once, and add up with what is set by the other
   * switches. The answer tells how often the fault made a difference.
   */
  readonly inject: (fault: NetworkFault) => Effect.Effect<Injected, never, Scope.Scope>
  /** Undoes what was set for this direction of a link; without arguments every such rule, and the partition. */
  readonly heal: (from?: string, to?: string) => Effect.Effect<void>
  /**
   * Makes a host slow to the point of standing still: it blocks before each send and after each receive (as in
   * Lifeguard's experiments), while its timers run on. Packets queue up meanwhile.
   */
  readonly pause: (host: string) => Effect.Effect<void>
  readonly resume: (host: string) => Effect.Effect<void>
  /**
   * Takes a host off the network; its programs run on, unreachable. `"Silent"` (default): nothing answers, streams
   * stall. `"Refuse"`: streams break and new ones are refused at once.
   */
  readonly crash: (host: string, mode?: SimulatedHost.CrashMode) => Effect.Effect<void>
  /** Puts a crashed host back on the network. */
  readonly restart: (host: string) => Effect.Effect<void>
  /** What was sent, what arrived, and what was dropped and why. */
  readonly stats: Effect.Effect<NetworkStats>
  /** What one host sent and received. */
  readonly traffic: (host: string) => Effect.Effect<SimulatedHost.Traffic>
}

const probability = (value: number): number => {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`loss is ${value}; expected a probability from 0 to 1`)
  return value
}

const size = (value: number, what: string): number => {
  if (!(value >= 1)) throw new RangeError(`${what} is ${value}; expected a number of bytes, at least 1`)
  return value
}

const reordering = ({ delay, probability: value }: ReorderingInput) => ({
  probability: probability(value),
  delay: Latency.make(delay)
})

/** One spelling for each address, so that rules and packets agree. */
const canonical = (hosts: Options["hosts"]) => (host: string): string => {
  if (host === "*") return host
  const named = hosts !== undefined && Object.hasOwn(hosts, host) ? hosts[host]?.[0] : undefined
  const ip = ipText(ipBytes(named ?? host) ?? new Uint8Array())
  if (ip === undefined) {
    throw new TypeError(`host "${host}"; expected an IP address such as 10.0.0.1, a name from the host table, or "*"`)
  }
  return ip
}

const snapshot = (fabric: Fabric): NetworkStats => ({
  ...fabric.stats,
  dropped: { ...fabric.stats.dropped },
  streamsOpen: fabric.streams.size
})

/** What the switches for single hosts have done is taken back by the switches alone. */
const byHand = {}

/** Connects the control panel to the network. Mistakes in a test (a bad address, a bad probability) are defects. */
const controls = (fabric: Fabric): Service => {
  const { links } = fabric
  const address = canonical(fabric.options.hosts)
  const hostOf = (host: string) => fabric.host(address(host))
  const pump = SimulatedTransport.pumpAll(fabric)
  const set = (from: string, to: string, rule: () => Rule) =>
    Effect.sync(() => links.set(address(from), address(to), rule()))
  return {
    cut: (from, to, what = "both") =>
      set(from, to, () => ({
        ...(what === "streams" ? {} : { packets: false }),
        ...(what === "packets" ? {} : { streams: false })
      })),
    partition: (groups) =>
      Effect.andThen(Effect.sync(() => links.partition(groups.map((hosts) => hosts.map(address)))), pump),
    setLoss: (from, to, value) => set(from, to, () => ({ loss: probability(value) })),
    setLatency: (from, to, latency) => set(from, to, () => ({ latency: Latency.make(latency) })),
    setDuplication: (from, to, value) => set(from, to, () => ({ duplicate: probability(value) })),
    setReordering: (from, to, input) => set(from, to, () => ({ reorder: reordering(input) })),
    setMtu: (from, to, bytes) => set(from, to, () => ({ mtu: size(bytes, "the MTU") })),
    setBandwidth: (from, to, { bytesPerSecond, queue = "1 second" }) =>
      set(from, to, () => ({
        bottleneck: new Bottleneck(
          size(bytesPerSecond, "the bandwidth"),
          Duration.toMillis(Duration.fromInputUnsafe(queue))
        )
      })),
    inject: (fault) => inject(fabric, fault, address),
    heal: (from, to) =>
      Effect.andThen(
        Effect.sync(() => links.heal(from === undefined ? from : address(from), to === undefined ? to : address(to))),
        pump
      ),
    pause: (host) => Effect.sync(() => hostOf(host).pause(byHand)),
    resume: (host) => Effect.sync(() => hostOf(host).resume(byHand)),
    crash: (host, mode = "Silent") =>
      Effect.sync(() => {
        const ip = address(host)
        fabric.host(ip).crash(byHand, mode)
        if (mode === "Refuse") fabric.breakStreams((stream) => stream.hosts.includes(ip))
      }),
    restart: (host) => Effect.andThen(Effect.sync(() => hostOf(host).recover(byHand)), pump),
    stats: Effect.sync(() => snapshot(fabric)),
    traffic: (host) => Effect.sync(() => ({ ...hostOf(host).traffic }))
  }
}

/** The control panel hides the network itself from its users; transports find it here. */
const fabrics = new WeakMap<Service, Fabric>()

const make = Effect.fnUntraced(function*(options: Options = {}) {
  const random = yield* Random.Random
  const scope = yield* Scope.Scope
  const fabric = new Fabric(
    {
      latency: Latency.make(options.latency ?? [1, 1]),
      loss: probability(options.loss ?? 0),
      duplicate: probability(options.duplicate ?? 0),
      reorder: options.reorder === undefined ? undefined : reordering(options.reorder),
      mtu: size(options.mtu ?? Infinity, "the MTU"),
      inboxCapacity: options.inboxCapacity ?? 2048,
      maxStreams: options.maxStreams ?? 1_024,
      streamWindow: options.streamWindow ?? 1_048_576,
      hosts: options.hosts ?? {},
      seed: String(options.seed ?? random.nextIntUnsafe())
    },
    new Deliveries(scope, yield* Clock.Clock)
  )
  const service = controls(fabric)
  fabrics.set(service, fabric)
  return service
})

const bind = Effect.fnUntraced(function*(ip: string, port: number) {
  const fabric = fabrics.get(yield* SimulatedNetwork)
  if (fabric === undefined) return yield* Effect.die(new TypeError("a SimulatedNetwork of another making"))
  const address = { ip: canonical(fabric.options.hosts)(ip), port }
  if (fabric.isBound(address)) {
    const cause = new Error("another node of this simulated network has the address")
    return yield* Effect.die(
      new BindFailed({ address: `${address.ip}:${port}`, protocol: "udp", kind: "AddressInUse", cause })
    )
  }
  const { inboxCapacity, maxStreams } = fabric.options
  const endpoint = yield* SimulatedHost.bind({ address, host: fabric.host(address.ip), inboxCapacity, maxStreams })
  yield* Effect.acquireRelease(
    Effect.sync(() => fabric.register(endpoint)),
    () => Effect.sync(() => fabric.unregister(endpoint))
  )
  return Transport.of(SimulatedTransport.make(fabric, endpoint))
})

/**
 * The network, and the switches for its faults.
 *
 * @category services
 * @since 0.1.0
 */
export class SimulatedNetwork extends Context.Service<SimulatedNetwork, Service>()(
  "effect-memberlist/testing/SimulatedNetwork"
) {
  /** A new network; it ends with the surrounding scope. */
  static readonly make: (options?: Options) => Effect.Effect<Service, never, Scope.Scope> = make

  /** A new network. Build it once and provide it to every node of a cluster. */
  static readonly layer = (options?: Options): Layer.Layer<SimulatedNetwork> =>
    Layer.effect(SimulatedNetwork, make(options))

  /**
   * The transport of a node with this address, default port 7946. Closing it ends the node's streams and frees the
   * address. An address that is taken is a defect.
   */
  static readonly transport = (ip: string, port = 7946): Layer.Layer<Transport, never, SimulatedNetwork> =>
    Layer.fresh(Layer.effect(Transport, bind(ip, port)))
}
