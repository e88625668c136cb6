/**
 * The protocol's log: entries of `LogMessages` with their annotations, warnings and errors limited to one of a kind in
 * ten seconds and a summary. Nothing is logged at info or above while all is well. What peers chose is made plain text
 * before it is annotated.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as LogLevel from "effect/LogLevel"
import * as References from "effect/References"
import * as Address from "../../base/Address.ts"
import * as Signal from "../Signal.ts"
import * as Attributes from "./Attributes.ts"
import { type LogEntry, type LogMessage, table, textOf } from "./LogMessages.ts"

/** Milliseconds that repetitions are summed up over. */
export const WINDOW = 10_000
/** Kinds remembered with their subject; a peer can make up subjects, but not entries or reasons. */
export const MAX_REPEATS = 128

/** What is logged, beside its level and text. */
export interface Kind {
  /** Entry and reason: one of a fixed set. */
  readonly what: string
  /** The peer or member it is about; made up by others. */
  readonly subject: string
}

export interface Summary<A> {
  readonly last: A
  /** How many were not written. */
  readonly more: number
}

interface Repeat<A> {
  readonly key: string
  /** Whether the subject is a part of the key. */
  readonly named: boolean
  readonly until: number
  last: A
  more: number
}

export interface Repeats<A> {
  /** Whether to write this one now. */
  readonly admit: (now: number, kind: Kind, entry: A) => boolean
  /** Sums up what is over; what had repetitions is watched for another ten seconds, the rest forgotten. */
  readonly due: (now: number) => ReadonlyArray<Summary<A>>
  /** Sums up everything, and forgets it. */
  readonly flush: () => ReadonlyArray<Summary<A>>
  /** When something is over next. */
  readonly nextDue: () => number | undefined
  readonly size: () => number
  /** How many kinds are remembered with their subject. */
  readonly named: () => number
}

/**
 * Tells repetitions from what is new. The first of a kind is written at once; those that follow within ten seconds are
 * counted, and summed up when the ten seconds are over. When too many kinds are remembered, new ones share one memory
 * for all peers.
 */
export const makeRepeats = <A>(): Repeats<A> => {
  // All windows have the same length, so the oldest is always the first to end.
  const open = new Map<string, Repeat<A>>()
  let named = 0

  const watch = (key: string, isNamed: boolean, now: number, entry: A) => {
    open.set(key, { key, named: isNamed, until: now + WINDOW, last: entry, more: 0 })
    if (isNamed) named++
  }

  const forget = (repeat: Repeat<A>) => {
    open.delete(repeat.key)
    if (repeat.named) named--
  }

  const keyOf = ({ subject, what }: Kind): string => {
    const key = `${what} ${subject}`
    return open.has(key) || open.size < MAX_REPEATS ? key : what
  }

  return {
    admit: (now, kind, entry) => {
      const key = keyOf(kind)
      const repeat = open.get(key)
      // A window that is over, and not summed up yet, takes repetitions until it is.
      if (repeat === undefined) {
        watch(key, key !== kind.what, now, entry)
        return true
      }
      repeat.last = entry
      repeat.more++
      return false
    },
    due: (now) => {
      const summaries: Array<Summary<A>> = []
      for (const repeat of [...open.values()]) {
        if (repeat.until > now) break
        forget(repeat)
        if (repeat.more === 0) continue
        summaries.push({ last: repeat.last, more: repeat.more })
        watch(repeat.key, repeat.named, now, repeat.last)
      }
      return summaries
    },
    flush: () => {
      const rest = [...open.values()].filter(({ more }) => more > 0)
      open.clear()
      named = 0
      return rest
    },
    nextDue: () => {
      for (const { until } of open.values()) return until
      return undefined
    },
    size: () => open.size,
    named: () => named
  }
}

/** What an entry is about. Each becomes an annotation, beside `node`, our own name. */
export interface Details {
  /** Where it came from or goes to. */
  readonly peer?: Address.PeerAddress | string | undefined
  readonly member?: string | undefined
  readonly incarnation?: number | undefined
  /** One of a fixed set of codes, never text of others: entries are told apart by it. */
  readonly reason?: string | undefined
  /** The member whose claim it was. */
  readonly accuser?: string | undefined
  /** How many members confirmed a suspicion. */
  readonly confirmations?: number | undefined
  readonly seed?: string | undefined
  /** Anything else worth knowing, for people. */
  readonly detail?: string | undefined
  readonly cause?: Cause.Cause<unknown> | undefined
  /** Why a member's state changed, in one line; made when it is written. */
  readonly verdict?: (() => string) | undefined
}

interface Written {
  readonly entry: LogEntry
  readonly details: Details
}

