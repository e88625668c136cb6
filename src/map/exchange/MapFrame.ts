/**
 * The bytes that members with a map send one another, as values of the map's topic. `docs/map.md` has every field.
 * Lengths and counts are checked before anything is read for them.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { ByteReader, BytesMalformed, ByteWriter, refuse } from "../../base/Bytes.ts"
import { MAX_HASH } from "../Hash.ts"
import { type Entry, LEAVES, MAX_KEY, MAX_NAME, MAX_VALUE, OVERHEAD, read, write } from "../MapEntry.ts"
import { type Life, MAX_LIVES, type Seen } from "../Seen.ts"
import { TOPS } from "../Table.ts"

const VERSION = 1

/** Bytes of entries in one answer; one entry may be larger. */
export const CHUNK = 65_536
/** Entries in one answer: each counts 64 bytes beside its own, and the last one may be above. */
const MAX_ANSWERED = CHUNK / OVERHEAD + 1
/** Entries in one delta: they fit a datagram. */
const MAX_DELTA = 64
/** Hashes of our own entries in one question. */
export const MAX_HAS = 1_024
/** Leaves in one question. */
export const MAX_WANTED = 512
/** Bytes of the largest frame: the vector of all lives with the longest names is cut to it. */
export const MAX_FRAME = CHUNK + MAX_VALUE + MAX_KEY + MAX_NAME + 64

/** A place among all entries: its leaf, then its hash. */
export interface Place {
  readonly leaf: number
  readonly id: number
}

export const BEGINNING: Place = { leaf: 0, id: -1 }

export const comparePlaces = (a: Place, b: Place): number => a.leaf === b.leaf ? a.id - b.id : a.leaf - b.leaf

/** New entries, for all. */
export interface Delta {
  readonly _tag: "Delta"
  readonly entries: ReadonlyArray<Entry>
}
/** Asks for all that the other has, beginning with the sum of everything. */
export interface Ask {
  readonly _tag: "Ask"
  readonly session: number
  readonly root: number
}
/** Who answers, what it has seen, and where it differs; no sums where it does not. */
export interface Tops {
  readonly _tag: "Tops"
  readonly session: number
  readonly self: Life
  readonly now: number
  readonly asOf: number
  readonly isNew: boolean
  readonly vector: ReadonlyArray<Seen>
  readonly sums: ReadonlyArray<number>
}
/** Asks for the sums of the leaves in these tops. */
export interface AskLeaves {
  readonly _tag: "AskLeaves"
  readonly session: number
  readonly tops: ReadonlyArray<number>
}
/** The sums of the leaves in the tops that were asked for, in their order. */
export interface Leaves {
  readonly _tag: "Leaves"
  readonly session: number
  readonly sums: ReadonlyArray<number>
}
/** Asks for the entries of these leaves that lie behind one place and not behind another, without those named. */
export interface Want {
  readonly _tag: "Want"
  readonly session: number
  readonly after: Place
  readonly until: Place
  readonly leaves: ReadonlyArray<number>
  /** Hashes of entries, in the order of their places. */
  readonly has: ReadonlyArray<number>
}
/** Entries that were asked for, up to a place. */
export interface Chunk {
  readonly _tag: "Chunk"
  readonly session: number
  readonly after: Place
  readonly to: Place
  readonly entries: ReadonlyArray<Entry>
}
export type Question = Ask | AskLeaves | Want
export type Answer = Tops | Leaves | Chunk
export type MapFrame = Delta | Question | Answer

const KINDS = { Delta: 1, Ask: 2, Tops: 3, AskLeaves: 4, Leaves: 5, Want: 6, Chunk: 7 } as const

const placeTo = (writer: ByteWriter, { id, leaf }: Place): void => {
  writer.varint(leaf)
  // the beginning is before all hashes
  writer.hash(id + 1)
}

const ascendingTo = (writer: ByteWriter, numbers: ReadonlyArray<number>): void => {
  writer.varint(numbers.length)
  let last = 0
  for (const number of numbers) {
    writer.varint(number - last)
    last = number
  }
}

const hashesTo = (writer: ByteWriter, hashes: ReadonlyArray<number>): void => {
  writer.varint(hashes.length)
  for (const hash of hashes) writer.hash(hash)
}

const entriesTo = (writer: ByteWriter, entries: ReadonlyArray<Entry>): void => {
  writer.varint(entries.length)
  for (const entry of entries) write(writer, entry)
}

const lifeTo = (writer: ByteWriter, { birth, name }: Life): void => {
  writer.text(name)
  writer.varint(birth)
}

/** Writes a vector, as much of it as there is room for, the latest first. */
export const vectorTo = (writer: ByteWriter, vector: Iterable<Seen>, room: number): void => {
  const all = [...vector].sort((a, b) => b.at - a.at).slice(0, MAX_LIVES)
  const rows = new ByteWriter(64 * all.length + 16)
  let count = 0
  for (const seen of all) {
    if (rows.length + MAX_NAME + 24 > room) break
    lifeTo(rows, seen)
    rows.varint(seen.at)
    count++
  }
  writer.varint(count)
  writer.raw(rows.take())
}

