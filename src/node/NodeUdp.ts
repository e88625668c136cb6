/**
 * Packets over UDP: one socket for sending and receiving, so that peers can answer to where a packet came from.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as NodeDatagramSocket from "@effect/platform-node/NodeDatagramSocket"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type * as DatagramSocket from "effect/socket/DatagramSocket"
import { format, type PeerAddress } from "../base/Address.ts"
import { BindFailed, TransportError } from "../MemberlistError.ts"
import type { Packet, Transport } from "../Transport.ts"
import * as Reporting from "./Reporting.ts"
import { bindKind } from "./SocketFailure.ts"

/** Asked of the system for bursts of packets. memberlist: `udpRecvBufSize`. */
const KERNEL_BUFFER = 2 * 1024 * 1024
const SMALLEST_KERNEL_BUFFER = 64 * 1024

/** A system that refuses the size of a buffer has not refused the address. */
const refusesSize = (error: DatagramSocket.DatagramSocketError): boolean =>
  error.reason._tag === "DatagramSocketOpenError" && error.reason.kind === "Unknown"
  && /ENOBUFS|EINVAL|ERR_SOCKET_BUFFER_SIZE/.test(codeOf(error.reason.cause))

const codeOf = (cause: unknown): string =>
  typeof cause === "object" && cause !== null && "code" in cause ? String(cause.code) : ""

/**
 * Opens with the largest kernel receive buffer that the system grants: 2 MiB, halved until it is accepted, at last the
 * system's own default.
 *
 * @internal
 */
export const withLargestBuffer = <A, R>(
  open: (kernelBuffer: number | undefined) => Effect.Effect<A, DatagramSocket.DatagramSocketError, R>
): Effect.Effect<A, DatagramSocket.DatagramSocketError, R> => {
  const from = (size: number): Effect.Effect<A, DatagramSocket.DatagramSocketError, R> =>
    size < SMALLEST_KERNEL_BUFFER
      ? open(undefined)
      : Effect.catch(open(size), (error) => refusesSize(error) ? from(size / 2) : Effect.fail(error))
  return from(KERNEL_BUFFER)
}

const openFailure = (address: string) => (error: DatagramSocket.DatagramSocketError): BindFailed => {
  const { reason } = error
  const cause = "cause" in reason ? reason.cause : error
  const known = reason._tag === "DatagramSocketOpenError" && reason.kind !== "Unknown" ? reason.kind : bindKind(cause)
  return new BindFailed({ address, protocol: "udp", kind: known, cause })
}

const writeKinds = {
  MessageTooLarge: "TooLarge",
  Unreachable: "Unreachable",
  ConnectionRefused: "Refused",
  PermissionDenied: "Unknown",
  Unknown: "Unknown"
} as const

/** A write that the network refused says nothing about our own health; one that we should not have tried does. */
const writeFailure = (to: PeerAddress) => ({ reason }: DatagramSocket.DatagramSocketError): TransportError => {
  const address = format(to)
  if (reason._tag !== "DatagramSocketWriteError") {
    return new TransportError({ operation: "send", kind: "Closed", scope: "Local", address, cause: reason })
  }
  const kind = writeKinds[reason.kind]
  return new TransportError({
    operation: "send",
    kind,
    scope: kind === "TooLarge" ? "Local" : "Remote",
    address,
    cause: reason.cause
  })
}

const readFailure = (address: string) => ({ reason }: DatagramSocket.DatagramSocketError) =>
  new TransportError({
    operation: "receive",
    kind: reason._tag === "DatagramSocketClosedError" ? "Closed" : "Unknown",
    scope: "Local",
    address,
    cause: reason
  })

/** Addresses remembered; when there are more, all are forgotten and parsed again as they come. */
const KNOWN_ADDRESSES = 4096

/** From our addresses to the socket's and back. A dual-stack socket speaks IPv4 in the mapped form only. */
const addressing = (local: NetAddress.InetAddress) => {
  const known = new Map<string, NetAddress.InetAddress>()
  const isV6 = NetAddress.isInetAddressV6(local)
  const parse = (to: PeerAddress): NetAddress.InetAddress | undefined => {
    try {
      const parsed = NetAddress.inetAddressFromNativeUnsafe(to.ip, to.port)
      if (NetAddress.isInetAddressV6(parsed)) return isV6 ? parsed : undefined
      return isV6 ? NetAddress.inetAddressUnsafe(NetAddress.toIpv4Mapped(parsed.address), to.port) : parsed
    } catch {
      return undefined
    }
  }
  return {
    toNative: (to: PeerAddress): NetAddress.InetAddress | undefined => {
      const key = format(to)
      const hit = known.get(key)
      if (hit !== undefined) return hit
      const address = parse(to)
      if (address === undefined) return undefined
      if (known.size >= KNOWN_ADDRESSES) known.clear()
      known.set(key, address)
      return address
    },
    fromNative: (address: NetAddress.InetAddress): PeerAddress => ({
      ip: NetAddress.formatHost(NetAddress.toCanonical(address)),
      port: address.port
    })
  }
}

