/**
 * A network in memory, for tests of everything that runs over a cluster: packets with latency and loss, streams, and
 * every fault that can be had on demand. Under `TestClock` and a seed, a whole cluster repeats exactly and takes no time.
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
 * Faults are by host (an IP address, as text); where two hosts are named, they apply in that direction, and `"*"` stands
 * for every host.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import { ipBytes, ipText } from "../Address.ts"
import { BindFailed } from "../MemberlistError.ts"
import { Transport } from "../Transport.ts"
import { Deliveries } from "./Deliveries.ts"
import { Fabric, type NetworkStats } from "./Fabric.ts"
import * as SimulatedHost from "./SimulatedHost.ts"
import * as SimulatedTransport from "./SimulatedTransport.ts"

export type { DropReason, NetworkStats } from "./Fabric.ts"
export type { CrashMode, Traffic } from "./SimulatedHost.ts"

/** A range of one-way delays; each packet draws its own, so packets may overtake each other. */
export type LatencyInput = readonly [min: Duration.Input, max: Duration.Input]

/**
 * How the network behaves where no fault is set.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** One-way delay, default 1 ms. Arrivals are rounded up to whole milliseconds. */
  readonly latency?: LatencyInput | undefined
  /** Probability in [0, 1] that a packet is lost, default 0. */
  readonly loss?: number | undefined
  /** Packets that may wait at each address, default 2048; more are dropped. */
  readonly inboxCapacity?: number | undefined
  /** Accepted streams that may be open at each address, default 256; more are refused. */
  readonly maxStreams?: number | undefined
  /** Bytes that may be written to a stream before the writer waits for the reader, default 1 MiB. */
  readonly streamWindow?: number | undefined
  /** Host names and their addresses, for seeds by name. */
  readonly hosts?: Readonly<Record<string, ReadonlyArray<string>>> | undefined
  /**
   * Gives the network a generator of its own, so that its draws and those of the nodes do not mix. Default: Effect's
   * `Random` as it is where the layer is built.
   */
  readonly seed?: string | number | undefined
}

interface Service {
  /** Cuts one direction of a link: for all traffic, or only packets (UDP) or streams (TCP). Streams stall, not break. */
  readonly cut: (from: string, to: string, what?: "both" | "packets" | "streams") => Effect.Effect<void>
  /** Only hosts of the same group reach each other. A host in no group reaches everybody. Replaces the last partition. */
  readonly partition: (groups: ReadonlyArray<ReadonlyArray<string>>) => Effect.Effect<void>
  /** Packet loss of one direction of a link, as a probability. */
  readonly setLoss: (from: string, to: string, probability: number) => Effect.Effect<void>
  /** Delay of one direction of a link. */
  readonly setLatency: (from: string, to: string, latency: LatencyInput) => Effect.Effect<void>
  /** Undoes what was set for this direction of a link; without arguments every cut, loss, latency and partition. */
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

const millisOf = ([min, max]: LatencyInput): readonly [number, number] => {
  const range = [
    Duration.toMillis(Duration.fromInputUnsafe(min)),
    Duration.toMillis(Duration.fromInputUnsafe(max))
  ] as const
  if (range[0] > range[1] || !Number.isFinite(range[1])) {
    throw new RangeError(`latency is [${range[0]}, ${range[1]}] ms; expected a finite range, smaller value first`)
  }
  return range
}

const probability = (value: number): number => {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`loss is ${value}; expected a probability from 0 to 1`)
  return value
}

/** One spelling for each address, so that rules and packets agree. */
const canonical = (host: string): string => {
  if (host === "*") return host
  const ip = ipText(ipBytes(host) ?? new Uint8Array())
  if (ip === undefined) throw new TypeError(`host "${host}"; expected an IP address such as 10.0.0.1, or "*"`)
  return ip
}

const snapshot = (fabric: Fabric): NetworkStats => ({
  ...fabric.stats,
  dropped: { ...fabric.stats.dropped },
  streamsOpen: fabric.streams.size
})

/** Connects the control panel to the network. Mistakes in a test (a bad address, a bad probability) are defects. */
const controls = (fabric: Fabric): Service => {
  const { links } = fabric
  const pump = SimulatedTransport.pumpAll(fabric)
  return {
    cut: (from, to, what = "both") => Effect.sync(() => links.cut(canonical(from), canonical(to), what)),
    partition: (groups) =>
      Effect.andThen(Effect.sync(() => links.partition(groups.map((hosts) => hosts.map(canonical)))), pump),
    setLoss: (from, to, value) => Effect.sync(() => links.setLoss(canonical(from), canonical(to), probability(value))),
    setLatency: (from, to, latency) =>
      Effect.sync(() => links.setLatency(canonical(from), canonical(to), millisOf(latency))),
    heal: (from, to) =>
      Effect.andThen(
        Effect.sync(() =>
          links.heal(from === undefined ? from : canonical(from), to === undefined ? to : canonical(to))
        ),
        pump
      ),
    pause: (host) => Effect.sync(() => fabric.host(canonical(host)).pause()),
    resume: (host) => Effect.sync(() => fabric.host(canonical(host)).resume()),
    crash: (host, mode = "Silent") =>
      Effect.sync(() => {
        const ip = canonical(host)
        fabric.host(ip).crashed = mode
        if (mode === "Refuse") fabric.breakStreams((stream) => stream.hosts.includes(ip))
      }),
    restart: (host) =>
      Effect.andThen(
        Effect.sync(() => {
          fabric.host(canonical(host)).crashed = undefined
        }),
        pump
      ),
    stats: Effect.sync(() => snapshot(fabric)),
    traffic: (host) => Effect.sync(() => ({ ...fabric.host(canonical(host)).traffic }))
  }
}

/** The control panel hides the network itself from its users; transports find it here. */
const fabrics = new WeakMap<Service, Fabric>()

const generator = (seed: string | number | undefined): Effect.Effect<Random.Random> =>
  seed === undefined ? Random.Random : Random.withSeed(Effect.map(Random.Random, (random) => random), seed)

const make = Effect.fnUntraced(function*(options: Options = {}) {
  const random = yield* generator(options.seed)
  const scope = yield* Scope.Scope
  const fabric = new Fabric(
    {
      latency: millisOf(options.latency ?? [1, 1]),
      loss: probability(options.loss ?? 0),
      inboxCapacity: options.inboxCapacity ?? 2048,
      maxStreams: options.maxStreams ?? 256,
      streamWindow: options.streamWindow ?? 1_048_576,
      hosts: options.hosts ?? {}
    },
    new Deliveries(scope),
    () => random.nextDoubleUnsafe()
  )
  const service = controls(fabric)
  fabrics.set(service, fabric)
  return service
})

const bind = Effect.fnUntraced(function*(ip: string, port: number) {
  const fabric = fabrics.get(yield* SimulatedNetwork)
  if (fabric === undefined) return yield* Effect.die(new TypeError("a SimulatedNetwork of another making"))
  const address = { ip: canonical(ip), port }
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
