/**
 * Where joins introduced this node: the addresses that our list was written to. Who got it knows us, and perhaps nobody
 * else does: not before news of us has spread, and never the other way round when its answer did not come or was
 * refused.
 *
 * @since 0.1.0
 */
import * as Address from "../../base/Address.ts"

/** The most addresses remembered; the newest stay. */
export const MAX_INTRODUCTIONS = 64

/** How long an introduction is remembered after its exchange ended, in milliseconds; until then gossip tells of us. */
const REMEMBERED = 60_000

export interface Introduction {
  readonly to: Address.PeerAddress
  /** The peer answered, so it has read our list. */
  readonly answered: boolean
  /** The exchange has ended. */
  readonly over: boolean
}

export interface Introductions {
  /** Our list is about to be written there. Answers a number that names this introduction. */
  readonly begin: (to: Address.PeerAddress) => number
  /** The exchange ended, one way or another. */
  readonly end: (introduction: number, answered: boolean, now: number) => void
  /** Those that are under way or ended lately. */
  readonly recent: (now: number) => ReadonlyArray<Introduction>
  /** Whether anybody has ever answered one. */
  readonly wereAnswered: () => boolean
}

interface Remembered extends Introduction {
  readonly id: number
  readonly endedAt: number
}

export const make = (): Introductions => {
  const introductions = new Map<string, Remembered>()
  let lastId = 0
  let wereAnswered = false
  return {
    begin: (to) => {
      const key = Address.format(to)
      const id = ++lastId
      introductions.delete(key)
      introductions.set(key, { id, to, answered: false, over: false, endedAt: Number.POSITIVE_INFINITY })
      for (const oldest of introductions.keys()) {
        if (introductions.size <= MAX_INTRODUCTIONS) break
        introductions.delete(oldest)
      }
      return id
    },
    end: (id, answered, now) => {
      wereAnswered ||= answered
      for (const [key, introduction] of introductions) {
        if (introduction.id === id) introductions.set(key, { ...introduction, answered, over: true, endedAt: now })
      }
    },
    recent: (now) => [...introductions.values()].filter(({ endedAt }) => now - endedAt < REMEMBERED),
    wereAnswered: () => wereAnswered
  }
}
