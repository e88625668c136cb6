/**
 * Where joins introduced this node: the addresses that our list was written to. Who got it knows us, and perhaps nobody
 * else does: not before news of us has spread, and never the other way round when its answer did not come or was refused.
 *
 * @since 0.1.0
 */
import * as Address from "../../base/Address.ts"

/** The most addresses remembered; the newest stay. */
export const MAX_INTRODUCTIONS = 64

/** How long an introduction is remembered after its exchange ended, in milliseconds; until then gossip tells of us. */
const REMEMBERED = 60_000

export interface Introductions {
  /** Our list is about to be written there. */
  readonly begin: (to: Address.PeerAddress) => void
  /** The exchange ended, one way or another. */
  readonly end: (to: Address.PeerAddress, now: number) => void
  /** Those that are under way or ended lately. */
  readonly recent: (now: number) => ReadonlyArray<Address.PeerAddress>
}

export const make = (): Introductions => {
  const introductions = new Map<string, { readonly to: Address.PeerAddress; readonly endedAt: number }>()
  return {
    begin: (to) => {
      const key = Address.format(to)
      introductions.delete(key)
      introductions.set(key, { to, endedAt: Number.POSITIVE_INFINITY })
      if (introductions.size <= MAX_INTRODUCTIONS) return
      for (const oldest of introductions.keys()) {
        introductions.delete(oldest)
        return
      }
    },
    end: (to, now) => {
      const key = Address.format(to)
      if (introductions.has(key)) introductions.set(key, { to, endedAt: now })
    },
    recent: (now) => [...introductions.values()].filter(({ endedAt }) => now - endedAt < REMEMBERED).map(({ to }) => to)
  }
}
