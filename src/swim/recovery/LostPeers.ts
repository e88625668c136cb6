/**
 * Members that were declared dead and never said goodbye, remembered for longer than the table remembers the dead:
 * a network that was broken may have put them on the other side of a split. memberlist forgets them, so a list that was
 * split for longer than `gossipToTheDeadTime` stays split there (memberlist #222).
 */
import * as Arr from "effect/Array"
import type { Dead } from "../membership/Claim.ts"
import type { Entry } from "../membership/Entry.ts"

/** What is remembered of a member that its entry had. */
export type Remembered = Pick<Entry, "name" | "addr" | "port" | "endpoint" | "meta" | "vsn" | "incarnation">

/** A member that was lost. */
export interface LostPeer extends Remembered {
  /** Monotonic milliseconds, as `dueAt`. */
  readonly lostAt: number
  /** Those lost shortly after one another have the same; a later group has a larger one. */
  readonly group: number
  /** How often it was contacted in vain. */
  readonly misses: number
  /** When it is its turn again. Others of its group that are due earlier come first. */
  readonly dueAt: number
}

export interface LostPeers {
  /** Those lost last come last. */
  readonly peers: ReadonlyArray<LostPeer>
  /** The groups that were told as a split, as long as somebody of them is remembered. */
  readonly told: ReadonlyArray<number>
  /** Those of them of which somebody is back. */
  readonly healed: ReadonlyArray<number>
  /** When a lost one was last seen alive again, in monotonic milliseconds. */
  readonly reunitedAt: number | undefined
  /** When somebody of a group that was told was the first of it to be back. */
  readonly healedAt: number | undefined
}

/** How many are remembered, and for how many milliseconds. */
export interface Limits {
  readonly maxLost: number
  readonly lostTime: number
}

export const none: LostPeers = { peers: [], told: [], healed: [], reunitedAt: undefined, healedAt: undefined }

/** A loss that comes later than this after the one before it begins a new group, in milliseconds. */
export const GROUP_TIME = 60_000

/** The remembered peer of a name. */
export const find = ({ peers }: LostPeers, name: string): LostPeer | undefined =>
  peers.find((peer) => peer.name === name)

/** Remembers other peers, and nothing of groups that have ended. */
const withPeers = (lost: LostPeers, peers: ReadonlyArray<LostPeer>): LostPeers => {
  const goesOn = (group: number) => peers.some((peer) => peer.group === group)
  return { ...lost, peers, told: lost.told.filter(goesOn), healed: lost.healed.filter(goesOn) }
}

/** Remembers a peer that was lost now. Whoever is lost after a group has healed is of a new one. */
export const add = (
  lost: LostPeers,
  { addr, endpoint, incarnation, meta, name, port, vsn }: Remembered,
  now: number,
  limits: Limits
): LostPeers => {
  if (limits.maxLost === 0) return lost
  const last = lost.peers.at(-1)
  const isLate = last !== undefined && (now - last.lostAt >= GROUP_TIME || lost.healed.includes(last.group))
  const group = (last?.group ?? 1) + (isLate ? 1 : 0)
  const others = recent(lost, now, limits).peers.filter((peer) => peer.name !== name)
  const known: Remembered = { name, addr, port, endpoint, meta, vsn, incarnation }
  const peer: LostPeer = { ...known, lostAt: now, group, misses: 0, dueAt: now }
  return withPeers(lost, [...others, peer].slice(-limits.maxLost))
}

/** Forgets the peer of a name. */
export const remove = (lost: LostPeers, name: string): LostPeers =>
  find(lost, name) === undefined ? lost : withPeers(lost, lost.peers.filter((peer) => peer.name !== name))

/** Whether a lost peer said goodbye with this, and not in an earlier life. */
export const departed = (lost: LostPeers, { from, incarnation, node }: Dead): boolean =>
  from === node && incarnation >= (find(lost, node)?.incarnation ?? Infinity)

/** Forgets those that were lost too long ago. */
export const recent = (lost: LostPeers, now: number, { lostTime }: Limits): LostPeers => {
  const peers = lost.peers.filter(({ lostAt }) => now - lostAt < lostTime)
  return peers.length === lost.peers.length ? lost : withPeers(lost, peers)
}

/** 2²⁰ times ten seconds is more than a hundred days. */
const MAX_DOUBLINGS = 20

/**
 * Notes that a peer was contacted in vain. Each miss doubles the time until its turn comes again, so that in a group
 * others have theirs.
 */
export const missed = (lost: LostPeers, name: string, now: number, interval: number): LostPeers => ({
  ...lost,
  peers: lost.peers.map((peer) =>
    peer.name === name
      ? { ...peer, misses: peer.misses + 1, dueAt: now + interval * 2 ** Math.min(peer.misses, MAX_DOUBLINGS) }
      : peer
  )
})

/** The peers by group, the latest group first. */
export const groups = ({ peers }: LostPeers): ReadonlyArray<Arr.NonEmptyReadonlyArray<LostPeer>> =>
  Arr.isReadonlyArrayNonEmpty(peers) ? Arr.groupWith(peers, (a, b) => a.group === b.group).toReversed() : []
