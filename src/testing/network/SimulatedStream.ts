/**
 * Reliable byte streams in memory: two pipes with latency, segments, a bounded window and an orderly end. Where packets
 * are lost, segments are sent again as TCP does. On a link without loss nothing of that is played through; there, a
 * segment that meets a cut waits until the link heals.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Pull from "effect/Pull"
import type { PeerAddress } from "../../base/Address.ts"
import { format } from "../../base/Address.ts"
import { TransportError } from "../../MemberlistError.ts"
import type { Connection } from "../../Transport.ts"
import type { Deliveries } from "./Deliveries.ts"
import { SEGMENT_BYTES, SegmentSender } from "./Retransmission.ts"

/** What a pipe needs to know about the network it crosses. */
export interface Route {
  /** Whether bytes get through now. */
  readonly passes: () => boolean
  /** How long so many bytes take to the other side, in milliseconds. */
  readonly delay: (bytes: number) => number
  /** Whether segments may be lost now. */
  readonly isLossy: () => boolean
  /** Whether one more segment gets through now. */
  readonly arrives: () => boolean
  readonly deliveries: Deliveries
}

/** One segment on its way, or the end of the stream. */
interface Segment {
  readonly due: number
  readonly bytes: Uint8Array | undefined
}

type Resume<A, E = TransportError> = (effect: Effect.Effect<A, E>) => void

/** How much is read at once where nothing is lost. */
const CHUNK = 16_384

/** Bytes in pieces of at most `size`. */
const pieces = (bytes: Uint8Array, size: number): ReadonlyArray<Uint8Array> =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))

const sizeOf = (segments: ReadonlyArray<Uint8Array | undefined>): number =>
  segments.reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0)

const closed = (operation: "read" | "write", peer: PeerAddress) =>
  new TransportError({
    operation,
    kind: "Closed",
    scope: "Remote",
    address: format(peer),
    cause: new Error("the stream is closed")
  })

/** One direction of a stream. */
export class Pipe {
  private readonly inFlight: Array<Segment> = []
  private readonly ready: Array<Uint8Array> = []
  private reader: Resume<Uint8Array, TransportError | Cause.Done> | undefined
  private writers: Array<Resume<void>> = []
  private unread = 0
  private lastDue = 0
  /** The sender has ended its side. */
  private ended = false
  /** It did not end in order. */
  private torn = false
  /** The end has arrived. */
  private finished = false
  /** The receiver has closed its side: what still arrives is thrown away. */
  private abandoned = false
  /** The receiver is gone and the sender knows. */
  private broken = false
  private readonly onFinish: () => void
  private readonly onGivenUp: () => void
  private readonly from: PeerAddress
  private readonly to: PeerAddress
  private readonly route: Route
  private readonly back: Route
  private readonly window: number
  private readonly sender = new SegmentSender<Uint8Array | undefined>()

  constructor(options: {
    readonly from: PeerAddress
    readonly to: PeerAddress
    readonly route: Route
    /** The way of the acknowledgements. */
    readonly back: Route
    readonly window: number
    /** Called once, when the end arrives. */
    readonly onFinish: () => void
    /** Called when segments were sent again as often as TCP does, and none was acknowledged. */
    readonly onGivenUp: () => void
  }) {
    this.from = options.from
    this.to = options.to
    this.route = options.route
    this.back = options.back
    this.window = options.window
    this.onFinish = options.onFinish
    this.onGivenUp = options.onGivenUp
  }

  readonly write = (bytes: Uint8Array): Effect.Effect<void, TransportError> =>
    Effect.suspend(() => {
      if (this.broken || this.ended) return Effect.fail(closed("write", this.to))
      if (bytes.length === 0) return Effect.void
      const copy = bytes.slice()
      this.unread += copy.length
      return Effect.andThen(this.transmit(copy), this.awaitWindow)
    })

  readonly pull: Pull.Pull<Uint8Array, TransportError> = Effect.suspend(() =>
    this.take() ?? Effect.callback<Uint8Array, TransportError | Cause.Done>((resume) => {
      this.reader = resume
      return Effect.sync(() => {
        if (this.reader === resume) this.reader = undefined
      })
    })
  )

  /** Ends the stream behind everything written. */
  readonly end: Effect.Effect<void> = Effect.suspend(() => {
    if (this.ended) return Effect.void
    this.ended = true
    return this.transmit(undefined)
  })

  /** The receiver stops reading. */
  abandon(): void {
    this.abandoned = true
    this.ready.length = 0
    this.wakeReader()
  }

  /** Makes both sides see the end now, without its having to travel. */
  break(): void {
    this.ended = true
    if (!this.finished) this.torn = true
    this.finish()
    this.breakWriters()
  }

  /** The sender learns that nobody reads any more. */
  breakWriters(): void {
    this.broken = true
    const writers = this.writers
    this.writers = []
    for (const resume of writers) resume(Effect.fail(closed("write", this.to)))
  }

  /** Moves what is due to the receiver, unless the link is down; then it waits for the next call. */
  pump(now: number): void {
    while (this.inFlight.length > 0 && this.route.passes()) {
      const head = this.inFlight[0]
      if (head === undefined || head.due > now) break
      this.inFlight.shift()
      if (head.bytes === undefined) this.finish()
      else if (!this.abandoned) this.ready.push(head.bytes)
    }
    this.wakeReader()
  }

