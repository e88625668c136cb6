/**
 * What waits to be sent. Frames that fit a datagram go one after the other, larger ones over streams, a few at a time,
 * and fewer to one peer, so that one that does not answer holds up no others. Both are bounded: what has no room is
 * dropped and counted, and fetched later by who lacks it; `room` waits until half of it is free.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import type { Memberlist } from "../Memberlist.ts"

/** Bytes that wait for streams. */
const STREAM_BYTES = 64 * 1024 * 1024
/** Streams at the same time. */
const STREAMS = 8
/** Of these to one peer. */
const STREAMS_OF_A_PEER = 2
/** Milliseconds without an end of a stream after which what waits for a peer holds up no publisher. */
const PATIENCE = 1_000
/** The share of all frames that may wait for such a peer; it fetches the others when it is back. */
const SILENT_SHARE = 1 / 8

interface Parcel {
  readonly to: string
  readonly bytes: Uint8Array
}

/** A peer that frames are sent to over streams. */
interface Busy {
  streams: number
  /** Those that wait for their turn. */
  readonly waiting: Array<Parcel>
  /** Their bytes. */
  bytes: number
  /** When a stream began with none before it, or ended last. */
  at: number
}

export interface Outgoing {
  readonly offer: (to: ReadonlyArray<string>, bytes: Uint8Array) => void
  /** Waits until there is room for what is our own. */
  readonly room: Effect.Effect<void>
  /** Lets go of those who wait. */
  readonly end: () => void
}

/** Lanes of so many frames each, which end with the scope. */
export const make = Effect.fnUntraced(function*(
  cluster: Memberlist["Service"],
  capacity: number,
  count: (what: string, by?: number) => void
): Effect.fn.Return<Outgoing, never, Scope.Scope> {
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const datagrams = yield* Queue.dropping<Parcel>(capacity)
  const streams = yield* Queue.dropping<Parcel>(capacity)
  const half = Math.ceil(capacity / 2)
  const free = Latch.makeUnsafe(true)
  /** What a datagram holds, as far as it was told. */
  let limit = Infinity
  let streamBytes = 0
  const busy = new Map<string, Busy>()
  /** How many wait for their turn in all. */
  let inTurn = 0
  let hasEnded = false

  const forStreams = () => Queue.sizeUnsafe(streams) + inTurn
  const isSilent = ({ at }: Busy) => now() - at > PATIENCE
  const isFree = () => {
    if (hasEnded) return true
    const silent = [...busy.values()].filter(isSilent)
    const frames = silent.reduce((sum, { waiting }) => sum + waiting.length, 0)
    const bytes = silent.reduce((sum, peer) => sum + peer.bytes, 0)
    return Queue.sizeUnsafe(datagrams) < half && forStreams() - frames < half && streamBytes - bytes < STREAM_BYTES / 2
  }
  const update = () => {
    if (isFree()) Latch.openUnsafe(free)
    else Latch.closeUnsafe(free)
  }

  const overStream = (parcel: Parcel) => {
    const isFull = forStreams() >= capacity || streamBytes + parcel.bytes.length > STREAM_BYTES
    if (isFull || !Queue.offerUnsafe(streams, parcel)) {
      count("frame.dropped:Full")
    } else streamBytes += parcel.bytes.length
  }

  const told = (carrier: "datagram" | "stream", { bytes }: Parcel) => {
    count(`frame.sent:${carrier}`)
    count("frame.bytes", bytes.length)
  }

  const sendDatagram = (parcel: Parcel) =>
    cluster.send({ name: parcel.to }, parcel.bytes).pipe(
      Effect.match({
        onSuccess: () => told("datagram", parcel),
        onFailure: (error) => {
          if (error._tag !== "MessageTooLarge") return count(`frame.unsent:${error._tag}`)
          limit = Math.min(limit, error.limit)
          overStream(parcel)
        }
      })
    )

  const sendStream = (parcel: Parcel) =>
    cluster.send({ name: parcel.to }, parcel.bytes, { reliable: true }).pipe(
      Effect.match({
        onSuccess: () => told("stream", parcel),
        onFailure: (error) => count(`frame.unsent:${error._tag}`)
      }),
      Effect.ensuring(Effect.sync(() => {
        streamBytes -= parcel.bytes.length
      }))
    )

  const guarded = (send: (parcel: Parcel) => Effect.Effect<void>) => (parcel: Parcel) =>
    send(parcel).pipe(
      Effect.catchCause((cause) => Effect.logWarning("a frame of a topic could not be sent", cause)),
      Effect.andThen(Effect.sync(update))
    )
  const sent = guarded(sendStream)

  /** Sends over a stream, and then what waited because the peer had as many as it may have. */
  const sendInTurn = (parcel: Parcel): Effect.Effect<void> =>
    Effect.suspend(() => {
      const peer = busy.get(parcel.to) ?? { streams: 0, waiting: [], bytes: 0, at: now() }
      if (peer.streams >= STREAMS_OF_A_PEER) {
        if (isSilent(peer) && peer.waiting.length >= SILENT_SHARE * capacity) {
          count("frame.dropped:Silent")
          streamBytes -= parcel.bytes.length
          return Effect.void
        }
        peer.waiting.push(parcel)
        peer.bytes += parcel.bytes.length
        inTurn++
        return Effect.void
      }
      peer.streams++
      busy.set(parcel.to, peer)
      const next: Effect.Effect<void> = Effect.suspend(() => {
        peer.at = now()
        const following = peer.waiting.shift()
        if (following !== undefined) {
          inTurn--
          peer.bytes -= following.bytes.length
          return Effect.andThen(sent(following), next)
        }
        if (--peer.streams === 0) busy.delete(parcel.to)
        return Effect.void
      })
      return Effect.andThen(sent(parcel), next)
    })

  const lane = (queue: Queue.Queue<Parcel>, send: (parcel: Parcel) => Effect.Effect<void>) =>
    Queue.take(queue).pipe(Effect.flatMap(send), Effect.forever, Effect.forkScoped)

  yield* lane(datagrams, guarded(sendDatagram))
  for (let i = 0; i < STREAMS; i++) yield* lane(streams, sendInTurn)

  // a peer becomes a silent one by time alone, which opens no latch
  const room: Effect.Effect<void> = Effect.suspend(() =>
    isFree() ? Effect.void : Effect.flatMap(Effect.timeoutOption(free.await, PATIENCE / 4), () => room)
  )
  return {
    offer: (to, bytes) => {
      for (const each of to) {
        const parcel = { to: each, bytes }
        if (bytes.length > limit) overStream(parcel)
        else if (!Queue.offerUnsafe(datagrams, parcel)) count("frame.dropped:Full")
      }
      update()
    },
    room,
    end: () => {
      hasEnded = true
      Latch.openUnsafe(free)
    }
  }
})
