/**
 * The state of a simulated network: hosts, bound addresses, links, streams, counters.
 *
 * @since 0.1.0
 */
import * as Queue from "effect/Queue"
import { format, type PeerAddress } from "../Address.ts"
import type { Packet } from "../Transport.ts"
import type { Deliveries } from "./Deliveries.ts"
import { type Latency, Links } from "./Links.ts"
import { type Endpoint, Host } from "./SimulatedHost.ts"
import type { Side } from "./SimulatedStream.ts"

/**
 * Why a packet did not arrive.
 *
 * `Loss`: by chance. `Cut`: by a cut link or a partition. `Crashed`: its sender or receiver has crashed.
 * `NoSuchAddress`: nobody listens there. `InboxFull`: the receiver reads too slowly.
 *
 * @category models
 * @since 0.1.0
 */
export type DropReason = "Loss" | "Cut" | "Crashed" | "NoSuchAddress" | "InboxFull"

/**
 * Counters of the whole network.
 *
 * @category models
 * @since 0.1.0
 */
export interface NetworkStats {
  readonly packetsSent: number
  readonly packetsDelivered: number
  readonly bytesSent: number
  readonly dropped: Readonly<Record<DropReason, number>>
  readonly streamsRefused: number
  /** Streams open now. */
  readonly streamsOpen: number
}

/** Options with their defaults filled in. */
export interface FabricOptions {
  readonly latency: Latency
  readonly loss: number
  readonly inboxCapacity: number
  readonly maxStreams: number
  readonly streamWindow: number
  readonly hosts: Readonly<Record<string, ReadonlyArray<string>>>
}

/** A live stream, kept so that faults can reach it. */
export interface LiveStream {
  readonly hosts: ReadonlyArray<string>
  readonly endpoints: ReadonlyArray<Endpoint>
  readonly side: Side
}

export class Fabric {
  readonly stats = {
    packetsSent: 0,
    packetsDelivered: 0,
    bytesSent: 0,
    dropped: { Loss: 0, Cut: 0, Crashed: 0, NoSuchAddress: 0, InboxFull: 0 },
    streamsRefused: 0
  }
  readonly streams = new Set<LiveStream>()
  readonly links: Links
  readonly options: FabricOptions
  readonly deliveries: Deliveries
  /** In [0, 1). */
  readonly random: () => number
  private readonly hosts = new Map<string, Host>()
  private readonly endpoints = new Map<string, Endpoint>()

  constructor(options: FabricOptions, deliveries: Deliveries, random: () => number) {
    this.options = options
    this.deliveries = deliveries
    this.random = random
    this.links = new Links(options)
  }

  host(ip: string): Host {
    const existing = this.hosts.get(ip)
    if (existing !== undefined) return existing
    const host = new Host(ip)
    this.hosts.set(ip, host)
    return host
  }

  isBound(address: PeerAddress): boolean {
    return this.endpoints.has(format(address))
  }

  register(endpoint: Endpoint): void {
    this.endpoints.set(format(endpoint.address), endpoint)
  }

  /** A node's program ends: its address is free and its streams break. */
  unregister(endpoint: Endpoint): void {
    this.endpoints.delete(format(endpoint.address))
    endpoint.close()
    this.breakStreams((stream) => stream.endpoints.includes(endpoint))
  }

  breakStreams(affected: (stream: LiveStream) => boolean): void {
    for (const stream of [...this.streams]) {
      if (affected(stream)) stream.side.abort()
    }
  }

  private isCrashed(ip: string): boolean {
    return this.hosts.get(ip)?.crashed !== undefined
  }

  /** Why a packet leaving `from` is lost on the way, if it is. `fate` is a random number in [0, 1). */
  refusal(from: Host, to: string, fate: number): DropReason | undefined {
    if (from.crashed !== undefined) return "Crashed"
    if (!this.links.passes(from.ip, to, "packets")) return "Cut"
    return fate < this.links.lossOf(from.ip, to) ? "Loss" : undefined
  }

  deliver(packet: Packet, to: PeerAddress): void {
    const endpoint = this.endpoints.get(format(to))
    const lost = this.arrival(endpoint, packet)
    if (lost === undefined) this.stats.packetsDelivered++
    else this.stats.dropped[lost]++
  }

  private arrival(endpoint: Endpoint | undefined, packet: Packet): DropReason | undefined {
    if (endpoint === undefined) return "NoSuchAddress"
    if (endpoint.host.crashed !== undefined) return "Crashed"
    if (!Queue.offerUnsafe(endpoint.inbox, packet)) return "InboxFull"
    endpoint.host.traffic.packetsReceived++
    endpoint.host.traffic.bytesReceived += packet.payload.length
    return undefined
  }

  /** Whether stream bytes get from one host to another now; a refusing crash answers, so it does not block. */
  streamPasses(from: string, to: string): boolean {
    return this.hosts.get(from)?.crashed !== "Silent" && this.hosts.get(to)?.crashed !== "Silent"
      && this.links.passes(from, to, "streams")
  }

  /** Who accepts a stream at this address; nobody when the program is gone or has too many open. */
  listener(to: PeerAddress): Endpoint | undefined {
    const endpoint = this.endpoints.get(format(to))
    if (endpoint === undefined || this.isCrashed(to.ip)) return undefined
    return endpoint.accepted < this.options.maxStreams ? endpoint : undefined
  }
}
