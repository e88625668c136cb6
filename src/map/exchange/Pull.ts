/**
 * A comparison: one replica asks another one for all that it lacks. It narrows down where the two differ, by sums of
 * hashes over a tree of two levels, and then asks for the entries there in bounded portions, naming those that it has.
 * Whoever answers remembers nothing of it. What comes is merged at the end, in one step, because only the whole of it
 * says up to when the other's state was taken in.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { type Entry, LEAVES } from "../MapEntry.ts"
import { type Merged, type Replica, type Rules, SLICE } from "../Replica.ts"
import * as Seen from "../Seen.ts"
import { type Table, TOPS } from "../Table.ts"
import {
  type Answer,
  BEGINNING,
  CHUNK,
  comparePlaces,
  MAX_HAS,
  MAX_WANTED,
  type Place,
  type Question,
  type Tops,
  type Want
} from "./MapFrame.ts"

const PER_TOP = LEAVES / TOPS
const END: Place = { leaf: LEAVES, id: -1 }

/** What the comparison comes to when it ends. */
export type Ended =
  /** Ours has all that the other has. */
  | ({ readonly _tag: "Merged" } & Merged)
  /** Ours was out of date, and is a copy of theirs now. */
  | ({ readonly _tag: "Replaced" } & Merged)
  /** The other one's copy is out of date, so nothing was merged. */
  | { readonly _tag: "TheirsOutOfDate" }
  /** Their clock is too far from ours. */
  | { readonly _tag: "ClockApart"; readonly by: number }
  /** The answer contradicts the question, or is too large. */
  | { readonly _tag: "Refused"; readonly reason: string }

export class Pull {
  readonly session: number
  private readonly replica: Replica
  private readonly rules: Rules
  private expected: Question
  private theirs: Seen.Standing | undefined
  private isReplacing = false
  private differing: ReadonlyArray<number> = []
  private settling: Generator<void, Merged, number> | undefined
  private readonly entries: Array<Entry> = []
  private bytes = 0

  constructor(session: number, replica: Replica, rules: Rules) {
    this.session = session
    this.replica = replica
    this.rules = rules
    this.expected = { _tag: "Ask", session, root: replica.table.root }
  }

  /** What is to be asked, now or again. */
  get question(): Question {
    return this.expected
  }

  /** Bytes of entries that came so far. */
  get received(): number {
    return this.bytes
  }

  /** Takes an answer: how it ended, if it did; the next question follows otherwise. Old answers change nothing. */
  take(answer: Answer, now: number): Ended | undefined {
    if (answer.session !== this.session) return undefined
    const { expected } = this
    if (answer._tag === "Tops" && expected._tag === "Ask") return this.begin(answer, now)
    if (answer._tag === "Leaves" && expected._tag === "AskLeaves") {
      if (answer.sums.length !== expected.tops.length * PER_TOP) return refused("as many sums as were asked for")
      this.differing = expected.tops.flatMap((top, i) =>
        Array.from({ length: PER_TOP }, (_, j) => top * PER_TOP + j)
          .filter((leaf, j) => this.replica.table.leafSum(leaf) !== answer.sums[i * PER_TOP + j])
      )
      return this.goOn(BEGINNING, now)
    }
    if (answer._tag !== "Chunk" || expected._tag !== "Want") return undefined
    // an answer to the question before this one, which was asked twice
    if (comparePlaces(answer.after, expected.after) !== 0) return undefined
    if (comparePlaces(answer.to, answer.after) <= 0 || comparePlaces(answer.to, expected.until) > 0) {
      return refused("an answer that goes on from where the question begins, and not beyond its end")
    }
    // or every place there is could be told of in an answer of its own
    if (answer.entries.length === 0 && comparePlaces(answer.to, expected.until) < 0) return refused("entries")
    const leaves = new Set(expected.leaves)
    for (const entry of answer.entries) {
      const isWithin = comparePlaces(entry, answer.after) > 0 && comparePlaces(entry, answer.to) <= 0
      if (!leaves.has(entry.leaf) || !isWithin) return refused("entries that were asked for")
      this.entries.push(entry)
      this.bytes += entry.size
    }
    if (this.entries.length > this.rules.mostEntries || this.bytes > this.rules.mostBytes) {
      // more than there is room for: nothing of it is merged
      return { _tag: "Merged", changes: [], lost: [], refused: new Map([["Full", this.entries.length]]) }
    }
    return this.goOn(answer.to, now)
  }

  /** Whether all is here, and more of it is to be merged by `settle`. */
  get isSettling(): boolean {
    return this.settling !== undefined
  }

  /** Merges another slice of what came: how it ended, with the last one. */
  settle(now: number): Ended | undefined {
    const step = this.step(now)
    if (step?.done !== true) return undefined
    this.settling = undefined
    return { _tag: this.isReplacing ? "Replaced" : "Merged", ...step.value }
  }

  private step(now: number): IteratorResult<void, Merged> | undefined {
    try {
      return this.settling?.next(now)
    } catch (error) {
      // or nobody would be answered any more
      this.replica.isMerging = false
      throw error
    }
  }

