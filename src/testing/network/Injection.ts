/**
 * Lets a fault, given as data, happen to a simulated network until a scope closes.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Bottleneck } from "./Bottleneck.ts"
import type { Fabric } from "./Fabric.ts"
import type { NetworkFault } from "./Fault.ts"
import * as Latency from "./Latency.ts"
import type { Condition } from "./Links.ts"
import { Processors } from "./Processors.ts"
import { pumpAll } from "./SimulatedTransport.ts"

/**
 * A fault that happens.
 *
 * @category models
 * @since 0.1.0
 */
export interface Injected {
  readonly fault: NetworkFault
  /** How many packets and stream operations it changed so far; 0 means that it made no difference. */
  readonly hits: Effect.Effect<number>
}

/** Which links a fault bears on. */
const affects = (from: ReadonlyArray<string>, to: ReadonlyArray<string>): Condition["affects"] => {
  const sources = new Set(from)
  const targets = new Set(to)
  const has = (hosts: ReadonlySet<string>, host: string) => hosts.has("*") || hosts.has(host)
  return (a, b) => has(sources, a) && has(targets, b)
}

const divides = (groups: ReadonlyArray<ReadonlyArray<string>>): Condition["affects"] => {
  const sides = new Map(groups.flatMap((hosts, i) => hosts.map((host) => [host, i] as const)))
  return (a, b) => {
    const from = sides.get(a)
    const to = sides.get(b)
    return from !== undefined && to !== undefined && from !== to
  }
}

type LinkFault = Exclude<NetworkFault, { readonly _tag: "Pause" | "Crash" | "Processing" }>

const conditionOf = (fault: LinkFault, address: (host: string) => string): Condition => {
  if (fault._tag === "Partition") {
    const groups = fault.groups.map((hosts) => hosts.map(address))
    return { affects: divides(groups), packets: false, streams: false, hits: 0 }
  }
  const on = { affects: affects(fault.from.map(address), fault.to.map(address)), hits: 0 }
  switch (fault._tag) {
    case "Cut":
      return {
        ...on,
        ...(fault.what === "streams" ? {} : { packets: false }),
        ...(fault.what === "packets" ? {} : { streams: false })
      }
    case "Loss":
      return { ...on, loss: fault.probability }
    case "Duplicate":
      return { ...on, duplicate: fault.probability }
    case "Reorder":
      return {
        ...on,
        reorder: { probability: fault.probability, delay: Latency.make([fault.min, fault.max]) }
      }
    case "Delay":
      return { ...on, extra: Latency.make([fault.min, fault.max]) }
    case "Bandwidth":
      return { ...on, bottleneck: new Bottleneck(fault.bytesPerSecond, fault.queue) }
    case "Mtu":
      return { ...on, mtu: fault.bytes }
  }
}

/** A fault of hosts: how it begins and ends, and what counts its effect. */
const hostFault = (
  fabric: Fabric,
  fault: Extract<NetworkFault, { readonly _tag: "Pause" | "Crash" }>,
  address: (host: string) => string
) => {
  const ips = fault.hosts.map(address)
  const hosts = ips.map((ip) => fabric.host(ip))
  const count = () => hosts.reduce((sum, host) => sum + (fault._tag === "Pause" ? host.blocked : host.lost), 0)
  const before = count()
  // a value of its own, because the same fault may happen twice at once
  const owner = {}
  return {
    begin: () => {
      for (const host of hosts) {
        if (fault._tag === "Pause") host.pause(owner)
        else host.crash(owner, fault.mode)
      }
      if (fault._tag === "Crash" && fault.mode === "Refuse") {
        fabric.breakStreams((stream) => stream.hosts.some((ip) => ips.includes(ip)))
      }
    },
    end: () => {
      for (const host of hosts) {
        if (fault._tag === "Pause") host.resume(owner)
        else host.recover(owner)
      }
    },
    hits: () => count() - before
  }
}

/** Puts processors before the programs of some hosts. */
const processing = (
  fabric: Fabric,
  fault: Extract<NetworkFault, { readonly _tag: "Processing" }>,
  address: (host: string) => string
): Effect.Effect<Injected, never, Scope.Scope> =>
  Effect.suspend(() => {
    const hosts = fault.hosts.map((host) => fabric.host(address(host)))
    const processors = new Processors({
      hosts,
      deliveries: fabric.deliveries,
      perMessage: fault.perMessage,
      buffer: fault.buffer,
      cores: fault.cores ?? hosts.length
    })
    const begin = Effect.sync(() => {
      for (const host of hosts) host.process(processors)
    })
    const end = Effect.sync(() => {
      for (const host of hosts) host.relieve(processors)
    })
    // the release of what waits comes after: nothing new may get in its way
    return processors.run.pipe(
      Effect.andThen(Effect.acquireRelease(begin, () => end)),
      Effect.as({ fault, hits: Effect.sync(() => processors.hits) })
    )
  })

/** Begins a fault and ends it with the scope. `address` reads a host's name. */
export const inject = (
  fabric: Fabric,
  fault: NetworkFault,
  address: (host: string) => string
): Effect.Effect<Injected, never, Scope.Scope> =>
  Effect.suspend((): Effect.Effect<Injected, never, Scope.Scope> => {
    if (fault._tag === "Processing") return processing(fabric, fault, address)
    if (fault._tag === "Pause" || fault._tag === "Crash") {
      const { begin, end, hits } = hostFault(fabric, fault, address)
      return Effect.as(
        Effect.acquireRelease(Effect.sync(begin), () => Effect.andThen(Effect.sync(end), pumpAll(fabric))),
        { fault, hits: Effect.sync(hits) }
      )
    }
    const condition = conditionOf(fault, address)
    return Effect.as(
      Effect.acquireRelease(
        Effect.sync(() => fabric.links.add(condition)),
        () => Effect.andThen(Effect.sync(() => fabric.links.remove(condition)), pumpAll(fabric))
      ),
      { fault, hits: Effect.sync(() => condition.hits) }
    )
  })
