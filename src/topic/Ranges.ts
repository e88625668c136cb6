/**
 * Sets of whole numbers as ascending ranges: what is known of one publisher's messages, in memory and in frames.
 * Numbers that follow one another take one range, however many they are; each gap takes one more.
 *
 * @stability unstable
 * @since 0.1.0
 */

/** The numbers from the first to the last, both included. */
export type Range = readonly [from: number, to: number]
/** Ascending, with at least one number between two of them. */
export type Ranges = ReadonlyArray<Range>

/** How many ranges lie below a number whole. */
const below = (ranges: Ranges, n: number): number => {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ranges[middle]?.[1] ?? Infinity) < n) low = middle + 1
    else high = middle
  }
  return low
}

/** Whether a number is in the set. */
export const has = (ranges: Ranges, n: number): boolean => {
  const range = ranges[below(ranges, n)]
  return range !== undefined && range[0] <= n
}

/** Adds a number. */
export const add = (ranges: Ranges, n: number): Ranges => {
  // it begins a range, or is the end of the one before it, unless it lies in one
  const at = below(ranges, n)
  const next = ranges[at]
  if (next !== undefined && next[0] <= n) return ranges
  const before = ranges[at - 1]
  const from = before !== undefined && before[1] === n - 1 ? before[0] : n
  const to = next !== undefined && next[0] === n + 1 ? next[1] : n
  return [
    ...ranges.slice(0, from === n ? at : at - 1),
    [from, to],
    ...ranges.slice(to === n ? at : at + 1)
  ]
}

/**
 * Forgets the narrowest range, the lowest of them, other than the one that has a number, when there is one more than so
 * many. What is forgotten may be taken again; closing a gap instead would refuse what was never taken.
 */
export const capped = (ranges: Ranges, most: number, kept: number): Ranges => {
  if (ranges.length <= most) return ranges
  const others = ranges.filter(([from, to]) => kept < from || kept > to)
  const narrowest = others.reduce<Range | undefined>(
    (least, range) => least === undefined || range[1] - range[0] < least[1] - least[0] ? range : least,
    undefined
  )
  return ranges.filter((range) => range !== narrowest)
}

/** The set of these numbers. */
export const of = (numbers: Iterable<number>): Ranges => {
  const ranges: Array<[number, number]> = []
  for (const n of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1)
    if (last !== undefined && n <= last[1] + 1) last[1] = n
    else ranges.push([n, n])
  }
  return ranges
}

/** The highest numbers of `wanted` that `known` lacks, at most so many, the highest first. */
export const lacking = (wanted: Ranges, known: Ranges, most: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let i = wanted.length - 1; i >= 0 && found.length < most; i--) {
    const [from, to] = wanted[i] ?? [1, 0]
    for (let n = to; n >= from && found.length < most;) {
      const range = known[below(known, n)]
      if (range !== undefined && range[0] <= n) n = range[0] - 1
      else found.push(n--)
    }
  }
  return found
}

/** All numbers of several sets. */
export const union = (sets: ReadonlyArray<Ranges>): Ranges => {
  const [only] = sets
  if (only !== undefined && sets.length === 1) return only
  const ranges: Array<[from: number, to: number]> = []
  for (const [from, to] of sets.flat().sort((a, b) => a[0] - b[0])) {
    const last = ranges.at(-1)
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to)
    else ranges.push([from, to])
  }
  return ranges
}
