/**
 * The inbound streams being served: each has one of `maxInboundStreams` places, and together they hold at most
 * `maxInboundBytes`. When either runs out, somebody who does nothing loses (`Eviction`), so that who fills the
 * places with slow or silent streams keeps nobody else out.
 *
 * The reference serves any number of streams, each with up to 20 MiB encrypted or 40 MiB decompressed.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { format } from "../../base/Address.ts"
import { TransportError } from "../../MemberlistError.ts"
import type { Connection } from "../../Transport.ts"
import type { Counters } from "../telemetry/Counters.ts"
import type { Logs } from "../telemetry/Logs.ts"
import * as Watcher from "../Watcher.ts"
import * as Eviction from "./Eviction.ts"

/** Fewer bytes since the last progress are none: a byte now and then keeps no stream alive. */
export const PROGRESS_BYTES = 512

/**
 * How long a stream may go without progress, in milliseconds; half of `tcpTimeout` when that is longer, because a
 * peer's hook may take up to half of it before anything is written; `tcpTimeout` when that is shorter.
 */
export const MAX_IDLE = 5_000

/**
 * How long a stream must have been without progress before another push/pull takes its place, or another answer its
 * bytes, in milliseconds. Until then the others wait, so that members that join all at once are all answered.
 */
export const UNREAD_GRACE = 100

/** How often who waits for room looks again, in milliseconds. */
const ROOM_LOOK = 20

/** An answer is written in portions of so many bytes, so that it shows how far the peer has read. */
const PORTION = 32_768

/** Why a stream was ended for others. */
export type Reason = "BytesNeeded" | "ExchangeNeeded" | "PlaceNeeded"

/** One stream being served. */
export interface Place {
  /** The stream; reading and writing count as progress, and fail without any. */
  readonly connection: Connection
  /** States how many bytes its unfinished or unserved request holds; false when it was ended for that. */
  readonly holds: (bytes: number) => boolean
  /**
   * Waits until there is room for an answer of so many bytes, which counts from then on until its peer has read it;
   * false when the stream was ended instead.
   */
  readonly answers: (bytes: number) => Effect.Effect<boolean>
  /** Its request is complete, and `authenticated` says whether one of our keys opened it. */
  readonly complete: (authenticated: boolean) => void
  /** Takes one of the places for push/pulls until it ends; false when none can be had. */
  readonly exchange: () => boolean
}

