/**
 * When a node tries to find back what was lost, and which lost peer it tries. All members of a side try together six
 * times a minute, however many they are, so a split costs the network no more than a few packets.
 */
import * as LostPeers from "./LostPeers.ts"

/** Whether this node tries this time: of `n` live members one does on average. */
export const tries = (n: number, random: () => number): boolean => n <= 1 || random() * n < 1

/**
 * The time until the next try, `since` the last one began, in milliseconds: one interval on average. After a fresh loss
 * it comes early, because there was none for a while. Jitter keeps the members of a side from trying together.
 */
export const pause = (interval: number, since: number, random: () => number): number =>
  Math.max(0, 0.8 * interval - since) + 0.4 * interval * random()

/** Whose turn it is: the first group, the next, the one after that, or all others. */
const TURNS = [0, 1, 0, 2, 0, 1, 0, 3] as const
const OTHERS = 3

/**
 * The lost peer that is tried at the `attempt`-th time (from 0), if one is remembered. Groups that look like a split
 * come before single losses, and later ones before earlier ones: the first has every second try, the next every fourth,
 * and the one after that every eighth. All others together have every eighth, too, so that each has its turn some time.
 * In a group it is whoever is due first.
 */
export const choose = (
  lost: LostPeers.LostPeers,
  attempt: number,
  random: () => number
): LostPeers.LostPeer | undefined => {
  const groups = LostPeers.groups(lost)
  const ordered = [...groups.filter(({ length }) => length > 1), ...groups.filter(({ length }) => length === 1)]
  const turn = (TURNS[attempt % TURNS.length] ?? 0) % Math.max(1, ordered.length)
  const group = turn < OTHERS ? ordered[turn] : ordered.slice(OTHERS).flat()
  if (group === undefined) return undefined
  const earliest = Math.min(...group.map(({ dueAt }) => dueAt))
  const due = group.filter(({ dueAt, lostAt, misses }) => dueAt === earliest || (misses === 0 && lostAt === dueAt))
  return due[Math.floor(random() * due.length)]
}
