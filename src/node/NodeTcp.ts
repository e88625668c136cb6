/**
 * Streams over TCP: a bounded accept loop and outgoing connections, whose release says goodbye properly.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as NodeSocket from "@effect/platform-node/NodeSocket"
import * as NodeSocketServer from "@effect/platform-node/NodeSocketServer"
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Socket from "effect/socket/Socket"
import type * as SocketServer from "effect/socket/SocketServer"
import * as Net from "node:net"
import { format, ipBytes, ipText, type PeerAddress } from "../base/Address.ts"
import { BindFailed, TransportError } from "../MemberlistError.ts"
import type { Connection, Transport } from "../Transport.ts"
import * as Reporting from "./Reporting.ts"
import { bindKind, openKind } from "./SocketFailure.ts"

/**
 * The stream half of a transport.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tcp extends Pick<Transport["Service"], "open" | "serve"> {
  /** The port, chosen by the system if 0 was asked for. */
  readonly port: number
}

/**
 * Where to listen, and what to allow.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** An IP literal of this host, or a wildcard. */
  readonly address: string
  /** 0 lets the system choose. */
  readonly port: number
  /**
   * Accepted connections that may be open at once, as a safety net: who handles them has a limit of its own, and ends
   * those that are idle.
   */
  readonly maxInbound: number
  /** How long the release of a connection may wait for a peer that does not read. */
  readonly flushTimeout: Duration.Duration
  /** Who is told of what this does by itself. */
  readonly notify?: Reporting.Notify | undefined
}

const canonical = (ip: string): string => ipText(ipBytes(ip) ?? new Uint8Array()) ?? ip

const failure = (operation: "read" | "write", peer: PeerAddress) => (error: Socket.SocketError): TransportError =>
  new TransportError({ operation, kind: "Closed", scope: "Remote", address: format(peer), cause: error.reason })

/** Whether the peer has ended its side, and nothing broke. */
const endedInOrder = ({ reason }: Socket.SocketError): boolean =>
  reason._tag === "SocketCloseError" && reason.code === NORMAL

/** How Effect's sockets say that a stream ended in order. */
const NORMAL = 1000

/** Waits until what was written is with the system and the end of the stream behind it. */
const flushed = (conn: Net.Socket): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    if (conn.destroyed || conn.writableFinished) {
      resume(Effect.void)
      return
    }
    const done = () => {
      conn.off("finish", done)
      conn.off("close", done)
      resume(Effect.void)
    }
    conn.on("finish", done)
    conn.on("close", done)
    conn.end()
    return Effect.sync(() => {
      conn.off("finish", done)
      conn.off("close", done)
    })
  })

/** A native socket, and how many writes to it have begun and not come to their end. */
interface Wire {
  readonly conn: Net.Socket
  unfinished: number
}

/**
 * After success: flush, then close. After a failure or an interruption, and when a write took too long or was cut off:
 * close at once, so that a peer that does not read keeps no memory here.
 */
const release = ({ conn, unfinished }: Wire, exit: Exit.Exit<unknown, unknown>, flushTimeout: Duration.Duration) => {
  const destroy = Effect.sync(() => {
    conn.destroy()
  })
  if (Exit.isFailure(exit) || unfinished > 0) return destroy
  // finalizers are uninterruptible, and a timeout can only end what can be interrupted
  return Effect.interruptible(flushed(conn)).pipe(Effect.timeoutOption(flushTimeout), Effect.andThen(destroy))
}

const concat = (chunks: ReadonlyArray<Uint8Array | string>): Uint8Array => {
  const parts = chunks.map((chunk) => typeof chunk === "string" ? Buffer.from(chunk) : chunk)
  const [first] = parts
  return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts)
}

/** Our connection over Effect's socket. `wire` is the native socket below it. */
const connection = Effect.fnUntraced(function*(
  socket: Socket.Socket,
  wire: Wire,
  peer: PeerAddress,
  reader: Socket.Reader
): Effect.fn.Return<Connection, never, Scope.Scope> {
  const { conn } = wire
  const writer = yield* socket.writer
  const onRead = failure("read", peer)
  const onWrite = failure("write", peer)
  const gone = Effect.suspend(() =>
    onWrite(new Socket.SocketError({ reason: new Socket.SocketCloseError({ code: 1006 }) }))
  )
  return {
    peer,
    pull: Effect.mapBoth(reader.pull, {
      onSuccess: concat,
      onFailure: (error) => endedInOrder(error) ? Cause.Done() : onRead(error)
    }),
    // a destroyed native socket never drains: writing to it would wait forever
    write: (bytes) =>
      Effect.suspend(() => {
        if (conn.destroyed || conn.writableEnded) return gone
        wire.unfinished++
        return Effect.mapBoth(writer.write(bytes), {
          onSuccess: () => {
            wire.unfinished--
          },
          onFailure: onWrite
        })
      })
  }
})

const dial = (to: PeerAddress): Effect.Effect<Net.Socket, Socket.SocketError> =>
  Effect.callback((resume) => {
    const conn = Net.createConnection({ host: to.ip, port: to.port, noDelay: true, allowHalfOpen: true })
    // stays for the life of the socket: an unheard error would end the process
    conn.on("error", (cause) =>
      resume(Effect.fail(new Socket.SocketError({ reason: new Socket.SocketOpenError({ kind: "Unknown", cause }) }))))
    conn.once("connect", () =>
      resume(Effect.succeed(conn)))
    return Effect.sync(() => {
      conn.destroy()
    })
  })

