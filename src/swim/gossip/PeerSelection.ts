/**
 * The one place that picks members: those who get gossip, help with a probe, are synchronised with. Random ones, as in
 * the reference; but a table may be full of members that somebody made up, and news that only they are told is told to
 * nobody.
 */
import type { Entry } from "../membership/Entry.ts"
import type { Env, Membership } from "../membership/Membership.ts"
import type { FirstHand } from "./FirstHand.ts"

/**
 * Up to `k` random members that are `eligible`, never ourselves; those heard from come first. Where somebody was heard
 * from, at least one of them was: members that somebody made up pass nothing on, help nobody and know nothing.
 */
export const select = (
  { entries, ring, self }: Membership,
  k: number,
  eligible: (entry: Entry) => boolean,
  { firstHand, random }: Env
): ReadonlyArray<Entry> => {
  const accepts = (name: string): boolean => {
    if (name === self) return false
    const entry = entries.get(name)
    return entry !== undefined && eligible(entry)
  }
  const names = firstHand === undefined
    ? kRandom(k, ring.names, accepts, random)
    : kRandomKnown(k, ring.names, accepts, firstHand, random)
  return names.flatMap((name) => entries.get(name) ?? [])
}

/**
 * Up to `k` random names that are `eligible`, those heard from first. Where somebody who is eligible was heard from, at
 * least one of them was: if chance picked none, one takes the place of another. In a cluster of real members chance
 * nearly always picks one, and nothing differs from `kRandom`.
 */
export const kRandomKnown = (
  k: number,
  names: Indexed<string>,
  eligible: (name: string) => boolean,
  firstHand: FirstHand,
  random: () => number
): ReadonlyArray<string> => {
  const picked = kRandom(k, names, eligible, random)
  const heard = picked.filter((name) => firstHand.stands(name))
  if (heard.length === picked.length) return picked
  if (heard.length > 0) return [...heard, ...picked.filter((name) => !firstHand.stands(name))]
  // fewer than wanted are all there are
  const other = picked.length < k ? undefined : firstHand.any(eligible, random)
  return other === undefined ? picked : [other, ...picked.slice(0, k - 1)]
}

/** What names can be drawn from. */
export interface Indexed<A> extends Iterable<A> {
  readonly length: number
  readonly at: (index: number) => A | undefined
}

/**
 * Up to `k` different elements of `list` that are `eligible`, uniformly at random. Fewer only when there are no more;
 * this is stricter than memberlist's `kRandomNodes`, which in a small cluster can miss the one eligible member.
 *
 * @param random a number in [0, 1)
 */
export const kRandom = <A>(
  k: number,
  list: Indexed<A>,
  eligible: (a: A) => boolean,
  random: () => number
): ReadonlyArray<A> => {
  if (k <= 0) return []
  if (list.length < 3 * k) return exhaustive(k, list, eligible, random)
  const picked = picks(k, list, eligible, random)
  // Everything picked so far is symmetric in the elements, so starting over keeps the choice uniform.
  return picked.length === k ? picked : exhaustive(k, list, eligible, random)
}

/** Random picks with replacement, which touch only a few elements of a long list. */
const picks = <A>(
  k: number,
  list: Indexed<A>,
  eligible: (a: A) => boolean,
  random: () => number
): ReadonlyArray<A> => {
  const picked = new Map<number, A>()
  for (let tries = 3 * list.length; tries > 0 && picked.size < k; tries--) {
    const index = Math.floor(random() * list.length)
    const candidate = list.at(index)
    if (candidate !== undefined && !picked.has(index) && eligible(candidate)) picked.set(index, candidate)
  }
  return Array.from(picked.values())
}

/** A shuffle that stops when it has found enough. */
const exhaustive = <A>(
  k: number,
  list: Indexed<A>,
  eligible: (a: A) => boolean,
  random: () => number
): ReadonlyArray<A> => {
  const rest = Array.from(list).filter(eligible)
  const picked: Array<A> = []
  while (picked.length < k && rest.length > 0) {
    const index = Math.floor(random() * rest.length)
    const candidate = rest[index]
    const last = rest.pop()
    if (candidate === undefined || last === undefined) break
    picked.push(candidate)
    if (index < rest.length) rest[index] = last
  }
  return picked
}
