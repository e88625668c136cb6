/**
 * What a simulated network knows about a host and about the sockets on it.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import { format, type PeerAddress } from "../Address.ts"
import { TransportError } from "../MemberlistError.ts"
import type { Packet } from "../Transport.ts"
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

/** A machine: may be paused or crashed as a whole. */
export class Host {
  crashed: CrashMode | undefined = undefined
  readonly traffic: { -readonly [K in keyof Traffic]: Traffic[K] } = {
    packetsSent: 0,
    bytesSent: 0,
    packetsReceived: 0,
    bytesReceived: 0,
    streamsOpened: 0,
    streamsAccepted: 0
  }
  private readonly latch = Latch.makeUnsafe(true)
  private ephemeral = 49_151
  readonly ip: string

  constructor(ip: string) {
    this.ip = ip
  }

  /** Waits while the host is paused. */
  readonly gate: Effect.Effect<void> = Effect.suspend(() => this.latch.isOpen() ? Effect.void : this.latch.await)

  get paused(): boolean {
    return !this.latch.isOpen()
  }

  pause(): void {
    this.latch.closeUnsafe()
  }

  resume(): void {
    this.latch.openUnsafe()
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
  readonly address: PeerAddress
  readonly host: Host
  readonly inbox: Queue.Queue<Packet, TransportError>
  readonly backlog: Queue.Queue<Side, TransportError>

  constructor(options: {
    readonly address: PeerAddress
    readonly host: Host
    readonly inbox: Queue.Queue<Packet, TransportError>
    readonly backlog: Queue.Queue<Side, TransportError>
  }) {
    this.address = options.address
    this.host = options.host
    this.inbox = options.inbox
    this.backlog = options.backlog
  }

  close(): void {
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
    Queue.failCauseUnsafe(this.inbox, closed("receive"))
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
    inbox: yield* Queue.dropping<Packet, TransportError>(options.inboxCapacity),
    backlog: yield* Queue.dropping<Side, TransportError>(options.maxStreams)
  })
})
