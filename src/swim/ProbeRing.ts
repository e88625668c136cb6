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
  /** It is appended, then swapped with this place. */
  readonly place: number
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

  constructor(ring: ProbeRing, added: ReadonlyArray<string>, random: () => number) {
    const growing = ring instanceof Growing ? ring : undefined
    let size = growing?.size ?? ring.names.length
    let newcomers = growing?.newcomers
    for (const name of added) newcomers = { name, place: indexBelow(size++, random), earlier: newcomers }
    this.index = ring.index
    this.size = size
    this.settled = growing?.settled ?? ring.names
    this.newcomers = newcomers
  }

  get names(): ReadonlyArray<string> {
    if (this.newcomers === undefined) return this.settled
    const arriving: Array<Newcomer> = []
    for (let next: Newcomer | undefined = this.newcomers; next !== undefined; next = next.earlier) arriving.push(next)
    const names = this.settled.slice()
    for (const { name, place } of arriving.toReversed()) {
      names.push(name)
      swap(names, place, names.length - 1)
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
export const insert = (ring: ProbeRing, added: ReadonlyArray<string>, random: () => number): ProbeRing =>
  added.length === 0 ? ring : new Growing(ring, added, random)

/** Moves on by one place. */
export const advance = (ring: ProbeRing): ProbeRing => ({ names: ring.names, index: ring.index + 1 })

/** A new round over `names`, in random order (Fisher–Yates). */
export const shuffle = (names: ReadonlyArray<string>, random: () => number): ProbeRing => {
  const shuffled = names.slice()
  for (let i = shuffled.length - 1; i > 0; i--) swap(shuffled, i, indexBelow(i + 1, random))
  return { names: shuffled, index: 0 }
}
