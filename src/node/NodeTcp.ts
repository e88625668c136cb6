/**
 * Streams over TCP: a bounded accept loop and outgoing connections, whose release says goodbye properly.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import * as Net from "node:net"
import { format, ipBytes, ipText, type PeerAddress } from "../base/Address.ts"
import { Timeouts } from "../base/Timeouts.ts"
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

const closedBy = (operation: "read" | "write", peer: PeerAddress, cause: unknown): TransportError =>
  new TransportError({ operation, kind: "Closed", scope: "Remote", address: format(peer), cause })

/** Bytes that may wait to be pulled; when there are more, the peer waits. */
const MAX_UNREAD = 65_536

type Resume<A> = (effect: Effect.Effect<A, TransportError | Cause.Done>) => void

/**
 * Our connection over a native socket, which flows into a short buffer while somebody reads. Nothing here is a fiber, a
 * timer or a scope of its own: a stream carries one message, and its set-up would cost more than the message.
 */
class Stream implements Connection {
  readonly peer: PeerAddress
  readonly pull: Connection["pull"]
  readonly write: Connection["write"]
  private readonly conn: Net.Socket
  private unread: Array<Uint8Array> = []
  private size = 0
  /** Somebody has asked for bytes. */
  private isReading = false
  /** The peer has ended its side. */
  private isEnded = false
  private failure: unknown
  private reader: Resume<Uint8Array> | undefined
  private hasWritten = false
  /** Writes that have begun and not come to their end. */
  private unfinished = 0

  constructor(conn: Net.Socket, peer: PeerAddress) {
    this.conn = conn
    this.peer = peer
    this.pull = Effect.callback<Uint8Array, TransportError | Cause.Done>((resume) => this.read(resume))
    this.write = (bytes) => Effect.suspend(() => this.send(bytes))
    conn.on("error", (cause) => this.broken(cause))
    conn.on("close", () => this.broken(gone))
  }

  private read(resume: Resume<Uint8Array>): Effect.Effect<void> | void {
    if (!this.isReading) {
      this.isReading = true
      this.conn.on("data", (chunk) => this.arrived(chunk))
      this.conn.on("end", () => this.ended())
      this.conn.resume()
    }
    const chunk = this.unread.shift()
    if (chunk !== undefined) {
      this.size -= chunk.length
      if (this.size < MAX_UNREAD && this.conn.isPaused()) this.conn.resume()
      return resume(Effect.succeed(chunk))
    }
    if (this.isEnded) return resume(Cause.done())
    if (this.failure !== undefined) return resume(closedBy("read", this.peer, this.failure))
    this.reader = resume
    return Effect.sync(() => {
      if (this.reader === resume) this.reader = undefined
    })
  }

  private arrived(chunk: Uint8Array): void {
    const { reader } = this
    if (reader !== undefined) {
      this.reader = undefined
      reader(Effect.succeed(chunk))
      return
    }
    this.unread.push(chunk)
    this.size += chunk.length
    if (this.size >= MAX_UNREAD) this.conn.pause()
  }

  private ended(): void {
    this.isEnded = true
    const { reader } = this
    this.reader = undefined
    reader?.(Cause.done())
  }

  /** What has not been read of a stream that broke is of no use to anybody. */
  private broken(cause: unknown): void {
    this.failure ??= cause
    if (this.isEnded) return
    this.unread = []
    const { reader } = this
    this.reader = undefined
    reader?.(closedBy("read", this.peer, this.failure))
  }

  private send(bytes: Uint8Array): Effect.Effect<void, TransportError> {
    const { conn } = this
    // a destroyed native socket never drains: writing to it would wait forever
    if (conn.destroyed || conn.writableEnded) return Effect.fail(this.unwritable())
    this.hasWritten = true
    return conn.write(bytes) ? Effect.void : this.drained()
  }

  private unwritable(): TransportError {
    return closedBy("write", this.peer, this.failure ?? gone)
  }

  /** Waits until what was written is with the system. */
  private drained(): Effect.Effect<void, TransportError> {
    const { conn } = this
    this.unfinished++
    return Effect.callback((resume) => {
      // it may have come to its end between the write and this
      if (conn.destroyed) return resume(Effect.fail(this.unwritable()))
      if (!conn.writableNeedDrain) {
        this.unfinished--
        return resume(Effect.void)
      }
      const drained = () => {
        stop()
        this.unfinished--
        resume(Effect.void)
      }
      const closed = () => {
        stop()
        resume(Effect.fail(this.unwritable()))
      }
      const stop = () => {
        conn.off("drain", drained)
        conn.off("close", closed)
      }
      conn.on("drain", drained)
      conn.on("close", closed)
      return Effect.sync(stop)
    })
  }

