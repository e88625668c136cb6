/**
 * Packets over UDP: one socket for sending and receiving, so that peers can answer to where a packet came from.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as NetAddress from "effect/net/NetAddress"
import type * as Scope from "effect/Scope"
import * as Dgram from "node:dgram"
import { isIPv4, isIPv6 } from "node:net"
import { networkInterfaces } from "node:os"
import { format, type PeerAddress } from "../base/Address.ts"
import { BindFailed, TransportError } from "../MemberlistError.ts"
import type { Packet, Transport } from "../Transport.ts"
import * as Reporting from "./Reporting.ts"
import { bindKind, codeOf, sendKind } from "./SocketFailure.ts"

/** Asked of the system for bursts of packets. memberlist: `udpRecvBufSize`. */
const KERNEL_BUFFER = 2 * 1024 * 1024
const SMALLEST_KERNEL_BUFFER = 64 * 1024

/** A system that refuses the size of a buffer has not refused the address. */
const refusesSize = (error: unknown): boolean => /ENOBUFS|EINVAL|ERR_SOCKET_BUFFER_SIZE/.test(codeOf(error) ?? "")

/**
 * Asks for the largest kernel receive buffer that the system grants: 2 MiB, halved until it is accepted, at last the
 * system's own default.
 *
 * @internal
 */
export const withLargestBuffer = (ask: (bytes: number) => void): void => {
  for (let size = KERNEL_BUFFER; size >= SMALLEST_KERNEL_BUFFER; size /= 2) {
    try {
      return ask(size)
    } catch (error) {
      if (!refusesSize(error)) throw error
    }
  }
}

/** A write that the network refused says nothing about our own health; one that we should not have tried does. */
const writeFailure = (to: PeerAddress, cause: unknown): TransportError => {
  const kind = sendKind(cause)
  const scope = kind === "TooLarge" || kind === "Closed" ? "Local" : "Remote"
  return new TransportError({ operation: "send", kind, scope, address: format(to), cause })
}

/** Calls back with `null`, or with why a packet was not sent. */
type Sent = (cause: Error | null) => void

/** How often a refused packet is sent again: others, to where nobody listens either, may be sent between. */
const AGAIN = 2

/**
 * Sends again what was refused. The socket is connected to nobody, so no packet can be refused for its own sake: Bun
 * tells with the next packet, which may be to somebody else and is not sent, that nobody listens where an earlier one
 * went.
 *
 * @internal
 */
export const despiteRefusal = (send: (sent: Sent) => void, sent: Sent, again = AGAIN): void =>
  send((cause) => again > 0 && codeOf(cause) === "ECONNREFUSED" ? despiteRefusal(send, sent, again - 1) : sent(cause))

/** Addresses remembered; when there are more, all are forgotten and parsed again as they come. */
const KNOWN_ADDRESSES = 4096

/** Every address is a literal. Node's own look-up would take a turn of the event loop all the same. */
const literal = (
  host: string,
  options: unknown,
  answer: (error: null, address: string, family: number) => void
): void => answer(null, host, typeof options === "number" ? options : 4)

interface Addressing {
  /** What the socket calls an address; `undefined`: it cannot reach it. */
  readonly toNative: (ip: string) => string | undefined
  readonly fromNative: (host: string) => string
}

/** What is IPv4 has one form only. */
const ofIPv4: Addressing = { toNative: (ip) => isIPv4(ip) ? ip : undefined, fromNative: (host) => host }

/** From our addresses to the socket's and back. A dual-stack socket speaks IPv4 in the mapped form only. */
const ofBoth = (): Addressing => {
  const scopeIds = NetAddress.scopeIdsFromInterfaces(
    process.platform === "win32" ? [] : Object.entries(networkInterfaces())
  )
  const known = new Map<string, string>()
  const remembered = (key: string, make: () => string): string => {
    const hit = known.get(key)
    if (hit !== undefined) return hit
    const made = make()
    if (known.size >= KNOWN_ADDRESSES) known.clear()
    known.set(key, made)
    return made
  }
  const parse = (host: string) => NetAddress.inetAddressFromNativeUnsafe(host, 0, scopeIds)
  const native = (ip: string): string => {
    // the parser takes what is no address for one
    if (!isIPv4(ip) && !isIPv6(ip)) throw new Error(`no address: ${ip}`)
    const parsed = parse(ip)
    return NetAddress.formatNativeHost(
      NetAddress.isInetAddressV6(parsed)
        ? parsed
        : NetAddress.inetAddressUnsafe(NetAddress.toIpv4Mapped(parsed.address), 0),
      scopeIds,
      process.platform
    )
  }
  // an interface that has come since has no number yet: its addresses are left as the system wrote them
  return {
    toNative: (ip) => {
      try {
        return remembered(`to ${ip}`, () => native(ip))
      } catch {
        return isIPv6(ip) ? ip : undefined
      }
    },
    fromNative: (host) => {
      try {
        return remembered(`from ${host}`, () => NetAddress.formatHost(NetAddress.toCanonical(parse(host))))
      } catch {
        return host
      }
    }
  }
}

/**
 * The addresses of a socket of a family.
 *
 * @internal
 */
