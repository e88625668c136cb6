/**
 * The queued broadcasts that were sent equally often, in drawing order: longest first, newest first.
 *
 * A persistent sorted sequence: short arrays in an array, so that a change copies one short array and the pointers to the
 * others. A queue of tens of thousands (a push/pull that brings a whole cluster) stays as cheap to change as a short one.
 */

/** A broadcast in the queue. Ids rise forever, so a newer broadcast always has the larger one. */
export interface Queued<out B> {
  readonly id: number
  readonly length: number
  readonly broadcast: B
}

/** Never empty. */
type Chunk<B> = ReadonlyArray<Queued<B>>

export type Tier<B> = ReadonlyArray<Chunk<B>>

/** A chunk is split above this length; two neighbours are joined at a quarter of it. */
const MAX_CHUNK = 128

export const empty: Tier<never> = []

/** The one drawn last. */
export const last = <B>(tier: Tier<B>): Queued<B> | undefined => {
  const chunk = tier[tier.length - 1]
  return chunk?.[chunk.length - 1]
}

/**
 * Takes what fits into `limit` bytes, where each message costs `overhead` bytes beside its own, and at most `maxItems`:
 * always the longest that still fits, the newest of equally long ones. What is left of the tier, and what was taken, in
 * drawing order. What did not fit once does not fit later, so one pass finds them all, and copies a chunk only once.
 */
export const take = <B>(
  tier: Tier<B>,
  limit: number,
  overhead: number,
  maxItems: number
): readonly [Tier<B>, ReadonlyArray<Queued<B>>] => {
  const taken: Array<Queued<B>> = []
  const chunks: Array<Chunk<B>> = []
  let free = limit - overhead
  let at = 0
  while (free > 0 && taken.length < maxItems) {
    const from = partition(tier, (chunk) => tooLong(chunk[chunk.length - 1], free), at)
    const chunk = tier[from]
    if (chunk === undefined) break
    for (; at < from; at++) chunks.push(tier[at] as Chunk<B>)
    at++
    let left: Array<Queued<B>> | undefined
    let kept = 0
    while (free > 0 && taken.length < maxItems) {
      const index = partition(chunk, (item) => tooLong(item, free), kept)
      const item = chunk[index]
      if (item === undefined) break
      left ??= []
      for (; kept < index; kept++) left.push(chunk[kept] as Queued<B>)
      kept++
      taken.push(item)
      free -= overhead + item.length
    }
    addChunk(chunks, left === undefined ? chunk : left.concat(chunk.slice(kept)))
  }
  if (taken.length === 0) return [tier, taken]
  const next = tier[at++]
  if (next !== undefined) addChunk(chunks, next)
  for (; at < tier.length; at++) chunks.push(tier[at] as Chunk<B>)
  return [chunks, taken]
}

const tooLong = <B>(item: Queued<B> | undefined, free: number): boolean => item !== undefined && item.length > free

/** Adds a chunk behind the others: not an empty one, and joined with the one before it when both are short. */
const addChunk = <B>(chunks: Array<Chunk<B>>, chunk: Chunk<B>): void => {
  if (chunk.length === 0) return
  const previous = chunks[chunks.length - 1]
  if (previous !== undefined && previous.length + chunk.length <= MAX_CHUNK / 4) {
    chunks[chunks.length - 1] = previous.concat(chunk)
  } else {
    chunks.push(chunk)
  }
}

export const insert = <B>(tier: Tier<B>, item: Queued<B>): Tier<B> => insertAll(tier, [item])

/** Adds items, which are in drawing order. */
export const insertAll = <B>(tier: Tier<B>, items: ReadonlyArray<Queued<B>>): Tier<B> => {
  const [first] = items
  if (first === undefined) return tier
  const chunks = tier.slice()
  // from the last to the first, so that a chunk that is split moves none that is still to be changed
  let end = items.length
  while (end > 0) {
    const at = Math.max(0, chunkOf(tier, items[end - 1] as Queued<B>))
    const head = tier[at]?.[0]
    // the first chunk takes everything before it as well
    const start = at === 0 || head === undefined ? 0 : partition(items, (item) => before(item, head), 0, end)
    const merged = merge(tier[at] ?? [], items, start, end)
    if (merged.length <= MAX_CHUNK) chunks[at] = merged
    else chunks.splice(at, 1, ...halves(merged))
    end = start
  }
  return chunks
}

/** `chunk` and `items[start..end)`, in order. */
const merge = <B>(chunk: Chunk<B>, items: ReadonlyArray<Queued<B>>, start: number, end: number): Array<Queued<B>> => {
  if (end - start === 1) {
    const item = items[start] as Queued<B>
    return chunk.toSpliced(place(chunk, item), 0, item)
  }
  const merged: Array<Queued<B>> = []
  let next = 0
  for (let i = start; i < end; i++) {
    const item = items[i] as Queued<B>
    for (const index = place(chunk, item, next); next < index; next++) merged.push(chunk[next] as Queued<B>)
    merged.push(item)
  }
  return merged.concat(chunk.slice(next))
}

/** Pieces short enough for a chunk. */
const halves = <B>(items: Array<Queued<B>>): Array<Chunk<B>> => {
  if (items.length <= MAX_CHUNK) return [items]
  const half = items.length >>> 1
  return [...halves(items.slice(0, half)), ...halves(items.slice(half))]
}

/** The tier without `item`; the very same tier when it does not contain it. */
export const remove = <B>(tier: Tier<B>, item: Queued<B>): Tier<B> => {
  const at = chunkOf(tier, item)
  const chunk = tier[at]
  if (chunk === undefined) return tier
  const index = place(chunk, item)
  if (chunk[index]?.id !== item.id) return tier
  const shrunk = chunk.toSpliced(index, 1)
  const next = tier[at + 1]
  if (next !== undefined && shrunk.length + next.length <= MAX_CHUNK / 4) {
    return tier.toSpliced(at, 2, shrunk.concat(next))
  }
  return shrunk.length === 0 ? tier.toSpliced(at, 1) : tier.with(at, shrunk)
}

export const filter = <B>(tier: Tier<B>, keep: (item: Queued<B>) => boolean): Tier<B> =>
  tier.map((chunk) => chunk.filter(keep)).filter((chunk) => chunk.length > 0)

/** All broadcasts, in drawing order. */
export const broadcasts = <B>(tier: Tier<B>): ReadonlyArray<B> =>
  tier.flatMap((chunk) => chunk.map((item) => item.broadcast))

/** Whether `a` is drawn before `b`: longer, or as long and newer. */
const before = <B>(a: Queued<B>, b: Queued<B>): boolean => a.length !== b.length ? a.length > b.length : a.id > b.id

/** The index of `item` in a chunk, or where it belongs, when it is not before `from`. */
const place = <B>(chunk: Chunk<B>, item: Queued<B>, from = 0): number =>
  partition(chunk, (other) => before(other, item), from)

/** The index of the only chunk that may contain `item`; -1 when it comes before all of them. */
const chunkOf = <B>(tier: Tier<B>, item: Queued<B>): number =>
  partition(tier, (chunk) => {
    const first = chunk[0]
    return first !== undefined && !before(item, first)
  }) - 1

/** Where in `list[from..to)` the elements that are `ahead` end, given that those that are come first. */
const partition = <A>(list: ReadonlyArray<A>, ahead: (a: A) => boolean, from = 0, to = list.length): number => {
  let low = from
  let high = to
  while (low < high) {
    const middle = (low + high) >>> 1
    const a = list[middle]
    if (a !== undefined && ahead(a)) low = middle + 1
    else high = middle
  }
  return low
}
