/**
 * The entries of a replica, with sums of their hashes over each part of the map, so that two replicas find where they
 * differ without telling each other all. Nothing here knows the time.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { toggle } from "./Hash.ts"
import { type Entry, LEAVES, order } from "./MapEntry.ts"

/** Parts of the first level; each has as many leaves. */
export const TOPS = 64

/** The top that a leaf is in. */
export const topOf = (leaf: number): number => Math.floor(leaf / (LEAVES / TOPS))

export class Table {
  private readonly entries = new Map<string, Entry>()
  private readonly leaves = new Map<number, Set<string>>()
  private readonly sums = new Float64Array(LEAVES)
  private readonly topSums = new Float64Array(TOPS)
  /** Keys that die or are dropped, by the second after which that is due. */
  private readonly agenda = new Map<number, Set<string>>()
  /** In which second of the agenda a key is: in one, however often it is written. */
  private readonly dates = new Map<string, number>()
  private soonest = Number.POSITIVE_INFINITY
  /** The sum of all hashes. */
  root = 0
  /** Entries that have a value. */
  valued = 0
  /** What all entries count. */
  bytes = 0

  get size(): number {
    return this.entries.size
  }

  get(key: string): Entry | undefined {
    return this.entries.get(key)
  }

  all(): ReadonlyArray<Entry> {
    return [...this.entries.values()]
  }

  /** The entries of a leaf, by their hashes. */
  leaf(leaf: number): ReadonlyArray<Entry> {
    const keys = this.leaves.get(leaf)
    if (keys === undefined) return []
    return [...keys].flatMap((key) => this.entries.get(key) ?? []).sort((a, b) => a.id - b.id)
  }

  leafSum(leaf: number): number {
    return this.sums[leaf] ?? 0
  }

  tops(): ReadonlyArray<number> {
    return [...this.topSums]
  }

  /** Whether an entry is later than what there is of its key. */
  wins(entry: Entry): boolean {
    const current = this.entries.get(entry.key)
    return current === undefined || order(entry, current) > 0
  }

  /** Puts an entry in place of what there is of its key. */
  put(entry: Entry): void {
    this.remove(entry.key)
    this.entries.set(entry.key, entry)
    const keys = this.leaves.get(entry.leaf)
    if (keys === undefined) this.leaves.set(entry.leaf, new Set([entry.key]))
    else keys.add(entry.key)
    this.count(entry, 1)
  }

  remove(key: string): void {
    const entry = this.entries.get(key)
    if (entry === undefined) return
    this.entries.delete(key)
    const keys = this.leaves.get(entry.leaf)
    keys?.delete(key)
    if (keys?.size === 0) this.leaves.delete(entry.leaf)
    this.unschedule(key)
    this.count(entry, -1)
  }

  /** Has a key looked at again after some time. */
  schedule(key: string, at: number): void {
    this.unschedule(key)
    const second = Math.ceil(at / 1_000)
    this.dates.set(key, second)
    const keys = this.agenda.get(second)
    if (keys === undefined) this.agenda.set(second, new Set([key]))
    else keys.add(key)
    this.soonest = Math.min(this.soonest, second)
  }

  /** How many keys are to be looked at, some time. */
  get scheduled(): number {
    return [...this.agenda.values()].reduce((sum, { size }) => sum + size, 0)
  }

  /** Takes the keys that are to be looked at. */
  due(now: number): ReadonlyArray<string> {
    const second = Math.floor(now / 1_000)
    if (second < this.soonest) return []
    const due: Array<string> = []
    this.soonest = Number.POSITIVE_INFINITY
    for (const [at, keys] of this.agenda) {
      if (at <= second) {
        for (const key of keys) {
          due.push(key)
          this.dates.delete(key)
        }
        this.agenda.delete(at)
      } else this.soonest = Math.min(this.soonest, at)
    }
    return due
  }

  private unschedule(key: string): void {
    const second = this.dates.get(key)
    if (second === undefined) return
    this.dates.delete(key)
    const keys = this.agenda.get(second)
    keys?.delete(key)
    if (keys?.size === 0) this.agenda.delete(second)
  }

  private count(entry: Entry, by: 1 | -1): void {
    const top = topOf(entry.leaf)
    this.sums[entry.leaf] = toggle(this.sums[entry.leaf] ?? 0, entry.id)
    this.topSums[top] = toggle(this.topSums[top] ?? 0, entry.id)
    this.root = toggle(this.root, entry.id)
    this.bytes += by * entry.size
    if (entry.value !== undefined) this.valued += by
  }
}
