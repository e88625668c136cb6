/**
 * Which peers are worth remembering across a restart, and which of them to try first.
 */
import { type KnownPeer, REFRESH } from "../../base/Snapshot.ts"
import type { FirstHand } from "../gossip/FirstHand.ts"
import { isGone } from "../membership/Entry.ts"
import type { Membership } from "../membership/Membership.ts"

/**
 * How long a peer that is gone is remembered, in milliseconds, by a node that has live peers. One that has none forgets
 * nobody: it may be the one that was cut off.
 */
export const REMEMBERED = 24 * REFRESH

/** Whether every member beside ourselves is gone. */
export const isAlone = (m: Membership): boolean => {
  for (const entry of m.entries.values()) if (entry.name !== m.self && !isGone(entry)) return false
  return true
}

/**
 * Returns who to remember now, given who was remembered before: live members that something came from first-hand, then
 * those that are gone. Who left is forgotten. Claims alone put nobody here, so that nobody can aim our connections.
 *
 * @param now Milliseconds of the wall clock.
 */
export const remember = (
  known: ReadonlyArray<KnownPeer>,
  m: Membership,
  firstHand: FirstHand,
  now: number,
  max: number
): ReadonlyArray<KnownPeer> => {
  const present: Array<KnownPeer> = []
  const gone: Array<KnownPeer> = []
  const names = new Set<string>()
  for (const peer of known) {
    names.add(peer.name)
    const entry = m.entries.get(peer.name)
    if (peer.name === m.self || entry?.state === "left") continue
    if (entry !== undefined && !isGone(entry) && firstHand.stands(peer.name)) {
      present.push({ name: peer.name, ip: entry.endpoint.ip, port: entry.endpoint.port, seen: now })
    } else gone.push(peer)
  }
  if (present.length < max) {
    for (const entry of m.entries.values()) {
      if (present.length >= max) break
      const { endpoint: { ip, port }, name } = entry
      if (name === m.self || names.has(name) || isGone(entry) || !firstHand.stands(name)) continue
      present.push({ name, ip, port, seen: now })
    }
  }
  const fresh = present.length === 0 ? gone : gone.filter(({ seen }) => now - seen < REMEMBERED)
  return [...present.slice(0, max), ...latestFirst(fresh).slice(0, Math.max(0, max - present.length))]
}

const latestFirst = (peers: ReadonlyArray<KnownPeer>): ReadonlyArray<KnownPeer> =>
  [...peers].sort((a, b) => b.seen - a.seen)

/**
 * Returns the peers in the order to try them: those of the last hour shuffled, so that nodes that start together do not
 * all turn to the same few, then the others, the latest first.
 */
export const inOrder = (peers: ReadonlyArray<KnownPeer>, random: () => number): ReadonlyArray<KnownPeer> => {
  const sorted = latestFirst(peers)
  const newest = sorted[0]?.seen ?? 0
  const split = sorted.findIndex(({ seen }) => newest - seen >= REFRESH)
  const latest = split === -1 ? sorted : sorted.slice(0, split)
  const shuffled = latest
    .map((peer) => ({ peer, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ peer }) => peer)
  return [...shuffled, ...sorted.slice(latest.length)]
}
