/**
 * Who is probed next: a shuffled list of all names and a position in it. New members go to a random place, so that the
 * time until a failure is noticed stays bounded: every member is met once per round (SWIM §4.3).
 */

export interface ProbeRing {
  readonly names: ReadonlyArray<string>
  /** The next place to look at; `names.length` when the round is over. */
  readonly index: number
}

export const empty: ProbeRing = { names: [], index: 0 }

/** A uniform index below `n`, from a number in [0, 1). */
const indexBelow = (n: number, random: () => number): number => Math.floor(random() * n)

const swap = (names: Array<string>, a: number, b: number): void => {
  const x = names[a]
  const y = names[b]
  if (x === undefined || y === undefined) return
  names[a] = y
  names[b] = x
}

/** A name that was given a place, and those that were before it, latest first. */
interface Newcomer {
  readonly name: string
  /** It is appended, then swapped with this place; or has this place, instead of who had it. */
  readonly place: number
  readonly instead: string | undefined
  readonly earlier: Newcomer | undefined
}

/**
 * A ring with newcomers, who take their places when somebody looks. A node that joins a large cluster learns hundreds of
 * names between two looks, and would copy all names for each of them.
 */
class Growing implements ProbeRing {
  readonly index: number
  private readonly size: number
  private settled: ReadonlyArray<string>
  private newcomers: Newcomer | undefined

  /** The ring with these newcomers, and then of this size. */
  constructor(ring: ProbeRing, arriving: ReadonlyArray<Omit<Newcomer, "earlier">>, size: number) {
    const growing = ring instanceof Growing ? ring : undefined
    let newcomers = growing?.newcomers
    for (const newcomer of arriving) newcomers = { ...newcomer, earlier: newcomers }
    this.index = ring.index
    this.size = size
    this.settled = growing?.settled ?? ring.names
    this.newcomers = newcomers
  }

  static sizeOf(ring: ProbeRing): number {
    return ring instanceof Growing ? ring.size : ring.names.length
  }

  /** Most of the names, some of which may have been replaced since; all of them where only few have their places yet. */
  static mostOf(ring: ProbeRing): ReadonlyArray<string> {
    return ring instanceof Growing && 2 * ring.settled.length >= ring.size ? ring.settled : ring.names
  }

  get names(): ReadonlyArray<string> {
    if (this.newcomers === undefined) return this.settled
    const arriving: Array<Newcomer> = []
    for (let next: Newcomer | undefined = this.newcomers; next !== undefined; next = next.earlier) arriving.push(next)
    const names = this.settled.slice()
    for (const { instead, name, place } of arriving.toReversed()) {
      if (instead === undefined) {
        names.push(name)
        swap(names, place, names.length - 1)
      } else {
        // who had the place may have been swapped away by now
        names[names[place] === instead ? place : names.indexOf(instead)] = name
      }
    }
    this.settled = names
    this.newcomers = undefined
    return names
  }
}

/**
 * Adds names, each by appending it and swapping it with a random earlier one. The position does not move, so a member
 * may be met twice or not at all in the round it arrives in.
 */
export const insert = (ring: ProbeRing, added: ReadonlyArray<string>, random: () => number): ProbeRing => {
  if (added.length === 0) return ring
  let size = Growing.sizeOf(ring)
  const arriving = added.map((name) => ({ name, place: indexBelow(size++, random), instead: undefined }))
  return new Growing(ring, arriving, size)
}

/** Where a name stands, or stood when somebody last looked. */
export interface Place {
  readonly name: string
  readonly index: number
}

/** A random place, without looking at the newest names. Who stood there may have been replaced since. */
export const sample = (ring: ProbeRing, random: () => number): Place | undefined => {
  const names = Growing.mostOf(ring)
  const index = indexBelow(names.length, random)
  const name = names[index]
  return name === undefined ? undefined : { name, index }
}

/** Gives the place of a name, which must be in the ring, to another. The position does not move. */
export const replace = (ring: ProbeRing, { index, name }: Place, newcomer: string): ProbeRing =>
  new Growing(ring, [{ name: newcomer, place: index, instead: name }], Growing.sizeOf(ring))

/** Moves on by one place. */
export const advance = (ring: ProbeRing): ProbeRing => ({ names: ring.names, index: ring.index + 1 })

/** A new round over `names`, in random order (Fisher–Yates). */
export const shuffle = (names: ReadonlyArray<string>, random: () => number): ProbeRing => {
  const shuffled = names.slice()
  for (let i = shuffled.length - 1; i > 0; i--) swap(shuffled, i, indexBelow(i + 1, random))
  return { names: shuffled, index: 0 }
}
