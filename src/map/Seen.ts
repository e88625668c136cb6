/**
 * Who is out of date. Each replica notes up to when it has taken in the state of each other one. Removals are forgotten
 * after a time, so one that has not heard of somebody for longer may hold what was removed and forgotten meanwhile: its
 * copy must not be merged. `docs/map.md` has the argument why this finds them all.
 *
 * @stability unstable
 * @since 0.1.0
 */

/** A life of a replica: from when its layer was built, or it discarded its copy, until it ends. */
export interface Life {
  readonly name: string
  /** Milliseconds of its own clock. */
  readonly birth: number
}

/** Up to when the state of a life was taken in, in milliseconds of its own clock. */
export interface Seen extends Life {
  readonly at: number
}

export type Vector = ReadonlyMap<string, Seen>

/** What is known of a replica when it is compared. */
export interface Standing {
  readonly self: Life
  /** With the replica itself. */
  readonly vector: Vector
  /** How late it is for what it forgets: its clock, or less while it has just begun. */
  readonly asOf: number
  /** Whether it has just begun, with what was on a disk or with nothing, and so have all that it is in touch with. */
  readonly isNew: boolean
}

/** Times in milliseconds. */
export interface Times {
  /** How long a removal is kept. */
  readonly life: number
  /** How far clocks may be apart. */
  readonly ahead: number
}

/** Lives in one vector. */
export const MAX_LIVES = 4_096

export const idOf = ({ birth, name }: Life): string => `${birth}/${name}`

/** Up to when a life was taken in; before it began there was nothing to take in. */
const at = (vector: Vector, life: Life): number => vector.get(idOf(life))?.at ?? life.birth

/** How old a delta may be to be merged; what is older comes by a comparison, or not at all. */
export const deltaAge = ({ ahead }: Times): number => 2 * ahead

/** How long a comparison may take: enough for much, over a slow network. */
export const comparisonTime = ({ ahead, life }: Times): number => Math.max(ahead, Math.floor(life / 8))

/** How old what was seen may be. Less than a removal lives, by what clocks, deltas and comparisons may be late. */
const freshFor = (times: Times): number => times.life - times.ahead - deltaAge(times) - comparisonTime(times)

/** Whether a copy may lack what the other one has had and forgotten. */
const isBehind = (mine: Vector, theirs: Vector, now: number, times: Times): boolean => {
  for (const seen of theirs.values()) {
    if (seen.at <= now - times.life) continue
    const own = at(mine, seen)
    if (own <= now - freshFor(times) && own < seen.at) return true
  }
  return false
}

/** The lives that are fresh, and the first of them. */
const freshness = (vector: Vector, since: number) => {
  let count = 0
  let first: string | undefined
  for (const { at, name } of vector.values()) {
    if (at <= since) continue
    count++
    if (first === undefined || name < first) first = name
  }
  return { count, first: first ?? "" }
}

/**
 * Whose copy is to be discarded, if any. Where both lack something of the other, after a long split, it is the one that
 * is in touch with fewer; among those that have just begun, the one whose state is from longer ago.
 */
export const outOfDate = (mine: Standing, theirs: Standing, times: Times): "Neither" | "Mine" | "Theirs" => {
  const now = Math.max(mine.asOf, theirs.asOf)
  const isMine = isBehind(mine.vector, theirs.vector, now, times)
  const isTheirs = isBehind(theirs.vector, mine.vector, now, times)
  if (isMine && isTheirs) {
    if ((mine.isNew || theirs.isNew) && mine.asOf !== theirs.asOf) return mine.asOf < theirs.asOf ? "Mine" : "Theirs"
    const since = now - freshFor(times)
    const own = freshness(mine.vector, since)
    const other = freshness(theirs.vector, since)
    if (own.count !== other.count) return own.count < other.count ? "Mine" : "Theirs"
    if (own.first !== other.first) return own.first > other.first ? "Mine" : "Theirs"
    return idOf(mine.self) > idOf(theirs.self) ? "Mine" : "Theirs"
  }
  return isMine ? "Mine" : isTheirs ? "Theirs" : "Neither"
}

/** From when on a write of the replica that was discarded is kept: nobody can have forgotten what came after it. */
export const keptFrom = (mine: Standing, theirs: Standing, times: Times): number =>
  Math.max(mine.asOf, theirs.asOf) - freshFor(times)

/** Up to when what a member wrote was taken in, in any of its lives. */
export const seenOf = (vector: Vector, name: string): number => {
  let latest = Number.NEGATIVE_INFINITY
  for (const seen of vector.values()) if (seen.name === name) latest = Math.max(latest, seen.at)
  return latest
}

/** Both vectors in one. */
export const joined = (mine: Vector, theirs: Vector): Vector => {
  const both = new Map(mine)
  for (const [id, seen] of theirs) {
    const own = both.get(id)
    if (own === undefined || own.at < seen.at) both.set(id, seen)
  }
  return both
}

/** Without those that matter to nobody any more, and the longest ago where there are too many. */
export const pruned = (vector: Vector, asOf: number, { life }: Times): Vector => {
  const kept = [...vector].filter(([, { at }]) => at > asOf - 2 * life)
  if (kept.length > MAX_LIVES) kept.sort(([, a], [, b]) => b.at - a.at)
  return new Map(kept.slice(0, MAX_LIVES))
}
