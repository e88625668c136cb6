/**
 * The state of a simulated network: hosts, bound addresses, links, streams, counters.
 *
 * @since 0.1.0
 */
import type { PeerAddress } from "../../base/Address.ts"
import type { Packet } from "../../Transport.ts"
import type { Deliveries } from "./Deliveries.ts"
import type { Latency } from "./Latency.ts"
import { hit, type Link, Links, type Reordering } from "./Links.ts"
import { type Endpoint, Host } from "./SimulatedHost.ts"
import type { Side } from "./SimulatedStream.ts"

/**
 * Why a packet did not arrive.
 *
 * `Loss`: by chance. `Cut`: by a cut link or a partition. `Crashed`: its sender or receiver has crashed.
 * `NoSuchAddress`: nobody listens there. `InboxFull`: the receiver reads too slowly, or handles packets too slowly.
 * `TooLong`: it exceeds the link's MTU. `Congestion`: the link's bandwidth is used up and its queue is full.
 *
 * @category models
 * @since 0.1.0
 */
export type DropReason = "Loss" | "Cut" | "Crashed" | "NoSuchAddress" | "InboxFull" | "TooLong" | "Congestion"

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
  /** Packets that were delivered, or dropped, a second time. */
  readonly duplicated: number
  /** Packets that were held back. */
  readonly reordered: number
  /** Segments of streams that were lost, by chance, and sent again: also the first of each, and acknowledgements. */
  readonly segmentsLost: number
  readonly streamsRefused: number
  /**
   * Packets and streams of programs that had closed their transport: they fail, and a program that ended tries none.
   */
  readonly afterClose: number
  /** Streams open now. */
  readonly streamsOpen: number
}

/** Options with their defaults filled in. */
export interface FabricOptions {
  readonly latency: Latency
  readonly loss: number
  readonly duplicate: number
  readonly reorder: Reordering | undefined
  readonly mtu: number
  readonly inboxCapacity: number
  readonly maxStreams: number
  readonly streamWindow: number
  readonly hosts: Readonly<Record<string, ReadonlyArray<string>>>
  /** What all random numbers of the network are derived from. */
  readonly seed: string
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
    dropped: { Loss: 0, Cut: 0, Crashed: 0, NoSuchAddress: 0, InboxFull: 0, TooLong: 0, Congestion: 0 },
    duplicated: 0,
    reordered: 0,
    segmentsLost: 0,
    streamsRefused: 0,
    afterClose: 0
  }
  readonly streams = new Set<LiveStream>()
  readonly links: Links
  readonly options: FabricOptions
  readonly deliveries: Deliveries
  private readonly hosts = new Map<string, Host>()
  /** By IP and port: a text of both for each packet would cost more than two look-ups. */
  private readonly endpoints = new Map<string, Map<number, Endpoint>>()

  constructor(options: FabricOptions, deliveries: Deliveries) {
    this.options = options
    this.deliveries = deliveries
    this.links = new Links(options)
  }

  host(ip: string): Host {
    const existing = this.hosts.get(ip)
    if (existing !== undefined) return existing
    const host = new Host(ip, this.options.seed)
    this.hosts.set(ip, host)
    return host
  }

  private endpointAt({ ip, port }: PeerAddress): Endpoint | undefined {
    return this.endpoints.get(ip)?.get(port)
  }

  isBound(address: PeerAddress): boolean {
    return this.endpointAt(address) !== undefined
  }

  register(endpoint: Endpoint): void {
    const { ip, port } = endpoint.address
    const ports = this.endpoints.get(ip) ?? new Map<number, Endpoint>()
    this.endpoints.set(ip, ports.set(port, endpoint))
  }

  /** A node's program ends: its address is free and its streams break. */
  unregister(endpoint: Endpoint): void {
    this.endpoints.get(endpoint.address.ip)?.delete(endpoint.address.port)
    endpoint.close()
    this.breakStreams((stream) => stream.endpoints.includes(endpoint))
  }

  breakStreams(affected: (stream: LiveStream) => boolean): void {
    for (const stream of [...this.streams]) {
      if (affected(stream)) stream.side.abort()
    }
  }

  /** Why a packet does not even get on its way, if so. */
  refusal(from: Host, link: Link, size: number): DropReason | undefined {
    if (from.crashed !== undefined) {
      from.lost++
      return "Crashed"
    }
    if (!link.packets) {
      hit(link, ({ packets }) => packets === false)
      return "Cut"
    }
    if (size <= link.mtu) return undefined
    hit(link, ({ mtu }) => mtu !== undefined && size > mtu)
    return "TooLong"
  }

  deliver(packet: Packet, to: PeerAddress): void {
    const endpoint = this.endpointAt(to)
    const lost = endpoint === undefined ? "NoSuchAddress" : this.arrival(endpoint, packet)
    if (lost !== undefined) this.stats.dropped[lost]++
  }

  private arrival(endpoint: Endpoint, packet: Packet): DropReason | undefined {
    const { host } = endpoint
    if (host.crashed !== undefined) {
      host.lost++
      return "Crashed"
    }
    const { processor } = host
    if (processor === undefined) return this.handOver(endpoint, packet)
    const handle = () => {
      const lost = this.handOver(endpoint, packet)
      if (lost !== undefined) this.stats.dropped[lost]++
    }
    return processor.offer(host, packet.payload.length, handle) ? undefined : "InboxFull"
  }

  /** Gives a packet to the program. */
  private handOver(endpoint: Endpoint, packet: Packet): DropReason | undefined {
    if (endpoint.closed) return "NoSuchAddress"
    if (!endpoint.inbox.offer(endpoint.stamp(packet))) return "InboxFull"
    this.stats.packetsDelivered++
    endpoint.host.traffic.packetsReceived++
    endpoint.host.traffic.bytesReceived += packet.payload.length
    return undefined
  }

  private silent(ip: string): boolean {
    const host = this.hosts.get(ip)
    if (host?.crashed !== "Silent") return false
    host.lost++
    return true
  }

  /** Whether stream bytes get from one host to another now; a refusing crash answers, so it does not block. */
  streamPasses(from: string, to: string): boolean {
    if (this.silent(from) || this.silent(to)) return false
    const link = this.links.between(from, to)
    if (!link.streams) hit(link, ({ streams }) => streams === false)
    return link.streams
  }

  /** Who accepts a stream at this address; nobody when the program is gone or has too many open. */
  listener(to: PeerAddress): Endpoint | undefined {
    const endpoint = this.endpointAt(to)
    if (endpoint === undefined || endpoint.host.crashed !== undefined) return undefined
    return endpoint.accepted < this.options.maxStreams ? endpoint : undefined
  }
}