  /** Gives up, and keeps what does no harm without the rest: a slice of it with each call, until nothing is left. */
  giveUpSome(now: number): Merged | undefined {
    const slice = this.entries.splice(-SLICE)
    return slice.length === 0 || this.isReplacing ? undefined : this.replica.absorbPart(slice, now)
  }

  private begin(tops: Tops, now: number): Ended | undefined {
    const at = this.replica.at(now)
    const apart = Math.max(tops.now - at, at - tops.now)
    if (apart > this.rules.ahead) return { _tag: "ClockApart", by: tops.now - at }
    if (tops.vector.some((seen) => seen.at > at + this.rules.ahead)) return refused("nothing seen in the future")
    this.theirs = {
      self: tops.self,
      vector: new Map([...tops.vector, { ...tops.self, at: tops.now }].map((seen) => [Seen.idOf(seen), seen])),
      asOf: tops.asOf,
      isNew: tops.isNew
    }
    const verdict = this.replica.outOfDate(this.theirs, now)
    if (verdict === "Theirs") return { _tag: "TheirsOutOfDate" }
    this.isReplacing = verdict === "Mine"
    const { table } = this.replica
    const own = table.tops()
    const differing = tops.sums.flatMap((sum, top) => sum === own[top] ? [] : [top])
    if (differing.length === 0) return this.end(now)
    this.expected = { _tag: "AskLeaves", session: this.session, tops: differing }
    return undefined
  }

  private goOn(from: Place, now: number): Ended | undefined {
    const next = this.wanted(from)
    if (next === undefined) return this.end(now)
    this.expected = next
    return undefined
  }

  /** The question for what lies behind a place. */
  private wanted(after: Place): Want | undefined {
    const left = this.differing.filter((leaf) => leaf >= after.leaf)
    const leaves: Array<number> = []
    const has: Array<number> = []
    let until = END
    for (const leaf of left) {
      const ids = this.isReplacing ? [] : idsBehind(this.replica.table, leaf, after)
      if (leaves.length === MAX_WANTED || (has.length + ids.length > MAX_HAS && leaves.length > 0)) {
        until = { leaf, id: -1 }
        break
      }
      leaves.push(leaf)
      has.push(...ids.slice(0, MAX_HAS))
      const last = ids.length > MAX_HAS ? ids[MAX_HAS - 1] : undefined
      if (last === undefined) continue
      until = { leaf, id: last }
      break
    }
    return leaves.length === 0 || comparePlaces(after, END) >= 0
      ? undefined
      : { _tag: "Want", session: this.session, after, until, leaves, has }
  }

  private end(now: number): Ended | undefined {
    const { theirs } = this
    if (theirs === undefined) return refused("an answer")
    this.settling = this.isReplacing
      ? this.replica.replace(this.entries, this.differing, theirs, now)
      : this.replica.absorb(this.entries, theirs, now)
    return this.settle(now)
  }
}

const refused = (expected: string): Ended => ({ _tag: "Refused", reason: `expected ${expected}` })

const idsBehind = (table: Table, leaf: number, after: Place): ReadonlyArray<number> =>
  table.leaf(leaf).filter((entry) => comparePlaces(entry, after) > 0).map(({ id }) => id)

/** Answers a question with one frame. */
export const answer = (replica: Replica, question: Question, now: number): Answer => {
  const { table } = replica
  const { session } = question
  switch (question._tag) {
    case "Ask": {
      const { asOf, isNew, self, vector } = replica.standing(now)
      const others = [...vector.values()].filter((seen) => Seen.idOf(seen) !== Seen.idOf(self))
      const sums = question.root === table.root ? [] : table.tops()
      return { _tag: "Tops", session, self, now: replica.at(now), asOf, isNew, vector: others, sums }
    }
    case "AskLeaves": {
      const sums = question.tops.flatMap((top) =>
        Array.from({ length: PER_TOP }, (_, i) => table.leafSum(top * PER_TOP + i))
      )
      return { _tag: "Leaves", session, sums }
    }
    case "Want":
      return portion(table, question)
  }
}

/** As many of the entries that a question wants as fit an answer. */
const portion = (table: Table, { after, has, leaves, session, until }: Want): Answer => {
  const known = new Set(has)
  const entries: Array<Entry> = []
  let bytes = 0
  for (const leaf of leaves) {
    // nothing there is wanted, and must cost nothing
    if (leaf < after.leaf || leaf > until.leaf) continue
    for (const entry of table.leaf(leaf)) {
      if (comparePlaces(entry, after) <= 0 || comparePlaces(entry, until) > 0 || known.has(entry.id)) continue
      entries.push(entry)
      bytes += entry.size
      if (bytes < CHUNK) continue
      return { _tag: "Chunk", session, after, to: { leaf: entry.leaf, id: entry.id }, entries }
    }
  }
  return { _tag: "Chunk", session, after, to: until, entries }
}