const openFailure = (to: PeerAddress) => ({ reason }: Socket.SocketError): TransportError => {
  const timedOut = reason._tag === "SocketOpenError" && reason.kind === "Timeout"
  const cause = "cause" in reason ? reason.cause : reason
  const kind = timedOut ? "Timeout" : openKind(cause)
  return new TransportError({ operation: "open", kind, scope: "Remote", address: format(to), cause })
}

/**
 * Opens connections, for those who do not listen.
 *
 * @category constructors
 * @since 0.1.0
 */
export const opener = (flushTimeout: Duration.Duration): Tcp["open"] =>
  Effect.fnUntraced(function*(to, { timeout }) {
    let wire: Wire | undefined
    const opening = Effect.acquireRelease(
      Effect.map(dial(to), (conn) => (wire = { conn, unfinished: 0 })),
      (made, exit) => release(made, exit, flushTimeout),
      { interruptible: true }
    ).pipe(Effect.map(({ conn }) => conn))
    const socket = yield* NodeSocket.fromDuplex(opening, { openTimeout: timeout })
    const reader = yield* Effect.mapError(socket.reader, openFailure(to))
    if (wire === undefined) return yield* Effect.die(new Error("an open socket without its native one"))
    return yield* connection(socket, wire, to, reader)
  })

/**
 * What is open, and what is refused because of that.
 *
 * @internal
 */
export const makeLimit = (max: number, notify: Reporting.Notify) => {
  const open = new Set<Net.Socket>()
  /** Those that have been handled and wait for their peer to read the rest, the longest first. */
  const flushing = new Set<Net.Socket>()
  const leave = (conn: Net.Socket) => {
    open.delete(conn)
    flushing.delete(conn)
  }
  return {
    refuse: (peer: PeerAddress) =>
      Effect.sync(() => notify({ _tag: "StreamRefused", peer, detail: `${max} are open` })),
    tryEnter: (conn: Net.Socket): boolean => {
      if (open.size >= max) {
        const [oldest] = flushing
        if (oldest === undefined) return false
        leave(oldest)
        oldest.destroy()
      }
      open.add(conn)
      return true
    },
    flush: (conn: Net.Socket) => {
      if (open.has(conn)) flushing.add(conn)
    },
    leave
  }
}

const serve = (server: SocketServer.SocketServer["Service"], options: Options): Tcp["serve"] => {
  const notify = options.notify ?? Reporting.silent
  const limit = makeLimit(options.maxInbound, notify)
  const accept = Effect.fnUntraced(function*(
    socket: Socket.Socket,
    conn: Net.Socket,
    peer: PeerAddress,
    handler: (connection: Connection) => Effect.Effect<void>
  ) {
    const reader = yield* socket.reader
    // registered after the reader's own release, so that it runs first and decides how to close
    const wire: Wire = { conn, unfinished: 0 }
    yield* Effect.addFinalizer((exit) => {
      limit.flush(conn)
      return release(wire, exit, options.flushTimeout)
    })
    yield* handler(yield* connection(socket, wire, peer, reader))
  }, Effect.scoped)

  return (handler) =>
    server.run((socket) =>
      // the server provides each handler with its native socket, which its type does not tell
      Effect.flatMap(Effect.serviceOption(NodeSocket.NetSocket), (native) => {
        if (Option.isNone(native)) return Effect.die(new Error("an accepted socket without its native one"))
        const conn = native.value
        const { remoteAddress, remotePort } = conn
        if (remoteAddress === undefined || remotePort === undefined) {
          conn.destroy()
          return Effect.void
        }
        const peer = { ip: canonical(remoteAddress), port: remotePort }
        if (!limit.tryEnter(conn)) {
          conn.destroy()
          return limit.refuse(peer)
        }
        return accept(socket, conn, peer, handler).pipe(
          // a connection that ended before it was read: nothing to handle
          Effect.catch((error) => Effect.sync(() => notify({ _tag: "StreamEnded", peer, detail: error.message }))),
          Effect.catchCause((cause) =>
            Cause.hasInterruptsOnly(cause)
              ? Effect.failCause(cause)
              : Effect.sync(() => notify({ _tag: "StreamDied", peer, cause }))
          ),
          Effect.ensuring(Effect.sync(() => limit.leave(conn)))
        )
      })
    ).pipe(Effect.mapError((cause) =>
      new TransportError({
        operation: "accept",
        kind: "Unknown",
        scope: "Local",
        address: format({ ip: options.address, port: options.port }),
        cause
      })
    ))
}

/**
 * Connections that the system may hold until we accept them, if it allows so many. When there are more it drops their
 * first packet, which is sent again only after a second: too late for a member among a thousand strangers.
 */
const BACKLOG = 4_096

/**
 * Listens. Everything is closed with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const listen = Effect.fnUntraced(function*(options: Options): Effect.fn.Return<Tcp, BindFailed, Scope.Scope> {
  const address = format({ ip: options.address, port: options.port })
  const server = yield* NodeSocketServer.make({
    host: options.address,
    port: options.port,
    // never shared between the workers of a cluster: each is a node of its own
    exclusive: true,
    noDelay: true,
    backlog: BACKLOG,
    // a peer may end its side and still read our answer; we end ours when the connection is released
    allowHalfOpen: true
  }).pipe(
    Effect.mapError(({ reason }) =>
      new BindFailed({ address, protocol: "tcp", kind: bindKind(reason.cause), cause: reason.cause })
    )
  )
  const bound = server.address
  return {
    port: bound._tag === "UnixPathAddress" ? options.port : bound.port,
    serve: serve(server, options),
    open: opener(options.flushTimeout)
  }
})
