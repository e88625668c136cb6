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
import * as Address from "../../base/Address.ts"
import * as Signal from "../Signal.ts"
import * as Attributes from "./Attributes.ts"
import { type LogEntry, type LogMessage, table, textOf } from "./LogMessages.ts"
import * as Repeats from "./Repeats.ts"

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

const annotations = (node: string, { cause: _, peer, ...rest }: Details): Record<string, unknown> =>
  Attributes.plain({ node, peer: peer === undefined ? undefined : peerText(peer), ...rest })

const emit = (node: string, { details, entry }: Written, more: number): Effect.Effect<void> => {
  const message: LogMessage = table[entry]
  const text = more === 0
    ? textOf(message)
    : textOf({ ...message, text: `${message.text}, and ${more} more in the last ${Repeats.WINDOW / 1000} s` })
  const parts = details.cause === undefined ? [text] : [text, details.cause]
  return Effect.annotateLogs(Effect.logWithLevel(message.level)(...parts), annotations(node, details))
}

/** State changes and debugging are told each time, unless others can cause them at will. */
const isLimited = (message: LogMessage): boolean => "advice" in message || message.limited === true

/** A log of the node `name`; `now` is its monotonic clock in milliseconds. */
export const make = Effect.fnUntraced(function*(
  options: { readonly name: string; readonly now: () => number; readonly onDrop: () => void }
): Effect.fn.Return<Logs> {
  const { name, now, onDrop } = options
  const signal = yield* Signal.make
  const repeats = Repeats.make<Written>()
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

  const summaries = (of: ReadonlyArray<Repeats.Summary<Written>>) =>
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
