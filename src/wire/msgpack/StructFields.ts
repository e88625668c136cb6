/**
 * The fields of a struct, as tables that are the same for all messages, and the reading of the form in which everybody
 * writes them.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { copy, NO_BYTES, type Reader, type Skipper } from "./MessagePackReader.ts"
import * as Text from "./MessagePackText.ts"
import type { Key, Writer } from "./MessagePackWriter.ts"

/** How the values of a field are read and written. */
export type Kind = (typeof Kind)[keyof typeof Kind]
export const Kind = {
  Unsigned: 0,
  Integer: 1,
  Boolean: 2,
  String: 3,
  Bytes: 4,
  NullableBytes: 5,
  View: 6,
  Shared: 7
} as const

export interface Field {
  /** Its place in the declaration. */
  readonly place: number
  /** The Go name: ASCII, so that its order as text is its order as bytes. */
  readonly name: string
  /** The Go name as msgpack: one head byte, then the name. */
  readonly key: Uint8Array
  readonly written: Key
  readonly omitEmpty: boolean
  readonly zero: unknown
  readonly kind: Kind
  /** The largest value of an unsigned field. */
  readonly max: number
}

/**
 * How far a struct has been read. Reusable, one struct at a time.
 *
 * @category models
 * @since 0.1.0
 */
export class Cursor {
  /** @internal */
  form: "Head" | "Map" | "Array" = "Head"
  /** @internal */
  left = 0
  /** @internal */
  next = 0
  /**
   * The fields read so far, in the order of the declaration.
   *
   * @internal
   */
  fields: Array<unknown> | undefined = undefined
  /** @internal */
  skipper: Skipper | undefined = undefined
  /**
   * The bytes of the field that is shared, as they were in the struct before.
   *
   * @internal
   */
  shared: Uint8Array = NO_BYTES
  /**
   * What the next struct probably is: then it is this very value, and what of it is the same is not made again. Whoever
   * sets it gives a value of the codec that reads.
   *
   * @internal
   */
  known: unknown = undefined

  /** Forgets the struct in progress. */
  reset(): void {
    this.form = "Head"
    this.skipper = undefined
    this.fields = undefined
  }
}

/** Whether a field that may be left out is. */
export const isEmpty = (value: unknown): boolean =>
  value instanceof Uint8Array
    ? value.length === 0
    : value === 0 || value === "" || value === false || value === null

/** The value fits the kind: the Schema of the field says so, and `derive` has compared the two. */
export const writeValue = (writer: Writer, kind: Kind, value: unknown): void => {
  switch (kind) {
    case Kind.Unsigned:
      return writer.unsigned(value as number)
    case Kind.Integer:
      return writer.integer(value as number)
    case Kind.Boolean:
      return writer.byte(value === true ? 0xc3 : 0xc2)
    case Kind.String:
      return writer.string(value as string)
    default:
      return writer.byteString(value as Uint8Array | null)
  }
}

/** Reads a value in any form that the reference takes. */
export const readValue = (reader: Reader, { kind, max }: Field): unknown => {
  switch (kind) {
    case Kind.Unsigned:
      return reader.unsigned(max)
    case Kind.Integer:
      return reader.integer()
    case Kind.Boolean:
      return reader.boolean()
    case Kind.String:
      return reader.string()
    case Kind.NullableBytes:
      return reader.nullableByteString()
    case Kind.View:
      return reader.byteView()
    default:
      return reader.byteString()
  }
}

/**
 * Reads a struct in the form in which every implementation writes it, all in one go: a map, its keys in order and in
 * their shortest form, values of the field's own type. Answers `false` for any other, and where bytes are missing, with
 * nothing consumed: then it is read with all that the reference tolerates, field by field. What it has read in vain
 * until then is little, because it does not go into arrays.
 */
export const readUsual = (
  reader: Reader,
  cursor: Cursor,
  sorted: ReadonlyArray<Field>,
  fields: Array<unknown>,
  known: ReadonlyArray<unknown>
): boolean => {
  const { bytes, end, entries, pos: start } = reader
  const head = start < end ? bytes[start] as number : 0
  const count = head & 0x0f
  if ((head & 0xf0) !== 0x80 || count > entries) return false
  let left = count
  reader.pos++
  for (let i = 0; i < sorted.length && left > 0; i++) {
    const field = sorted[i] as Field
    const { key } = field
    // one that is left out is zero
    if (!startsWith(reader, key)) continue
    reader.pos += key.length
    if (!readPlain(reader, cursor, field, fields, known)) break
    left--
  }
  if (left === 0) {
    reader.entries = entries - count
    return true
  }
  reader.pos = start
  reader.failure = undefined
  return false
}

/** Reads a value in a form that its head tells all about; `false` for any other, or when bytes are missing. */
const readPlain = (
  reader: Reader,
  cursor: Cursor,
  field: Field,
  fields: Array<unknown>,
  known: ReadonlyArray<unknown>
): boolean => {
  const { bytes, end, pos } = reader
  if (pos >= end) return false
  const head = bytes[pos] as number
  const { kind, place } = field
  if (kind <= Kind.Integer) {
    if (head <= 0x7f) {
      fields[place] = head
      reader.pos = pos + 1
      return true
    }
    fields[place] = readValue(reader, field)
    return reader.failure === undefined
  }
  if (kind === Kind.Boolean) {
    fields[place] = reader.boolean()
    return reader.failure === undefined
  }
  if (head === 0xc0 && kind === Kind.NullableBytes) {
    reader.pos = pos + 1
    return true
  }
  const isShort = (head & 0xe0) === 0xa0
  if (!isShort && (head !== 0xda || pos + 3 > end)) return false
  const start = isShort ? pos + 1 : pos + 3
  const size = isShort ? head & 0x1f : (bytes[pos + 1] as number) << 8 | (bytes[pos + 2] as number)
  if (start + size > end) return false
  reader.pos = start + size
  const likely = known[place]
  if (likely !== undefined && isLikely(likely, bytes, start, size)) {
    fields[place] = likely
    return true
  }
  switch (kind) {
    case Kind.String:
      fields[place] = Text.decode(bytes, start, start + size)
      break
    case Kind.View:
      fields[place] = bytes.subarray(start, start + size)
      break
    case Kind.Shared:
      if (!isSame(cursor.shared, bytes, start, size)) cursor.shared = copy(bytes, start, start + size)
      fields[place] = cursor.shared
      break
    default:
      fields[place] = copy(bytes, start, start + size)
  }
  return true
}

/** Whether these bytes are what is already there as text or as bytes. */
const isLikely = (likely: unknown, bytes: Uint8Array, start: number, size: number): boolean =>
  typeof likely === "string"
    ? isText(likely, bytes, start, size)
    : likely instanceof Uint8Array && isSame(likely, bytes, start, size)

/** Only ASCII is compared. */
const isText = (text: string, bytes: Uint8Array, start: number, size: number): boolean => {
  if (text.length !== size) return false
  for (let i = 0; i < size; i++) {
    const byte = bytes[start + i] as number
    if (byte >= 0x80 || text.charCodeAt(i) !== byte) return false
  }
  return true
}

const isSame = (known: Uint8Array, bytes: Uint8Array, start: number, size: number): boolean => {
  if (known.length !== size) return false
  for (let i = 0; i < size; i++) if (known[i] !== bytes[start + i]) return false
  return true
}

/** Whether a key comes next. */
export const startsWith = (reader: Reader, key: Uint8Array): boolean => {
  const { bytes, pos } = reader
  if (pos + key.length > reader.end) return false
  for (let i = 0; i < key.length; i++) if (bytes[pos + i] !== key[i]) return false
  return true
}