  /**
   * After success: flush, then close. After a failure or an interruption, and when a write took too long or was cut
   * off: close at once, so that a peer that does not read keeps no memory here.
   */
  release(exit: Exit.Exit<unknown, unknown>, flushTimeout: Duration.Duration): Effect.Effect<void> {
    const { conn } = this
    // All that was written is with the system, which sends it and the end behind it. Where somebody reads, what comes
    // is read until then: the system would take back what the peer has not got yet when we leave bytes behind.
    const isFlushed = !this.hasWritten || (!this.isReading && conn.writableLength === 0)
    if (Exit.isFailure(exit) || this.unfinished > 0 || isFlushed || conn.destroyed) {
      conn.destroy()
      return Effect.void
    }
    // finalizers are uninterruptible, and a timeout can only end what can be interrupted
    return Effect.interruptible(flushed(conn)).pipe(
      Effect.timeoutOption(flushTimeout),
      Effect.andThen(Effect.sync(() => void conn.destroy()))
    )
  }
}

/** Why nothing more can be read or written, where no error said so. */
const gone = new Error("the connection is closed")

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

const openFailure = (to: PeerAddress, kind: TransportError["kind"], cause: unknown): TransportError =>
  new TransportError({ operation: "open", kind, scope: "Remote", address: format(to), cause })

/** Does something after so many milliseconds, unless what it returns is called before. */
type After = (millis: number, due: () => void) => () => void

/** The same for whoever runs in a context. */
type Alarm = (context: Context.Context<never>) => After

/** Sleeps for each. */
const sleeping: Alarm = (context) => (millis, due) => {
  const fiber = Effect.runForkWith(context)(Effect.map(Effect.sleep(millis), due))
  return () => fiber.interruptUnsafe()
}

/** Sleeps once for all that have the usual length, until the scope ends. */
const sharing = Effect.fnUntraced(function*(usual: number): Effect.fn.Return<Alarm, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const timeouts = new Timeouts(usual)
  const watch: Effect.Effect<void> = Effect.suspend(() => {
    const next = timeouts.next(now())
    return next === undefined ? Effect.void : Effect.flatMap(Effect.sleep(next), () => watch)
  })
  // without a pause between seeing that there is none and its end: one that was added there would be watched by nobody
  const unpaused = Effect.provideService(watch, Scheduler.PreventSchedulerYield, true)
  let watching: Fiber.Fiber<void> | undefined
  let isClosed = false
  /** Keeps no timer for nothing. What is still being opened when the scope ends keeps its timeout. */
  const rest = () => {
    if (isClosed && timeouts.isEmpty) watching?.interruptUnsafe()
  }
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosed = true
      rest()
    })
  )
  return (context) => (millis, due) => {
    if (millis !== usual || isClosed) return sleeping(context)(millis, due)
    const takeBack = timeouts.add(now(), due)
    if (watching === undefined || watching.pollUnsafe() !== undefined) watching = run(unpaused)
    return () => {
      takeBack()
      rest()
    }
  }
})

const dial = (to: PeerAddress, millis: number, alarm: Alarm): Effect.Effect<Stream, TransportError> =>
  Effect.withFiber((fiber) =>
    Effect.callback((resume) => {
      const conn = Net.createConnection({ host: to.ip, port: to.port, noDelay: true, allowHalfOpen: true })
      // nothing is read until somebody asks for it
      conn.pause()
      const stream = new Stream(conn, to)
      const fail = (kind: TransportError["kind"], cause: Error) => {
        inTime()
        resume(Effect.fail(openFailure(to, kind, cause)))
      }
      const failed = (cause: Error) => fail(openKind(cause), cause)
      const inTime = alarm(fiber.context)(millis, () => {
        conn.destroy()
        fail("Timeout", new Error("Connection timed out"))
      })
      conn.once("error", failed)
      conn.once("connect", () => {
        conn.off("error", failed)
        inTime()
        resume(Effect.succeed(stream))
      })
      return Effect.sync(() => {
        inTime()
        conn.destroy()
      })
    })
  )

/**
 * Opens connections, for those who do not listen.
 *
 * @category constructors
 * @since 0.1.0
 */
export const opener = (flushTimeout: Duration.Duration): Tcp["open"] => opening(flushTimeout, sleeping)

const opening = (flushTimeout: Duration.Duration, alarm: Alarm): Tcp["open"] => (to, { timeout }) =>
  Effect.acquireRelease(
    dial(to, Duration.toMillis(timeout), alarm),
    (stream, exit) => stream.release(exit, flushTimeout),
    { interruptible: true }
  )

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
    refuse: (peer: PeerAddress) => notify({ _tag: "StreamRefused", peer, detail: `${max} are open` }),
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

