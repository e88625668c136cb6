/**
 * Consistent hashing: each member has points on a ring of 2³² positions, as many as its weight says, and a slot belongs
 * to the first point at or behind its start. Where they lie depends on the members' names alone, so that all who know
 * the same names and weights have the same owners, and a member that comes or goes moves its own slots only.
 *
 * Effect's `HashRing` is not used: its hash gives members with short names, or names that differ in their first letters
 * alone, very unequal shares (0.01 to 3.9 times the fair one for `a` to `e`), its `getShards` moves slots between
 * members that stay, and its hash is no promise between versions of Effect, of which a rolling upgrade has two.
 *
 * Cost with 1,000 members of weight 1, which have 160,000 points, in processor time of one shared core (Node.js 24):
 * 2.3 ms for a table, once after each change of the view that matters to it; 9 ms more before the first walk of a
 * table, and 14 µs for each walk to three members; 0.5 µs for the slot of a key. With the largest weight for all: 42
 * ms, 130 ms and 130 µs. A table is 16 kB, and 1.3 MB more once there was a walk.
 *
 * @since 0.1.0
 */
import * as Murmur3 from "../base/Murmur3.ts"

/** Slots of the ring, of 2²⁰ positions each. */
export const SLOTS = 4_096

/** Bits of a position within its slot. */
const SLOT_BITS = 20

/** Points of a member of weight 1. */
export const POINTS = 160

/** The largest weight. */
export const MAX_WEIGHT = 16

/** A member on the ring. */
export interface Weighted {
  readonly name: string
  /** 0 to `MAX_WEIGHT`; one that has no points owns nothing. */
  readonly weight: number
}

/** The owners of all slots. */
export interface Table {
  /** The members, in the order of their names. Others refer to them by their place here. */
  readonly members: ReadonlyArray<Weighted>
  /** The owner of each slot; -1 where there are no points at all. */
  readonly owners: Int32Array
  /** Up to so many different members whose points follow from the start of a slot on, its owner first. */
  readonly walk: (slot: number, count: number) => ReadonlyArray<number>
}

/** Returns a weight within its bounds; what is no number is 0. */
export const boundedWeight = (weight: number): number =>
  Number.isNaN(weight) ? 0 : Math.min(Math.max(weight, 0), MAX_WEIGHT)

/** Returns how many points a member of this weight has. */
export const countOf = (weight: number): number => Math.round(weight * POINTS)

/** Returns the slot that a key is in. */
export const slotOf = (key: string): number => Murmur3.ofText(key, 0) >>> SLOT_BITS

/** Goes through the points of all members: the place of the member, and a position. */
const forEachPoint = (members: ReadonlyArray<Weighted>, f: (member: number, position: number) => void): void =>
  members.forEach(({ name, weight }, member) => {
    const step = Murmur3.ofText(name, 1) | 1
    // the odd step and the mixing keep the points of a member apart; a larger weight has these and more
    let at = Murmur3.ofText(name, 0)
    for (let left = countOf(weight); left > 0; left--) {
      f(member, Murmur3.mix(at))
      at = (at + step) | 0
    }
  })

/** All points, in the order of their slots: those of slot `s` from `starts[s]` on. */
interface Index {
  readonly starts: Uint32Array
  readonly positions: Uint32Array
  readonly members: Uint32Array
}

const indexOf = (members: ReadonlyArray<Weighted>): Index => {
  const starts = new Uint32Array(SLOTS + 1)
  forEachPoint(members, (_, position) => {
    const after = (position >>> SLOT_BITS) + 1
    starts[after] = (starts[after] ?? 0) + 1
  })
  for (let slot = 0; slot < SLOTS; slot++) starts[slot + 1] = (starts[slot + 1] ?? 0) + (starts[slot] ?? 0)
  const total = starts[SLOTS] ?? 0
  const index: Index = { starts, positions: new Uint32Array(total), members: new Uint32Array(total) }
  const next = starts.slice()
  forEachPoint(members, (member, position) => {
    const slot = position >>> SLOT_BITS
    const at = next[slot] ?? 0
    next[slot] = at + 1
    index.positions[at] = position
    index.members[at] = member
  })
  return index
}

/** The members of the points of one slot in the order of the points; where two are at one position, of the names. */
const membersIn = ({ members, positions, starts }: Index, slot: number): ReadonlyArray<number> => {
  const first = starts[slot] ?? 0
  const found = Array.from({ length: (starts[slot + 1] ?? 0) - first }, (_, i) => first + i)
  const key = (array: Uint32Array, at: number) => array[at] ?? 0
  return found
    .sort((a, b) => key(positions, a) - key(positions, b) || key(members, a) - key(members, b))
    .map((at) => key(members, at))
}

const walkOf = (members: ReadonlyArray<Weighted>) => {
  let index: Index | undefined
  return (slot: number, count: number): ReadonlyArray<number> => {
    index ??= indexOf(members)
    const found = new Set<number>()
    for (let i = 0; i < SLOTS && found.size < count; i++) {
      for (const member of membersIn(index, (slot + i) % SLOTS)) {
        if (found.size < count) found.add(member)
      }
    }
    return [...found]
  }
}

/** The owner of each slot: of the first point in it, or else the owner of the slot behind it. */
const ownersOf = (members: ReadonlyArray<Weighted>): Int32Array => {
  const owners = new Int32Array(SLOTS).fill(-1)
  const first = new Uint32Array(SLOTS)
  forEachPoint(members, (member, position) => {
    const slot = position >>> SLOT_BITS
    // of two at one position the first name, which is earlier, keeps it
    if (owners[slot] !== -1 && position >= (first[slot] ?? 0)) return
    owners[slot] = member
    first[slot] = position
  })
  let behind = owners.find((owner) => owner !== -1) ?? -1
  for (let slot = SLOTS - 1; slot >= 0; slot--) {
    const owner = owners[slot] ?? -1
    if (owner === -1) owners[slot] = behind
    else behind = owner
  }
  return owners
}

/** Makes the table of these members, in whatever order they are given. */
export const make = (members: ReadonlyArray<Weighted>): Table => {
  const sorted = members.toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  return { members: sorted, owners: ownersOf(sorted), walk: walkOf(sorted) }
}

/** Whether two lists of members, each in the order of names, make the same table. */
export const same = (a: ReadonlyArray<Weighted>, b: ReadonlyArray<Weighted>): boolean =>
  a.length === b.length && a.every(({ name, weight }, i) => name === b[i]?.name && weight === b[i].weight)