export const addressing = (family: 4 | 6): Addressing => family === 4 ? ofIPv4 : ofBoth()

const closed = (address: string, operation: "send" | "receive") =>
  new TransportError({
    operation,
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

/** A socket that is closed with the scope, once `begin` has told that it is ready. */
const open = <E>(
  family: 4 | 6,
  begin: (socket: Dgram.Socket, done: (cause?: unknown) => void) => void,
  failed: (cause: unknown) => E
): Effect.Effect<Dgram.Socket, E, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Dgram.Socket, E>((resume) => {
      const socket = Dgram.createSocket({ type: family === 4 ? "udp4" : "udp6", lookup: literal as never })
      const fail = (cause: unknown) => {
        close(socket)
        resume(Effect.fail(failed(cause)))
      }
      socket.once("error", fail)
      try {
        begin(socket, (cause) => {
          if (cause !== undefined) return fail(cause)
          socket.off("error", fail)
          // what comes from now on is about no packet in particular, and without a listener it would be thrown
          socket.on("error", () => {})
          resume(Effect.succeed(socket))
        })
      } catch (cause) {
        fail(cause)
      }
    }),
    (socket) => Effect.sync(() => close(socket))
  )

const close = (socket: Dgram.Socket): void => {
  try {
    socket.close()
  } catch {
    // it is closed
  }
}

/**
 * Binds the socket. It is closed with the scope.
 *
 * Straight on Node's socket: through Effect's datagram sockets a packet takes a fiber, a queue and a turn of the event
 * loop more.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bind = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<Udp, BindFailed, Scope.Scope> {
  const endpoint = format({ ip: options.address, port: options.port })
  const family = isIPv4(options.address) ? 4 : 6
  const clock = yield* Clock.Clock
  const notify = options.notify ?? Reporting.silent
  const addresses = addressing(family)

  let waiting: Array<Packet> = []
  let dropped = 0
  let isOpen = true
  let reader: ((packets: Effect.Effect<ReadonlyArray<Packet>, TransportError>) => void) | undefined

  const take = (): ReadonlyArray<Packet> => {
    const packets = waiting
    waiting = []
    if (dropped > 0) {
      const count = dropped
      dropped = 0
      notify({ _tag: "PacketsDropped", count, detail: `${options.capacity} were waiting` })
    }
    return packets
  }

  /** Answers whoever waits for packets, at once. */
  const answer = (what: () => Effect.Effect<ReadonlyArray<Packet>, TransportError>): void => {
    if (reader === undefined) return
    const resume = reader
    reader = undefined
    resume(what())
  }

  const onPacket = (payload: Uint8Array, from: Dgram.RemoteInfo): void => {
    const receivedAt = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
    waiting.push({ payload, from: { ip: addresses.fromNative(from.address), port: from.port }, receivedAt })
    if (waiting.length > options.capacity) {
      // the oldest make room: their senders have waited longest, and may have given up
      waiting.shift()
      dropped++
    }
    answer(() => Effect.succeed(take()))
  }

  const onClose = (): void => {
    isOpen = false
    answer(() => Effect.fail(closed(endpoint, "receive")))
  }

  const socket = yield* open(
    family,
    (socket, done) => {
      socket.on("message", onPacket)
      socket.on("close", onClose)
      // never shared between the workers of a cluster, as for streams
      socket.bind({ address: options.address, port: options.port, exclusive: true }, () => {
        try {
          withLargestBuffer((bytes) => socket.setRecvBufferSize(bytes))
        } catch (cause) {
          return done(cause)
        }
        done()
      })
    },
    (cause) => new BindFailed({ address: endpoint, protocol: "udp", kind: bindKind(cause), cause })
  )
  yield* Effect.addFinalizer(() => Effect.sync(onClose))

  return {
    packets: Effect.suspend(() => {
      if (waiting.length > 0) return Effect.succeed(take())
      if (!isOpen) return Effect.fail(closed(endpoint, "receive"))
      return Effect.callback<ReadonlyArray<Packet>, TransportError>((resume) => {
        reader = resume
        return Effect.sync(() => {
          if (reader === resume) reader = undefined
        })
      })
    }),
    send: (to, payload) =>
      Effect.callback<void, TransportError>((resume) => {
        if (!isOpen) return resume(Effect.fail(closed(format(to), "send")))
        const host = addresses.toNative(to.ip)
        if (host === undefined) return resume(Effect.fail(wrongFamily(to)))
        const attempt = (sent: Sent): void => {
          try {
            socket.send(payload, to.port, host, sent)
          } catch (cause) {
            resume(Effect.fail(writeFailure(to, cause)))
          }
        }
        despiteRefusal(
          attempt,
          (cause) => resume(cause === null ? Effect.void : Effect.fail(writeFailure(to, cause)))
        )
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
  open(
    family,
    // documentation addresses: certainly not our own
    (socket, done) => socket.connect(9, family === 4 ? "198.51.100.1" : "2001:db8::1", done),
    () => undefined
  ).pipe(
    Effect.map((socket) => socket.address().address),
    Effect.scoped,
    Effect.catch(() => Effect.succeed(undefined))
  )
