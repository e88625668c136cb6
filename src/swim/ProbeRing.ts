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

/**
 * Adds names, each by appending it and swapping it with a random earlier one. The position does not move, so a member
 * may be met twice or not at all in the round it arrives in.
 */
export const insert = (ring: ProbeRing, added: ReadonlyArray<string>, random: () => number): ProbeRing => {
  if (added.length === 0) return ring
  const names = ring.names.slice()
  for (const name of added) {
    const last = names.length
    names.push(name)
    swap(names, indexBelow(last, random), last)
  }
  return { names, index: ring.index }
}

/** Moves on by one place. */
export const advance = (ring: ProbeRing): ProbeRing => ({ names: ring.names, index: ring.index + 1 })

/** A new round over `names`, in random order (Fisher–Yates). */
export const shuffle = (names: ReadonlyArray<string>, random: () => number): ProbeRing => {
  const shuffled = names.slice()
  for (let i = shuffled.length - 1; i > 0; i--) swap(shuffled, i, indexBelow(i + 1, random))
  return { names: shuffled, index: 0 }
}
