/**
 * The order of probing: a shuffled list of all names and a position in it; `Round.ts` takes the next from it. New
 * members go to a random place, so that the time until a failure is noticed stays bounded: every member is probed once
 * per round (SWIM §4.3).
 */
import { NameList } from "./NameList.ts"

export interface ProbeRing {
  readonly names: NameList
  /** The next place to look at; `names.length` when the round is over. */
  readonly index: number
}

export const empty: ProbeRing = { names: NameList.of([]), index: 0 }

/** A uniform index below `n`, from a number in [0, 1). */
const indexBelow = (n: number, random: () => number): number => Math.floor(random() * n)

const swap = (names: Array<string>, a: number, b: number): void => {
  const x = names[a]
  const y = names[b]
  if (x === undefined || y === undefined) return
  names[a] = y
  names[b] = x
}

/**
 * Adds names, each at a random place; the name that was there goes to the end. The position does not move, so a member
 * may be probed twice or not at all in the round it arrives in.
 */
export const insert = (ring: ProbeRing, added: ReadonlyArray<string>, random: () => number): ProbeRing => {
  const names = ring.names.edit((list) => {
    for (const name of added) {
      const place = indexBelow(list.length, random)
      const displaced = list.at(place)
      list.append(displaced ?? name)
      if (displaced !== undefined) list.set(place, name)
    }
  })
  return { names, index: ring.index }
}

/** Where a name stands. */
export interface Place {
  readonly name: string
  readonly index: number
}

/** A random place. */
export const sample = ({ names }: ProbeRing, random: () => number): Place | undefined => {
  const index = indexBelow(names.length, random)
  const name = names.at(index)
  return name === undefined ? undefined : { name, index }
}

/** Gives the place of a name to another. The position does not move. */
export const replace = ({ index, names }: ProbeRing, place: Place, newcomer: string): ProbeRing => ({
  names: names.with(place.index, newcomer),
  index
})

/** Moves on by one place. */
export const advance = (ring: ProbeRing): ProbeRing => ({ names: ring.names, index: ring.index + 1 })

/** A new round over `names`, in random order (Fisher–Yates). */
export const shuffle = (names: ReadonlyArray<string>, random: () => number): ProbeRing => {
  const shuffled = names.slice()
  for (let i = shuffled.length - 1; i > 0; i--) swap(shuffled, i, indexBelow(i + 1, random))
  return { names: NameList.of(shuffled), index: 0 }
}
