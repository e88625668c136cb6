/**
 * One member's copy of a map, and all that is decided about it: writes, merges, what is forgotten, and whose copy is
 * discarded. It knows no clock, no chance and no network: the time comes with each call.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as HybridClock from "./HybridClock.ts"
import * as Entry from "./MapEntry.ts"
import * as Seen from "./Seen.ts"
import { Table } from "./Table.ts"

/** Times in milliseconds, and how much is merged of what others send. */
export interface Rules extends Seen.Times {
  /** Entries, with those that are removed. */
  readonly mostEntries: number
  readonly mostBytes: number
}

/** What changed for those who read. */
export interface Change {
  readonly key: string
  /** The write that changed it. */
  readonly entry: Entry.Entry
  /** What is to be read now. */
  readonly value: Uint8Array | undefined
}

/** Why an entry of somebody else is not merged. */
export type Refusal = "Ahead" | "Late" | "Full"

/** What became of entries. */
export interface Merged {
  readonly changes: ReadonlyArray<Change>
  /** What we wrote and is gone, because somebody who discarded its copy had it alone. */
  readonly lost: ReadonlyArray<Lost>
  readonly refused: ReadonlyMap<Refusal, number>
}

/** A write that is gone because its copy was discarded. */
export interface Lost {
  readonly key: string
  /** Nothing for a removal. */
  readonly value: Uint8Array | undefined
  readonly by: string
  readonly time: number
}

/** What a replica was when it was written to a disk. */
export interface Kept {
  readonly vector: ReadonlyArray<Seen.Seen>
  readonly asOf: number
  readonly clock: HybridClock.HybridClock
  readonly forgotten: ReadonlyArray<Entry.Entry>
  readonly entries: ReadonlyArray<Entry.Entry>
}

/**
 * Our own removals, and values that expired, that were forgotten here, the latest of each key: should our copy turn out
 * to be out of date, what was before them may come back, and that is told.
 */
const MAX_FORGOTTEN = 1_024

/** Entries that are merged before others have their turn: about 2 ms. */
export const SLICE = 256

export class Replica {
  readonly table = new Table()
  /** Leaves that changed since what is kept on a disk was written. */
  readonly touched = new Set<number>()
  /** Whether a merge is under way: what is there is not the whole of anything, and nobody must be given it. */
  isMerging = false
  /** How many merges brought something. */
  merges = 0
  private readonly rules: Rules
  private clock = HybridClock.start
  private life: Seen.Life
  private others: Seen.Vector = new Map()
  /** What `asOf` is until `thaw`. */
  private base = 0
  private thaw: number
  private latest: number
  private overdue: ReadonlyArray<string> = []
  private readonly forgotten = new Map<string, Entry.Entry>()

  constructor(name: string, now: number, rules: Rules, kept?: Kept) {
    this.rules = rules
    this.latest = now
    this.life = { name, birth: now }
    this.thaw = now + rules.life
    if (kept === undefined) return
    this.base = Math.min(kept.asOf, now)
    this.others = new Map(
      kept.vector.filter(({ at }) => at <= now + rules.ahead).map((seen) => [Seen.idOf(seen), seen])
    )
    for (const entry of kept.forgotten) this.forgotten.set(entry.key, entry)
    if (kept.clock.time <= now + rules.ahead) this.clock = kept.clock
    this.restore(kept.entries, now)
  }

  /** Takes entries from a disk, before anybody knows of this replica. */
  restore(entries: ReadonlyArray<Entry.Entry>, now: number): void {
    for (const entry of entries) if (entry.time <= now + this.rules.ahead) this.store(entry, now)
  }

  /** The time, which never goes back. */
  at(now: number): number {
    this.latest = Math.max(this.latest, now)
    return this.latest
  }

  /** How far the clock has been set back, in milliseconds: no write would be taken by others. */
  isBehind(now: number): boolean {
    return Math.max(this.latest, this.clock.time) > now + this.rules.ahead
  }

  /**
   * How late it is for what is forgotten. Who has just begun, from a disk or with nothing, forgets nothing for the life
   * of a removal: others may have begun at the same time and not know of it.
   */
  asOf(now: number): number {
    const at = this.at(now)
    return at >= this.thaw ? at : Math.min(this.base, at)
  }