export interface Places {
  /**
   * Serves a stream in a place, which is freed when `handle` ends, however it does. It is interrupted when the peer
   * keeps it waiting for too long, or when another needs its place.
   */
  readonly serve: <A, E, R>(
    connection: Connection,
    handle: (place: Place) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  /** How many streams are being served. */
  readonly taken: () => number
  /** How many bytes they hold: requests that nobody authenticated, and answers that nobody has read. */
  readonly bytes: () => number
  /** How many of them are push/pulls. */
  readonly exchanges: () => number
  /** Whether a push/pull would be served now. */
  readonly canExchange: () => boolean
}

export interface Options {
  readonly maxStreams: number
  readonly maxBytes: number
  readonly maxExchanges: number
  /** Milliseconds a whole request or answer may take. */
  readonly timeout: number
  /** Monotonic milliseconds. */
  readonly now: () => number
  readonly counters: Pick<Counters, "count">
  readonly logs: Pick<Logs, "note">
  /** Starts what ends those that keep us waiting, and itself when no stream is left; false when it could not. */
  readonly start: (watch: Effect.Effect<void>) => boolean
}

interface Stream {
  readonly ip: string
  readonly connection: Connection
  readonly fiber: Fiber.Fiber<unknown, unknown>
  activeAt: number
  /** Bytes moved since then. */
  moved: number
  request: number
  answer: number
  /** What it counts for, of both. */
  bytes: number
  authenticated: boolean
  complete: boolean
  exchanging: boolean
  /** Its answer was begun. */
  answering: boolean
  /** Its push/pull waits for room. */
  queued: boolean
  /** What it waits for its peer to do, if it does. */
  waiting: "read" | "write" | undefined
  /** When its request was begun, or its answer. */
  begunAt: number
  /** Since when it is our turn, while it does not wait. */
  workingSince: number
}

const timedOut = (connection: Connection, operation: "read" | "write", cause: string): TransportError =>
  new TransportError({
    operation,
    kind: "Timeout",
    scope: "Remote",
    address: format(connection.peer),
    cause
  })

/** A ledger without streams. */
export const make = (options: Options): Places => {
  const { counters, logs, now, start } = options
  const maxIdle = Math.min(options.timeout, Math.max(MAX_IDLE, options.timeout / 2))
  const streams = new Set<Stream>()
  /** What they hold together: it is asked for with every portion that arrives. */
  let total = 0

  const leave = (stream: Stream): void => {
    if (streams.delete(stream)) total -= stream.bytes
  }

  const settle = (stream: Stream): void => {
    const bytes = (stream.authenticated ? 0 : stream.request) + stream.answer
    if (streams.has(stream)) total += bytes - stream.bytes
    stream.bytes = bytes
  }

  const exchanges = (): number => {
    let sum = 0
    for (const { exchanging, queued } of streams) if (exchanging && !queued) sum++
    return sum
  }

  /** Ends a stream. Its place and its bytes are free at once, the rest of it ends when its fiber does. */
  const evict = (stream: Stream, reason: Reason): void => {
    const { connection, fiber } = stream
    const detail = `idle for ${Math.round(now() - stream.activeAt)} ms, holding ${stream.bytes} bytes`
    leave(stream)
    counters.count("stream.evicted", reason)
    logs.note("StreamEvicted", { peer: connection.peer, reason, detail })
    fiber.interruptUnsafe()
  }

  const enter = (connection: Connection, fiber: Fiber.Fiber<unknown, unknown>): Stream => {
    while (streams.size >= options.maxStreams) {
      const loser = Eviction.forPlace([...streams])
      if (loser === undefined) break
      evict(loser, "PlaceNeeded")
    }
    const at = now()
    const stream: Stream = {
      ip: connection.peer.ip,
      connection,
      fiber,
      activeAt: at,
      moved: 0,
      request: 0,
      answer: 0,
      bytes: 0,
      authenticated: false,
      complete: false,
      exchanging: false,
      queued: false,
      answering: false,
      waiting: undefined,
      begunAt: at,
      workingSince: at
    }
    streams.add(stream)
    watched()
    return stream
  }

  /** Ends streams until all fit, or until it is this one's turn. */
  const fit = (stream: Stream): boolean => {
    settle(stream)
    while (streams.has(stream) && total > options.maxBytes) {
      // who alone needs more than there is would only take others along
      const loser = stream.bytes > options.maxBytes ? stream : Eviction.forBytes([...streams])
      if (loser === undefined) break
      evict(loser, "BytesNeeded")
    }
    return streams.has(stream)
  }

  const active = (stream: Stream): void => {
    stream.activeAt = stream.workingSince = now()
    stream.moved = 0
  }

  const move = (stream: Stream, count: number): void => {
    stream.moved += count
    if (stream.moved >= PROGRESS_BYTES) active(stream)
  }

  /** Does what the stream may have to wait for its peer with. */
  const waitingFor = <A, E>(
    stream: Stream,
    operation: "read" | "write",
    effect: Effect.Effect<A, E>
  ): Effect.Effect<A, E> =>
    Effect.suspend(() => {
      stream.waiting = operation
      // what happened since was our own work, and no idleness of the peer's
      stream.activeAt += now() - stream.workingSince
      return Effect.map(effect, (value) => {
        stream.waiting = undefined
        stream.workingSince = now()
        return value
      })
    })

  /** Ends a stream that has waited for its peer for too long. */
  const giveUp = (stream: Stream, operation: "read" | "write", overdue: boolean): void => {
    const error = timedOut(
      stream.connection,
      operation,
      overdue
        ? `no end after ${Math.round(options.timeout)} ms`
        : `less than ${PROGRESS_BYTES} bytes in ${Math.round(maxIdle)} ms`
    )
    leave(stream)
    counters.count("stream.failed", error.kind)
    logs.note("StreamFailed", { peer: stream.connection.peer, reason: error.kind, detail: error.message })
    stream.fiber.interruptUnsafe()
  }

  /**
   * Ends streams that have waited for their peer for too long, and tells in how many milliseconds the next one may
   * have; nothing when no stream is left. Streams that come while the watcher sleeps are due later than what it sleeps
   * for.
   */
  const look = (): number | undefined => {
    const at = now()
    let next = maxIdle
    for (const stream of streams) {
      const { activeAt, begunAt, waiting } = stream
      const left = Math.min(activeAt + maxIdle, begunAt + options.timeout) - at
      // while it is our turn nothing is overdue, and what is begun then is overdue later still
      if (left > 0) next = Math.min(next, Math.ceil(left))
      else if (waiting !== undefined) giveUp(stream, waiting, begunAt + options.timeout <= at)
    }
    return streams.size === 0 ? undefined : next
  }

  // a thousand strangers that connect at once would pay for a fiber each with everybody's time
  const watched = Watcher.make(look, start)

  const writePortions = Effect.fnUntraced(function*(stream: Stream, message: Uint8Array) {
    for (let at = 0; at < message.length; at += PORTION) {
      const portion = message.subarray(at, at + PORTION)
      yield* waitingFor(stream, "write", stream.connection.write(portion))
      move(stream, portion.length)
    }
  })

  /** Whoever holds bytes and has kept us waiting for a while. */
  const withoutProgress = (): Stream | undefined => {
    const before = now() - UNREAD_GRACE
    return Eviction.forBytes(
      [...streams].filter(({ activeAt, waiting }) => waiting !== undefined && activeAt <= before)
    )
  }

  /** Waits until an answer of so many bytes fits, at most as long as an answer may take; then it counts. */
  const room = Effect.fnUntraced(function*(stream: Stream, count: number) {
    const until = now() + options.timeout
    const fits = () => total + count - stream.answer <= options.maxBytes || count > options.maxBytes
    // whoever waits keeps no place for push/pulls from those who come later
    while (
      streams.has(stream) && now() < until && !(fits() && (!stream.queued || exchanges() < options.maxExchanges))
    ) {
      stream.queued = stream.exchanging
      const loser = fits() ? undefined : withoutProgress()
      if (loser === undefined) yield* Effect.sleep(ROOM_LOOK)
      else evict(loser, "BytesNeeded")
    }
    if (stream.queued && exchanges() >= options.maxExchanges) evict(stream, "ExchangeNeeded")
    stream.queued = false
    stream.answer = count
    return fit(stream)
  })

  const write = (stream: Stream) => (message: Uint8Array): Effect.Effect<void, TransportError> =>
    Effect.flatMap(room(stream, Math.max(stream.answer, message.length)), (fits) => {
      if (!fits) return Effect.interrupt
      // what happened before this was our own work
      active(stream)
      if (!stream.answering) stream.begunAt = now()
      stream.answering = true
      return Effect.ensuring(
        writePortions(stream, message),
        Effect.sync(() => {
          stream.answer = 0
          settle(stream)
        })
      )
    })

  /** Push/pulls whose answers are left unread. */
  const unread = (): Stream | undefined => {
    const before = now() - UNREAD_GRACE
    return Eviction.forPlace(
      [...streams].filter(({ activeAt, exchanging, waiting }) =>
        exchanging && waiting === "write" && activeAt <= before
      )
    )
  }

  const placeOf = (stream: Stream): Place => ({
    connection: {
      peer: stream.connection.peer,
      pull: Effect.map(waitingFor(stream, "read", stream.connection.pull), (chunk) => {
        move(stream, chunk.length)
        return chunk
      }),
      write: write(stream)
    },
    holds: (count) => {
      stream.request = count
      return fit(stream)
    },
    answers: (count) => room(stream, count),
    complete: (authenticated) => {
      stream.authenticated = authenticated
      stream.complete = true
      settle(stream)
      active(stream)
    },
    exchange: () => {
      if (!streams.has(stream)) return false
      if (exchanges() >= options.maxExchanges) {
        const loser = unread()
        if (loser === undefined) return false
        evict(loser, "ExchangeNeeded")
      }
      stream.exchanging = true
      return true
    }
  })

  return {
    serve: (connection, handle) => {
      let stream: Stream | undefined
      return Effect.onExit(
        Effect.withFiber((fiber) => handle(placeOf(stream = enter(connection, fiber)))),
        () => {
          if (stream !== undefined) leave(stream)
          return Effect.void
        }
      )
    },
    taken: () => streams.size,
    bytes: () => total,
    exchanges,
    canExchange: () => exchanges() < options.maxExchanges || unread() !== undefined
  }
}