  /** Whether nothing can happen on this pipe any more. */
  get done(): boolean {
    return this.finished
  }

  /** Sends bytes, or the end. */
  private transmit(bytes: Uint8Array | undefined): Effect.Effect<void> {
    return Effect.suspend(() => {
      const cut = (size: number) => bytes === undefined ? [undefined] : pieces(bytes, size)
      const { idle } = this.sender
      if (idle && !this.route.isLossy() && !this.back.isLossy()) return this.arrive(cut(CHUNK))
      this.sender.offer(cut(SEGMENT_BYTES))
      return idle ? this.route.deliveries.run(this.fly) : Effect.void
    })
  }

  /** Sends what waits, and again what is lost, until all is acknowledged. */
  private readonly fly: Effect.Effect<void> = Effect.suspend(() => {
    if (this.finished) return Effect.void
    const there = this.route.delay(0)
    const ways = { there: this.route.arrives, back: this.back.arrives }
    const { next, readable } = this.sender.flight(ways, there + this.back.delay(0))
    const arrived = readable.length === 0 ? Effect.void : this.arrive(readable)
    if (next === "Done") return arrived
    if (next === "GivenUp") return Effect.sync(this.onGivenUp)
    return Effect.andThen(arrived, Effect.andThen(this.route.deliveries.sleep(next), this.fly))
  })

  /** Lets segments arrive, in order, after the delay of the link. */
  private arrive(segments: ReadonlyArray<Uint8Array | undefined>): Effect.Effect<void> {
    const now = this.route.deliveries.now()
    const due = Math.ceil(Math.max(this.lastDue, now + this.route.delay(sizeOf(segments))))
    this.lastDue = due
    for (const bytes of segments) this.inFlight.push({ due, bytes })
    return this.route.deliveries.schedule(due - now, (time) => this.pump(time))
  }

  private readonly awaitWindow: Effect.Effect<void, TransportError> = Effect.suspend(() =>
    this.unread <= this.window || this.broken
      ? Effect.void
      : Effect.callback<void, TransportError>((resume) => {
        this.writers.push(resume)
        return Effect.sync(() => {
          this.writers = this.writers.filter((other) => other !== resume)
        })
      })
  )

  private finish(): void {
    if (this.finished) return
    this.finished = true
    // first: a woken reader runs at once, and what it writes next must fail
    this.onFinish()
    this.wakeReader()
  }

  private wakeReader(): void {
    if (this.reader === undefined) return
    const result = this.take()
    if (result === undefined) return
    const resume = this.reader
    this.reader = undefined
    resume(result)
  }

  private take(): Pull.Pull<Uint8Array, TransportError> | undefined {
    const bytes = this.ready.shift()
    if (bytes === undefined) {
      if (this.torn || this.abandoned) return Effect.fail(closed("read", this.from))
      return this.finished ? Cause.done() : undefined
    }
    this.unread -= bytes.length
    if (this.unread <= this.window) this.releaseWriters()
    return Effect.succeed(bytes)
  }

  private releaseWriters(): void {
    const writers = this.writers
    this.writers = []
    for (const resume of writers) resume(Effect.void)
  }
}

/** One side of a stream: its connection, how to end it, how to break it. */
export interface Side {
  readonly connection: Connection
  readonly close: Effect.Effect<void>
  readonly abort: () => void
  /** Tries again what a cut link held back. */
  readonly pump: (now: number) => void
}

/** Both sides of a new stream. `gate` blocks a paused host. */
export const makePair = (options: {
  readonly client: PeerAddress
  readonly server: PeerAddress
  readonly there: Route
  readonly back: Route
  readonly window: number
  readonly gates: { readonly client: Effect.Effect<void>; readonly server: Effect.Effect<void> }
  /** Called once, when both directions have ended. */
  readonly onDone: () => void
}): { readonly client: Side; readonly server: Side } => {
  // the end of one direction means that its sender has closed: whoever still writes to it learns that now
  const there: Pipe = new Pipe({
    from: options.client,
    to: options.server,
    route: options.there,
    back: options.back,
    window: options.window,
    onFinish: () => {
      back.breakWriters()
      if (back.done) options.onDone()
    },
    onGivenUp: () => abort()
  })
  const back: Pipe = new Pipe({
    from: options.server,
    to: options.client,
    route: options.back,
    back: options.there,
    window: options.window,
    onFinish: () => {
      there.breakWriters()
      if (there.done) options.onDone()
    },
    onGivenUp: () => abort()
  })
  const abort = () => {
    there.break()
    back.break()
  }
  const pump = (now: number) => {
    there.pump(now)
    back.pump(now)
  }
  const side = (peer: PeerAddress, incoming: Pipe, outgoing: Pipe, gate: Effect.Effect<void>): Side => ({
    connection: {
      peer,
      pull: Effect.tap(incoming.pull, () => gate),
      write: (bytes) => Effect.andThen(gate, outgoing.write(bytes))
    },
    close: Effect.suspend(() => {
      incoming.abandon()
      return outgoing.end
    }),
    abort,
    pump
  })
  return {
    client: side(options.server, back, there, options.gates.client),
    server: side(options.client, there, back, options.gates.server)
  }
}