  standing(now: number): Seen.Standing {
    const at = this.at(now)
    const vector = new Map(this.others).set(Seen.idOf(this.life), { ...this.life, at })
    return { self: this.life, vector, asOf: this.asOf(at), isNew: at < this.thaw }
  }

  kept(now: number): Omit<Kept, "entries"> {
    const { asOf, vector } = this.standing(now)
    return { vector: [...vector.values()], asOf, clock: this.clock, forgotten: [...this.forgotten.values()] }
  }

  /** Writes a value, or removes the key. */
  write(key: string, value: Uint8Array | undefined, expires: number | undefined, now: number) {
    const at = this.at(now)
    this.clock = HybridClock.next(this.clock, at)
    const entry = Entry.make(key, { ...this.clock, by: this.life.name }, value, expires)
    const change = this.take(entry, at)
    return { entry, changes: change === undefined ? [] : [change] }
  }

  /** Merges what was published: only what is young, because it comes without all that was before it. */
  delta(entries: ReadonlyArray<Entry.Entry>, now: number): Merged {
    const at = this.at(now)
    return this.merge(entries, at, (entry) => entry.time < at - Seen.deltaAge(this.rules) ? "Late" : undefined)
  }

  /** Whether the last sweep left some for the next one. */
  get hasOverdue(): boolean {
    return this.overdue.length > 0
  }

  /** Lets go of values that have expired, and of entries that nobody needs any more: a slice of them. */
  sweep(now: number): ReadonlyArray<Change> {
    const at = this.at(now)
    const changes: Array<Change> = []
    if (this.overdue.length === 0) this.overdue = this.table.due(at)
    const slice = this.overdue.slice(0, SLICE)
    this.overdue = this.overdue.slice(SLICE)
    for (const key of slice) {
      const entry = this.table.get(key)
      if (entry === undefined) continue
      if (entry.value !== undefined && Entry.deadFrom(entry) <= at) {
        changes.push({ key, entry, value: undefined })
        this.store(Entry.emptied(entry), at)
      } else if (Entry.dropFrom(entry, this.rules.life) <= this.asOf(at)) {
        this.table.remove(key)
        this.touched.add(entry.leaf)
        this.noteForgotten(entry)
      } else this.schedule(entry, at)
    }
    return changes
  }

  /** Whose copy is to be discarded before ours and another one are merged. */
  outOfDate(theirs: Seen.Standing, now: number): ReturnType<typeof Seen.outOfDate> {
    return Seen.outOfDate(this.standing(now), theirs, this.rules)
  }

  /** Merges all that another replica has, where no copy is out of date, a slice with each step. */
  *absorb(entries: ReadonlyArray<Entry.Entry>, theirs: Seen.Standing, now: number): Generator<void, Merged, number> {
    let at = this.at(now)
    const isWhole = entries.every(({ time }) => time <= at + this.rules.ahead) && this.hasRoomFor(entries)
    const all: Array<Merged> = []
    this.isMerging = true
    for (let from = 0; from < entries.length; from += SLICE) {
      if (from > 0) at = this.at(yield)
      const slice = entries.slice(from, from + SLICE)
      all.push(this.merge(slice, at, (entry) => isWhole || this.isHarmless(entry, at) ? undefined : "Late"))
    }
    if (entries.length > 0) this.merges++
    // what was written meanwhile may have taken the room
    if (isWhole && all.every(({ refused }) => refused.size === 0)) this.adopt(theirs, at)
    this.isMerging = false
    return together(all)
  }

  /** Merges a part of what another replica has: only what does no harm without the rest. */
  absorbPart(entries: ReadonlyArray<Entry.Entry>, now: number): Merged {
    const at = this.at(now)
    return this.merge(entries.filter((entry) => this.isHarmless(entry, at)), at, () => undefined)
  }