const peerOf = ({ remoteAddress, remotePort }: Net.Socket): PeerAddress | undefined =>
  remoteAddress === undefined || remotePort === undefined
    ? undefined
    : { ip: canonical(remoteAddress), port: remotePort }

const serve = (listener: Listener, options: Options): Tcp["serve"] => {
  const notify = options.notify ?? Reporting.silent
  const limit = makeLimit(options.maxInbound, notify)

  const handled = (stream: Stream, conn: Net.Socket, handler: Handler): Effect.Effect<void> =>
    Effect.suspend(() => handler(stream)).pipe(
      Effect.onExit((exit) => {
        limit.flush(conn)
        return stream.release(exit, options.flushTimeout)
      }),
      Effect.onExit((exit) => {
        limit.leave(conn)
        if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
          notify({ _tag: "StreamDied", peer: stream.peer, cause: exit.cause })
        }
        return Effect.void
      })
    )

  return (handler) =>
    Effect.withFiber((serving) => {
      const run = Effect.runForkWith(serving.context)
      const fibers = new Set<Fiber.Fiber<void>>()
      const accept = (conn: Net.Socket) => {
        const peer = peerOf(conn)
        // gone before it was here
        if (peer === undefined) {
          conn.destroy()
          return
        }
        if (!limit.tryEnter(conn)) {
          conn.destroy()
          limit.refuse(peer)
          return
        }
        const fiber = run(handled(new Stream(conn, peer), conn, handler))
        if (fiber.pollUnsafe() !== undefined) return
        fibers.add(fiber)
        fiber.addObserver(() => fibers.delete(fiber))
      }
      listener.accept = accept
      for (const conn of listener.waiting) accept(conn)
      listener.waiting.clear()
      return Effect.onExit(Effect.never, () => {
        if (listener.accept === accept) listener.accept = undefined
        return Fiber.interruptAll(fibers)
      })
    })
}

type Handler = Parameters<Tcp["serve"]>[0]

/**
 * Connections that the system may hold until we accept them, if it allows so many. When there are more it drops their
 * first packet, which is sent again only after a second: too late for a member among a thousand strangers.
 */
const BACKLOG = 4_096

/** A server, and who gets its connections. */
interface Listener {
  readonly server: Net.Server
  /** Connections that nobody handles yet; they are not read. */
  readonly waiting: Set<Net.Socket>
  accept: ((conn: Net.Socket) => void) | undefined
}

const bind = (options: Options): Effect.Effect<Listener, Error> =>
  Effect.callback((resume) => {
    const server = Net.createServer({
      noDelay: true,
      // a peer may end its side and still read our answer; we end ours when the connection is released
      allowHalfOpen: true,
      pauseOnConnect: true
    })
    const listener: Listener = { server, waiting: new Set(), accept: undefined }
    const { waiting } = listener
    server.on("connection", (conn) => {
      if (listener.accept !== undefined) return listener.accept(conn)
      const leave = () => void waiting.delete(conn)
      // also hears an error, which would end the process
      conn.on("error", leave).on("close", leave)
      if (waiting.size < options.maxInbound) waiting.add(conn)
      else conn.destroy()
    })
    // later ones are connections that could not be accepted
    server.on("error", (cause) => resume(Effect.fail(cause)))
    server.listen({
      host: options.address,
      port: options.port,
      // never shared between the workers of a cluster: each is a node of its own
      exclusive: true,
      backlog: BACKLOG
    }, () => resume(Effect.succeed(listener)))
  })

const close = ({ server, waiting }: Listener): Effect.Effect<void> =>
  Effect.callback((resume) => {
    for (const conn of waiting) conn.destroy()
    server.close(() => resume(Effect.void))
  })

/**
 * Listens. Everything is closed with the scope.
 *
 * @category constructors
 * @since 0.1.0
 */
export const listen = Effect.fnUntraced(function*(options: Options): Effect.fn.Return<Tcp, BindFailed, Scope.Scope> {
  const address = format({ ip: options.address, port: options.port })
  const listener = yield* Effect.acquireRelease(
    Effect.mapError(
      bind(options),
      (cause) => new BindFailed({ address, protocol: "tcp", kind: bindKind(cause), cause })
    ),
    close
  )
  const bound = listener.server.address()
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : options.port,
    serve: serve(listener, options),
    open: opening(options.flushTimeout, yield* sharing(Duration.toMillis(options.flushTimeout)))
  }
})
