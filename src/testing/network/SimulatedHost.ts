/**
 * What a simulated network knows about a host and about the sockets on it.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import { format, type PeerAddress } from "../../base/Address.ts"
import { TransportError } from "../../MemberlistError.ts"
import type { Packet } from "../../Transport.ts"
import { Draws } from "../clock/Draws.ts"
import { nowOf } from "./Deliveries.ts"
import { PacketInbox } from "./PacketInbox.ts"
import type { Processors } from "./Processors.ts"
import type { Side } from "./SimulatedStream.ts"

/**
 * How a host fails. `Silent`: the machine is gone, nothing answers and connecting times out. `Refuse`: the program is
 * gone, the machine answers for it: streams break and connecting is refused at once.
 *
 * @category models
 * @since 0.1.0
 */
export type CrashMode = "Silent" | "Refuse"

/**
 * Traffic of one host, counted where it enters and leaves it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Traffic {
  readonly packetsSent: number
  readonly bytesSent: number
  readonly packetsReceived: number
  readonly bytesReceived: number
  readonly streamsOpened: number
  readonly streamsAccepted: number
}

/** What chance decides about what a host sends: one stream of random numbers for each question. */
const chances = (seed: string, ip: string) => {
  const draws = (question: string) => new Draws(seed, `${question} of ${ip}`)
  return {
    loss: draws("loss"),
    latency: draws("latency"),
    extra: draws("extra latency"),
    duplicate: draws("duplicate"),
    second: draws("latency of duplicates"),
    reorder: draws("reorder"),
    held: draws("reordering delay"),
    stream: draws("latency of streams"),
    segment: draws("loss of streams' segments")
  }
}

/** A machine: may be paused or crashed as a whole. */
export class Host {
  readonly traffic: { -readonly [K in keyof Traffic]: Traffic[K] } = {
    packetsSent: 0,
    bytesSent: 0,
    packetsReceived: 0,
    bytesReceived: 0,
    streamsOpened: 0,
    streamsAccepted: 0
  }
  /** Sends and receives that had to wait because the host was paused. */
  blocked = 0
  /** Packets and stream operations that were lost because the host had crashed. */
  lost = 0
  readonly ip: string
  readonly chances: ReturnType<typeof chances>
  private readonly latch = Latch.makeUnsafe(true)
  /** By whoever said so: several faults may have the same effect, and each takes back only its own. */
  private readonly crashes = new Map<object, CrashMode>()
  private readonly pauses = new Set<object>()
  /** The latest handles what arrives; none: everything is handled at once. */
  private processors: ReadonlyArray<Processors> = []
  private ephemeral = 49_151

  constructor(ip: string, seed: string) {
    this.ip = ip
    this.chances = chances(seed, ip)
  }

  /** Waits while the host is paused. */
  readonly gate: Effect.Effect<void> = Effect.suspend(() => {
    if (this.latch.isOpen()) return Effect.void
    this.blocked++
    return this.latch.await
  })

  get paused(): boolean {
    return this.pauses.size > 0
  }

  /** How it fails now; silence covers everything else. */
  get crashed(): CrashMode | undefined {
    if (this.crashes.size === 0) return undefined
    return [...this.crashes.values()].includes("Silent") ? "Silent" : "Refuse"
  }

  pause(by: object): void {
    this.pauses.add(by)
    this.latch.closeUnsafe()
  }

  resume(by: object): void {
    this.pauses.delete(by)
    if (this.pauses.size > 0) return
    this.latch.openUnsafe()
    for (const each of this.processors) each.goOn(this)
  }

  /** What handles packets that arrive; `undefined`: nothing stands between them and the program. */
  get processor(): Processors | undefined {
    return this.processors.at(-1)
  }

  /** Lets what arrives be handled by these from now on. */
  process(by: Processors): void {
    this.processors = [...this.processors, by]
  }

  /** Takes that back. */
  relieve(by: Processors): void {
    this.processors = this.processors.filter((other) => other !== by)
  }

  crash(by: object, mode: CrashMode): void {
    this.crashes.set(by, mode)
  }

  recover(by: object): void {
    this.crashes.delete(by)
  }

  nextPort(): number {
    this.ephemeral = this.ephemeral === 65_535 ? 49_152 : this.ephemeral + 1
    return this.ephemeral
  }
}

/** A bound address: where packets and streams arrive. */
export class Endpoint {
  /** Streams that this endpoint has accepted and not closed. */
  accepted = 0
  /** The transport was closed: its program has ended. */
  closed = false
  readonly address: PeerAddress
  readonly host: Host
  readonly inbox: PacketInbox
  readonly backlog: Queue.Queue<Side, TransportError>
  private readonly clock: Clock.Clock

  /** `clock` is the node's, which may differ from the network's. */
  constructor(options: {
    readonly address: PeerAddress
    readonly host: Host
    readonly inbox: PacketInbox
    readonly backlog: Queue.Queue<Side, TransportError>
    readonly clock: Clock.Clock
  }) {
    this.clock = options.clock
    this.address = options.address
    this.host = options.host
    this.inbox = options.inbox
    this.backlog = options.backlog
  }

  /** The packet with the time of its arrival by the node's clock. */
  stamp(packet: Packet): Packet {
    return { payload: packet.payload, from: packet.from, receivedAt: nowOf(this.clock) }
  }

  close(): void {
    this.closed = true
    const closed = (operation: "receive" | "accept") =>
      Cause.fail(
        new TransportError({
          operation,
          kind: "Closed",
          scope: "Local",
          address: format(this.address),
          cause: new Error("the transport is closed")
        })
      )
    this.inbox.fail(closed("receive"))
    Queue.failCauseUnsafe(this.backlog, closed("accept"))
  }
}

/** Binds an address with a bounded inbox and a bounded backlog. */
export const bind = Effect.fnUntraced(function*(options: {
  readonly address: PeerAddress
  readonly host: Host
  readonly inboxCapacity: number
  readonly maxStreams: number
}) {
  return new Endpoint({
    address: options.address,
    host: options.host,
    clock: yield* Clock.Clock,
    inbox: yield* Effect.withFiber((fiber) =>
      Effect.succeed(new PacketInbox(options.inboxCapacity, fiber.currentDispatcher))
    ),
    backlog: yield* Queue.dropping<Side, TransportError>(options.maxStreams)
  })
})
