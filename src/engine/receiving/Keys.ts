/**
 * With which keys a packet is tried. Each wrong key costs as much as decrypting the packet, so a peer's packets are
 * tried first with the key that opened its last one; and what cannot be opened may take a fifth of a processor, so that
 * a flood of it leaves the node time for its members: beyond that, only peers whose key is known are tried, with that
 * key.
 *
 * @since 0.1.0
 */
import { format, type PeerAddress } from "../../base/Address.ts"
import * as Rate from "../../base/Rate.ts"

/** Addresses whose key is remembered. They have proved that they know a key; when there are more, all are forgotten. */
export const MAX_PEERS = 4_096

/**
 * Milliseconds of processor time that packets which no key opens may take in a second: those of anybody, and beyond
 * that once more as many of those whose source is an address with a known key, which can be forged.
 */
const MILLIS_PER_SECOND = 200

/** How many keys are worth a warning: each costs every wrong packet one more try. */
export const MANY_KEYS = 4

export interface Keys {
  /** The keys to try a packet from there with, at `now` (monotonic milliseconds); none when it is not to be tried. */
  readonly choose: (from: PeerAddress, ring: ReadonlyArray<Uint8Array>, now: number) => ReadonlyArray<Uint8Array>
  /** Notes the key that opened a packet from there. */
  readonly opened: (from: PeerAddress, key: Uint8Array) => void
  /** Notes that a packet could not be opened, which took `millis`. */
  readonly failed: (now: number, millis: number) => void
  /** How many addresses' keys are remembered. */
  readonly remembered: () => number
}

const none: ReadonlyArray<Uint8Array> = []

export const make = (): Keys => {
  const byPeer = new Map<string, Uint8Array>()
  const time = Rate.make({ perSecond: MILLIS_PER_SECOND, burst: MILLIS_PER_SECOND })
  const timeForPeers = Rate.make({ perSecond: MILLIS_PER_SECOND, burst: MILLIS_PER_SECOND })
  return {
    choose: (from, ring, now) => {
      const known = byPeer.get(format(from))
      const first = known === undefined || !ring.includes(known) ? undefined : known
      if (time.isEmpty(now)) return first === undefined || timeForPeers.isEmpty(now) ? none : [first]
      if (first === undefined || ring[0] === first) return ring
      return [first, ...ring.filter((key) => key !== first)]
    },
    opened: (from, key) => {
      const peer = format(from)
      if (byPeer.get(peer) === key) return
      if (byPeer.size >= MAX_PEERS) byPeer.clear()
      byPeer.set(peer, key)
    },
    failed: (now, millis) => {
      // a pause of the whole process may fall into it, and is nobody's doing
      const cost = Math.min(millis, MILLIS_PER_SECOND)
      if (!time.take(now, cost)) timeForPeers.take(now, cost)
    },
    remembered: () => byPeer.size
  }
}