/** The bytes of a frame. Lists must be within the bounds above; the callers see to it. */
export const encode = (frame: MapFrame): Uint8Array => {
  const writer = new ByteWriter()
  writer.byte(VERSION)
  writer.byte(KINDS[frame._tag])
  if (frame._tag !== "Delta") writer.varint(frame.session)
  switch (frame._tag) {
    case "Delta": {
      entriesTo(writer, frame.entries)
      break
    }
    case "Ask": {
      writer.hash(frame.root)
      break
    }
    case "Tops": {
      lifeTo(writer, frame.self)
      writer.varint(frame.now)
      writer.varint(frame.asOf)
      writer.byte(frame.isNew ? 1 : 0)
      vectorTo(writer, frame.vector, CHUNK * 8)
      hashesTo(writer, frame.sums)
      break
    }
    case "AskLeaves": {
      ascendingTo(writer, frame.tops)
      break
    }
    case "Leaves": {
      hashesTo(writer, frame.sums)
      break
    }
    case "Want": {
      placeTo(writer, frame.after)
      placeTo(writer, frame.until)
      ascendingTo(writer, frame.leaves)
      hashesTo(writer, frame.has)
      break
    }
    case "Chunk": {
      placeTo(writer, frame.after)
      placeTo(writer, frame.to)
      entriesTo(writer, frame.entries)
    }
  }
  return writer.take()
}

const placeOf = (reader: ByteReader): Place => {
  const leaf = reader.varint(LEAVES)
  return { leaf, id: reader.hash() - 1 }
}

const ascendingOf = (reader: ByteReader, most: number, end: number): ReadonlyArray<number> => {
  const numbers: Array<number> = []
  let last = -1
  for (let left = reader.varint(most); left > 0; left--) {
    const number = Math.max(0, last) + reader.varint(end)
    if (number <= last || number >= end) refuse()
    numbers.push(number)
    last = number
  }
  return numbers
}

const hashesOf = (reader: ByteReader, most: number): ReadonlyArray<number> => {
  const count = reader.varint(most)
  if (count * 7 > reader.left) refuse()
  return Array.from({ length: count }, () => reader.hash())
}

const entriesOf = (reader: ByteReader, most: number): ReadonlyArray<Entry> => {
  const entries: Array<Entry> = []
  for (let left = reader.varint(most); left > 0; left--) entries.push(read(reader))
  return entries
}

const lifeOf = (reader: ByteReader): Life => {
  const name = reader.text(MAX_NAME)
  return { name, birth: reader.varint(MAX_HASH) }
}

export const vectorOf = (reader: ByteReader): ReadonlyArray<Seen> => {
  const vector: Array<Seen> = []
  for (let left = reader.varint(MAX_LIVES); left > 0; left--) {
    const life = lifeOf(reader)
    const at = reader.varint(MAX_HASH)
    if (at < life.birth) refuse()
    vector.push({ ...life, at })
  }
  return vector
}

const bodyOf = (kind: number, reader: ByteReader): MapFrame | undefined => {
  if (kind === KINDS.Delta) return { _tag: "Delta", entries: entriesOf(reader, MAX_DELTA) }
  const session = reader.varint(2 ** 32)
  switch (kind) {
    case KINDS.Ask:
      return { _tag: "Ask", session, root: reader.hash() }
    case KINDS.Tops: {
      const self = lifeOf(reader)
      const now = reader.varint(MAX_HASH)
      const asOf = reader.varint(MAX_HASH)
      const flag = reader.byte()
      const vector = vectorOf(reader)
      const sums = hashesOf(reader, TOPS)
      if (flag > 1 || asOf > now || self.birth > now || (sums.length !== 0 && sums.length !== TOPS)) return refuse()
      return { _tag: "Tops", session, self, now, asOf, isNew: flag === 1, vector, sums }
    }
    case KINDS.AskLeaves:
      return { _tag: "AskLeaves", session, tops: ascendingOf(reader, TOPS, TOPS) }
    case KINDS.Leaves:
      return { _tag: "Leaves", session, sums: hashesOf(reader, LEAVES) }
    case KINDS.Want: {
      const after = placeOf(reader)
      const until = placeOf(reader)
      const leaves = ascendingOf(reader, MAX_WANTED, LEAVES)
      return { _tag: "Want", session, after, until, leaves, has: hashesOf(reader, MAX_HAS) }
    }
    case KINDS.Chunk: {
      const after = placeOf(reader)
      const to = placeOf(reader)
      return { _tag: "Chunk", session, after, to, entries: entriesOf(reader, MAX_ANSWERED) }
    }
    default:
      return undefined
  }
}

/** A frame; or why it is none: another version or kind, which a later release may send, or broken bytes. */
export const decode = (bytes: Uint8Array): MapFrame | "Version" | "Kind" | "Malformed" => {
  const reader = new ByteReader(bytes)
  try {
    if (reader.byte() !== VERSION) return "Version"
    const frame = bodyOf(reader.byte(), reader)
    if (frame === undefined) return "Kind"
    reader.end()
    return frame
  } catch (error) {
    if (error instanceof BytesMalformed) return "Malformed"
    throw error
  }
}