  /**
   * Takes another replica's copy in place of ours, where ours is out of date, a slice with each step. In the leaves
   * that differ it has `entries` and nothing else. What we have there is discarded, but for what was written lately.
   */
  *replace(
    entries: ReadonlyArray<Entry.Entry>,
    leaves: ReadonlyArray<number>,
    theirs: Seen.Standing,
    now: number
  ): Generator<void, Merged, number> {
    let at = this.at(now)
    const bytes = entries.reduce((sum, entry) => sum + entry.size, 0)
    const isTooMuch = entries.length > this.rules.mostEntries || bytes > this.rules.mostBytes
    const ahead = entries.filter(({ time }) => time > at + this.rules.ahead).length
    if (isTooMuch || ahead > 0) {
      const refused = new Map<Refusal, number>(isTooMuch ? [["Full", entries.length]] : [["Ahead", ahead]])
      return { changes: [], lost: [], refused }
    }
    const since = Seen.keptFrom(this.standing(at), theirs, this.rules)
    const young = at - Seen.deltaAge(this.rules)
    const ids = new Set(entries.map(({ id }) => id))
    const before = new Map<string, Entry.Entry | undefined>()
    const discarded: Array<Entry.Entry> = []
    this.isMerging = true
    let looked = 0
    for (const leaf of leaves) {
      for (const entry of this.table.leaf(leaf)) {
        if (++looked % SLICE === 0) at = this.at(yield)
        const isEndless = !entry.isRemoval && entry.expires === undefined
        const isOld = isEndless ? entry.time <= since : entry.time < young
        if (!isOld || ids.has(entry.id)) continue
        before.set(entry.key, entry)
        discarded.push(entry)
        this.table.remove(entry.key)
        this.touched.add(entry.leaf)
      }
    }
    for (const [i, entry] of entries.entries()) {
      if (i > 0 && i % SLICE === 0) at = this.at(yield)
      if (!before.has(entry.key)) before.set(entry.key, this.table.get(entry.key))
      if (this.table.wins(entry)) this.store(entry, at)
    }
    this.merges++
    const lost: Array<Lost> = []
    for (let from = 0; from < discarded.length; from += SLICE) {
      if (from > 0) at = this.at(yield)
      lost.push(...this.lostOf(discarded.slice(from, from + SLICE), theirs.vector))
    }
    for (const [i, entry] of entries.entries()) {
      if (i > 0 && i % SLICE === 0) at = this.at(yield)
      const back = this.back(entry)
      if (back !== undefined) lost.push(back)
    }
    const changes: Array<Change> = []
    for (const [key, was] of before) {
      if (++looked % SLICE === 0) at = this.at(yield)
      const change = this.changeFrom(key, was, at)
      if (change !== undefined) changes.push(change)
    }
    this.life = { name: this.life.name, birth: Math.max(at, this.life.birth + 1) }
    this.latest = Math.max(this.latest, this.life.birth)
    this.others = new Map()
    this.base = 0
    this.thaw = at + this.rules.life
    this.adopt(theirs, at)
    this.isMerging = false
    return { changes, lost, refused: new Map() }
  }

  /** Whether an entry may be merged without all that was before it. */
  private isHarmless(entry: Entry.Entry, at: number): boolean {
    return (!entry.isRemoval && entry.expires === undefined) || entry.time >= at - Seen.deltaAge(this.rules)
  }

  /** What is gone of what was discarded, and was not with them before. */
  private lostOf(discarded: ReadonlyArray<Entry.Entry>, theirs: Seen.Vector): ReadonlyArray<Lost> {
    const shared = new Map<string, number>()
    return discarded.filter((entry) => {
      if (!this.table.wins(entry)) return false
      if (entry.value === undefined) {
        // gone when the key is back
        this.noteForgotten(entry)
        return false
      }
      const sharedTo = shared.get(entry.by) ?? Seen.seenOf(theirs, entry.by)
      shared.set(entry.by, sharedTo)
      // what was written in the same millisecond may have come after it
      return entry.time >= sharedTo
    }).map(toldOf)
  }

  /** What we removed, or let expire, if an entry is what was there before it. */
  private back(entry: Entry.Entry): Lost | undefined {
    const forgotten = this.forgotten.get(entry.key)
    if (forgotten === undefined || this.table.get(entry.key)?.id !== entry.id) return undefined
    this.forgotten.delete(entry.key)
    return Entry.order(entry, forgotten) < 0 ? toldOf(forgotten) : undefined
  }

  private changeFrom(key: string, was: Entry.Entry | undefined, at: number): Change | undefined {
    const is = this.table.get(key)
    const had = was !== undefined && Entry.isLive(was, at)
    const has = is !== undefined && Entry.isLive(is, at)
    if ((!had && !has) || (had && has && was.content === is.content)) return undefined
    const entry = is ?? was
    return entry === undefined ? undefined : { key, entry, value: has ? is.value : undefined }
  }