const closed = (to: PeerAddress) =>
  new TransportError({
    operation: "send",
    kind: "Closed",
    scope: "Local",
    address: format(to),
    cause: new Error("the transport is closed")
  })

const receiveClosed = (address: string) =>
  new TransportError({
    operation: "receive",
    kind: "Closed",
    scope: "Local",
    address,
    cause: new Error("the transport is closed")
  })

const wrongFamily = (to: PeerAddress) =>
  new TransportError({
    operation: "send",
    kind: "Unreachable",
    scope: "Remote",
    address: format(to),
    cause: new Error("this node is bound to IPv4 only; bind :: to reach IPv6 members as well")
  })

/**
 * The packet half of a transport.
 *
 * @category models
 * @since 0.1.0
 */
export type Udp = Pick<Transport["Service"], "packets" | "send">

/**
 * Where to listen, and how much may wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** An IP literal of this host, or a wildcard. */
  readonly address: string
  readonly port: number
  /** Packets that may wait to be read; of more, the oldest are dropped. */
  readonly capacity: number
  /** Who is told of what this does by itself. */
  readonly notify?: Reporting.Notify | undefined
}

/**
 * Binds the socket. It is closed with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bind = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<Udp, BindFailed, Scope.Scope> {
  const endpoint = format({ ip: options.address, port: options.port })
  const { reader, writer } = yield* withLargestBuffer(
    Effect.fnUntraced(function*(kernelReceiveBufferSize) {
      const socket = yield* NodeDatagramSocket.make({
        bind: { address: options.address, port: options.port },
        kernelReceiveBufferSize,
        receiveBuffer: { capacity: options.capacity }
      })
      return { reader: yield* socket.reader, writer: yield* socket.writer }
    })
  ).pipe(Effect.mapError(openFailure(endpoint)))
  const addresses = addressing(reader.address)
  let reported = 0
  const arrived = yield* Queue.dropping<void, TransportError>(1)
  // without a reader, which ends with the scope, the socket would keep writers waiting for the next one
  let isOpen = true
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isOpen = false
      Queue.failCauseUnsafe(arrived, Cause.fail(receiveClosed(endpoint)))
    })
  )

  const notify = options.notify ?? Reporting.silent
  let waiting: Array<Packet> = []
  let overflow = 0

  /**
   * What is new, with the time of its arrival: this fiber was woken by the packets themselves, and does nothing else.
   */
  const collect = (clock: Clock.Clock) => (batch: ReadonlyArray<DatagramSocket.Datagram>) => {
    const receivedAt = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    for (const { address, payload } of batch) waiting.push({ payload, from: addresses.fromNative(address), receivedAt })
    // the oldest make room: their senders have waited longest, and may have given up
    const more = waiting.length - options.capacity
    if (more > 0) {
      waiting = waiting.slice(more)
      overflow += more
    }
    Queue.offerUnsafe(arrived, undefined)
  }
  yield* Clock.clockWith((clock) =>
    Effect.map(reader.pull, collect(clock)).pipe(
      Effect.forever,
      Effect.mapError(readFailure(endpoint)),
      Effect.catchCause((cause) => Queue.failCause(arrived, cause)),
      Effect.forkScoped
    )
  )

  const take = Effect.sync(() => {
    const packets = waiting
    waiting = []
    const dropped = reader.dropped() + overflow
    const count = dropped - reported
    reported = dropped
    if (count > 0) notify({ _tag: "PacketsDropped", count, detail: `${options.capacity} were waiting` })
    return packets
  })
  return {
    // packets that arrived while nobody waited are there although their signal was taken
    packets: Effect.suspend(() => waiting.length > 0 ? take : Effect.andThen(Queue.take(arrived), take)).pipe(
      Effect.repeat({ until: (packets) => packets.length > 0 })
    ),
    send: (to, payload) =>
      Effect.suspend(() => {
        if (!isOpen) return Effect.fail(closed(to))
        const address = addresses.toNative(to)
        return address === undefined
          ? Effect.fail(wrongFamily(to))
          : Effect.mapError(writer.write({ payload, address }), writeFailure(to))
      })
  }
})

/**
 * The local address that the system would use towards the rest of the world, if there is a route. Connecting a UDP
 * socket only asks the routing table: nothing is sent.
 *
 * @category getters
 * @since 0.1.0
 */
export const routeSource = (family: 4 | 6): Effect.Effect<string | undefined> =>
  Effect.gen(function*() {
    const socket = yield* NodeDatagramSocket.make({
      // documentation addresses: certainly not our own
      connect: { address: family === 4 ? "198.51.100.1" : "2001:db8::1", port: 9 }
    })
    const reader = yield* socket.reader
    return NetAddress.formatIp(reader.address.address)
  }).pipe(Effect.scoped, Effect.catch(() => Effect.succeed(undefined)))
