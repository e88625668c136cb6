/**
 * Which log entries are repetitions. The first of a kind is written at once; those that follow within ten seconds are
 * counted, and summed up when the ten seconds are over. Bounded: when too many kinds are remembered, new ones share one
 * memory for all peers.
 *
 * @since 0.1.0
 */

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

export const make = <A>(): Repeats<A> => {
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
