/**
 * Entries: the last write of each key, with its stamp. Which of two wins does not depend on who compares them, or when.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { type ByteReader, ByteWriter, refuse } from "../base/Bytes.ts"
import { hash, MAX_HASH } from "./Hash.ts"
import { compare, MAX_COUNTER, type Stamp } from "./HybridClock.ts"

/** The last write of a key, as far as it is known. */
export interface Entry extends Stamp {
  readonly key: string
  /** When it stops to be there, in milliseconds of the wall clock; never where absent. */
  readonly expires: number | undefined
  /** Whether the key was removed by it. */
  readonly isRemoval: boolean
  /** The value's bytes; none of a removal, and of what has expired. */
  readonly value: Uint8Array | undefined
  /** The hash of the value's bytes, which outlives them; 0 for a removal. */
  readonly content: number
  /** The hash of everything but the value's bytes. */
  readonly id: number
  /** The part of the map that the key is in. */
  readonly leaf: number
  /** What it counts in bytes. */
  readonly size: number
}

/** Parts that a map is compared by; all members have the same. */
export const LEAVES = 4_096
/** Bytes of a key that anybody may have. */
export const MAX_KEY = 1_024
/** Bytes of a value that anybody may have. */
export const MAX_VALUE = 1_048_576
/** Bytes of a member's name. */
export const MAX_NAME = 4_096
/** Beside the bytes of key and value, each entry counts so many, */
export const OVERHEAD = 64
/** with the writer's name, up to so many bytes. Then no entry takes more bytes in a frame than it counts. */
const NAME = 24

const utf8 = new TextEncoder()

/** Bytes of a text in UTF-8. */
export const lengthOf = (text: string): number => utf8.encode(text).length

/** What tells an entry from others: everything but its value. */
type Head = Omit<Entry, "id" | "leaf" | "size" | "value">

const headTo = (writer: ByteWriter, { by, content, counter, expires, isRemoval, key, time }: Head, flags: number) => {
  writer.byte(flags | (isRemoval ? 1 : 0) | (expires === undefined ? 0 : 2))
  writer.text(key)
  writer.varint(time)
  writer.varint(counter)
  writer.text(by)
  if (expires !== undefined) writer.varint(expires)
  if (!isRemoval) writer.hash(content)
}

const completed = (head: Head, value: Uint8Array | undefined): Entry => {
  const writer = new ByteWriter(96)
  headTo(writer, head, 0)
  const { by, content, counter, expires, isRemoval, key, time } = head
  const bytes = utf8.encode(key)
  const id = hash(writer.take())
  const leaf = Math.floor(hash(bytes) / 2 ** 40)
  const size = OVERHEAD + bytes.length + Math.max(0, lengthOf(by) - NAME) + (value?.length ?? 0)
  // one shape for all
  return { key, time, counter, by, expires, isRemoval, value, content, id, leaf, size }
}

/** A write: a value, with or without an end, or a removal. */
export const make = (
  key: string,
  { by, counter, time }: Stamp,
  value: Uint8Array | undefined,
  expires?: number | undefined
): Entry => {
  const isRemoval = value === undefined
  const content = isRemoval ? 0 : hash(value)
  return completed({ key, time, counter, by, isRemoval, content, expires: isRemoval ? undefined : expires }, value)
}

/** The same entry without its value. */
export const emptied = (entry: Entry): Entry => ({
  ...entry,
  value: undefined,
  size: entry.size - (entry.value?.length ?? 0)
})

/**
 * Which of two entries of a key wins: below 0 where the second does, 0 where they are the same write. Only writers
 * that restarted with a clock that went back give one stamp twice: then the removal wins, then the larger hashes.
 */
export const order = (a: Entry, b: Entry): number => {
  const stamps = compare(a, b)
  if (stamps !== 0) return stamps
  if (a.isRemoval !== b.isRemoval) return a.isRemoval ? 1 : -1
  return a.content === b.content ? a.id - b.id : a.content - b.content
}

/** From when on nobody reads it. */
export const deadFrom = ({ expires, isRemoval, time }: Entry): number =>
  isRemoval ? time : expires ?? Number.POSITIVE_INFINITY

/** Whether it can be read. */
export const isLive = (entry: Entry, now: number): entry is Entry & { readonly value: Uint8Array } =>
  entry.value !== undefined && deadFrom(entry) > now

/**
 * From when on it is forgotten: when it is dead, and all who are not out of date have it in place of what was before.
 */
export const dropFrom = (entry: Entry, life: number): number => Math.max(deadFrom(entry), entry.time + life)

/** Writes an entry. */
export const write = (writer: ByteWriter, entry: Entry): void => {
  headTo(writer, entry, entry.value === undefined ? 0 : 4)
  if (entry.value !== undefined) writer.bytesOf(entry.value)
}

/** Reads an entry, and refuses one whose parts contradict each other. */
export const read = (reader: ByteReader): Entry => {
  const flags = reader.byte()
  if (flags > 7) refuse()
  const isRemoval = (flags & 1) !== 0
  const key = reader.text(MAX_KEY)
  const time = reader.varint(MAX_HASH)
  const counter = reader.varint(MAX_COUNTER)
  const by = reader.text(MAX_NAME)
  const expires = (flags & 2) === 0 ? undefined : reader.varint(MAX_HASH)
  const content = isRemoval ? 0 : reader.hash()
  const value = (flags & 4) === 0 ? undefined : reader.bytesOf(MAX_VALUE)
  if (isRemoval ? value !== undefined || expires !== undefined : value === undefined && expires === undefined) refuse()
  if (value !== undefined && hash(value) !== content) refuse()
  return completed({ key, time, counter, by, isRemoval, content, expires }, value)
}