export interface Logs {
  /** Writes an entry from the current fiber, unless it is a repetition. */
  readonly write: (entry: LogEntry, details?: Details) => Effect.Effect<void>
  /** The same from synchronous code: the log's own fiber writes it. */
  readonly note: (entry: LogEntry, details?: Details) => void
  /** Writes what was noted, and the summaries of repetitions, forever. */
  readonly loop: Effect.Effect<never>
  /** How many noted entries wait. */
  readonly noted: () => number
  /** How many kinds of entries are remembered with their subject, to tell repetitions. */
  readonly remembered: () => number
  /** Writes what is left. */
  readonly flush: Effect.Effect<void>
}

/** Noted entries that may wait for the log's fiber. */
export const MAX_NOTED = 256

const none: Details = {}

const peerText = (peer: Address.PeerAddress | string): string => typeof peer === "string" ? peer : Address.format(peer)

const subjectOf = ({ member, peer, seed }: Details): string =>
  // Without the port, which is another one for each stream.
  member ?? (peer === undefined ? seed ?? "" : typeof peer === "string" ? peer : peer.ip)

const annotations = (node: string, { cause: _, peer, verdict, ...rest }: Details): Record<string, unknown> =>
  Attributes.plain({ node, peer: peer === undefined ? undefined : peerText(peer), ...rest, verdict: verdict?.() })

const emit = (node: string, { details, entry }: Written, more: number): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const message: LogMessage = table[entry]
    // most entries are for a level that nobody reads
    if (LogLevel.isGreaterThan(fiber.getRef(References.MinimumLogLevel), message.level)) return Effect.void
    const text = more === 0
      ? textOf(message)
      : textOf({ ...message, text: `${message.text}, and ${more} more in the last ${WINDOW / 1000} s` })
    const parts = details.cause === undefined ? [text] : [text, details.cause]
    return Effect.annotateLogs(Effect.logWithLevel(message.level)(...parts), annotations(node, details))
  })

/** State changes and debugging are told each time, unless others can cause them at will. */
const isLimited = (message: LogMessage): boolean => "advice" in message || message.limited === true

/** A log of the node `name`; `now` is its monotonic clock in milliseconds. */
export const make = Effect.fnUntraced(function*(
  options: {
    readonly name: string
    readonly now: () => number
    readonly onDrop: () => void
    /** Whether somebody reads the debug level: else what is noted for it takes no place from the rest. Default true. */
    readonly debugs?: boolean
  }
): Effect.fn.Return<Logs> {
  const { debugs = true, name, now, onDrop } = options
  const signal = yield* Signal.make
  const repeats = makeRepeats<Written>()
  let noted: Array<Written> = []

  /** Whether to write this one now. */
  const admit = (written: Written): boolean => {
    if (!isLimited(table[written.entry])) return true
    const { details, entry } = written
    const kind = {
      what: details.reason === undefined ? entry : `${entry}:${details.reason}`,
      subject: subjectOf(details)
    }
    const wake = repeats.nextDue() === undefined
    const first = repeats.admit(now(), kind, written)
    if (wake) signal.notify()
    return first
  }

  const summaries = (of: ReadonlyArray<Summary<Written>>) =>
    Effect.forEach(of, ({ last, more }) => emit(name, last, more), { discard: true })

  const drain = Effect.suspend(() => {
    const batch = noted
    noted = []
    return Effect.forEach(batch, (written) => emit(name, written, 0), { discard: true })
  })

  /** Until something is noted or a summary is due. */
  const wait = Effect.suspend(() => {
    const due = repeats.nextDue()
    return due === undefined
      ? signal.wait
      // a whole millisecond at least: a rest that rounding left would not let time pass
      : Effect.asVoid(Effect.timeoutOption(signal.wait, Duration.millis(Math.max(1, Math.ceil(due - now())))))
  })

  return {
    write: (entry, details = none) =>
      Effect.suspend(() => {
        const written = { entry, details }
        return admit(written) ? emit(name, written, 0) : Effect.void
      }),
    note: (entry, details = none) => {
      if (!debugs && table[entry].level === "Debug") return
      const written = { entry, details }
      if (!admit(written)) return
      if (noted.length >= MAX_NOTED) {
        onDrop()
        return
      }
      noted.push(written)
      signal.notify()
    },
    noted: () => noted.length,
    remembered: repeats.named,
    loop: Effect.gen(function*() {
      for (;;) {
        yield* drain
        yield* summaries(repeats.due(now()))
        yield* wait
      }
    }),
    flush: Effect.andThen(drain, Effect.suspend(() => summaries(repeats.flush())))
  }
})