  private adopt(theirs: Seen.Standing, at: number): void {
    if (!theirs.isNew) this.thaw = Math.min(this.thaw, at)
    this.base = Math.max(this.base, theirs.asOf)
    this.others = Seen.pruned(Seen.joined(this.others, theirs.vector), this.asOf(at), this.rules)
  }

  private merge(
    entries: ReadonlyArray<Entry.Entry>,
    at: number,
    objection: (entry: Entry.Entry) => Refusal | undefined
  ): Merged {
    const changes: Array<Change> = []
    const lost: Array<Lost> = []
    const refused = new Map<Refusal, number>()
    for (const entry of entries) {
      const isAhead = entry.time > at + this.rules.ahead
      const refusal = isAhead ? "Ahead" : objection(entry) ?? (this.hasRoom(entry) ? undefined : "Full")
      if (refusal !== undefined) refused.set(refusal, (refused.get(refusal) ?? 0) + 1)
      else {
        this.clock = HybridClock.seen(this.clock, entry)
        const change = this.take(entry, at)
        if (change !== undefined) changes.push(change)
        const back = this.back(entry)
        if (back !== undefined) lost.push(back)
      }
    }
    return { changes, lost, refused }
  }

  private hasRoom(entry: Entry.Entry): boolean {
    if (!this.table.wins(entry)) return true
    const { mostBytes, mostEntries } = this.rules
    const current = this.table.get(entry.key)
    const freed = current === undefined ? 0 : current.size
    return this.table.size + (current === undefined ? 1 : 0) <= mostEntries
      && this.table.bytes - freed + entry.size <= mostBytes
  }

  /** Whether there is room for all of them, in place of what there is of their keys. */
  private hasRoomFor(entries: ReadonlyArray<Entry.Entry>): boolean {
    let { bytes, size } = this.table
    for (const entry of entries) {
      const current = this.table.get(entry.key)
      if (current === undefined) size++
      bytes += entry.size - (current?.size ?? 0)
    }
    return size <= this.rules.mostEntries && bytes <= this.rules.mostBytes
  }

  /** Takes an entry that is later than ours. */
  private take(entry: Entry.Entry, at: number): Change | undefined {
    if (!this.table.wins(entry)) return undefined
    const was = this.table.get(entry.key)
    // nobody can need it here: whoever has what was before it is out of date
    if (was === undefined && Entry.dropFrom(entry, this.rules.life) <= this.asOf(at)) return undefined
    this.store(entry, at)
    return this.changeFrom(entry.key, was, at)
  }

  private store(entry: Entry.Entry, at: number): void {
    const kept = entry.value !== undefined && Entry.deadFrom(entry) <= at ? Entry.emptied(entry) : entry
    this.table.put(kept)
    this.touched.add(kept.leaf)
    this.clock = HybridClock.seen(this.clock, kept)
    this.schedule(kept, at)
  }

  /** Looks again when it dies, or may be dropped. */
  private schedule(entry: Entry.Entry, at: number): void {
    const dead = Entry.deadFrom(entry)
    if (!Number.isFinite(dead)) return
    if (entry.value !== undefined) this.table.schedule(entry.key, dead)
    else {
      const drop = Entry.dropFrom(entry, this.rules.life)
      // it may be that time by then; or it is put off once more
      this.table.schedule(entry.key, drop > at ? drop : Math.max(this.thaw, at + 1))
    }
  }

  private noteForgotten(entry: Entry.Entry): void {
    if (entry.by !== this.life.name) return
    this.forgotten.delete(entry.key)
    this.forgotten.set(entry.key, entry)
    const [first] = this.forgotten.keys()
    if (this.forgotten.size > MAX_FORGOTTEN && first !== undefined) this.forgotten.delete(first)
  }
}

/** Several merges as one. */
const together = (all: ReadonlyArray<Merged>): Merged => {
  const refused = new Map<Refusal, number>()
  for (const merged of all) for (const [why, count] of merged.refused) refused.set(why, (refused.get(why) ?? 0) + count)
  return { changes: all.flatMap(({ changes }) => changes), lost: all.flatMap(({ lost }) => lost), refused }
}

const toldOf = ({ by, key, time, value }: Entry.Entry): Lost => ({ key, value, by, time })
