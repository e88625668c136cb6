/**
 * Derives a codec in go-msgpack's dialect from the Schema of a message.
 *
 * The Schema's AST is walked once, when the module loads; what comes out are tables of fields, which are read and written
 * synchronously, and never throw on received bytes. (Interpreting a Schema per message costs five to ten times as much,
 * and every packet carries a dozen messages.)
 *
 * Reading is resumable at every field, and inside fields it does not know, so that a stream can be decoded as it
 * arrives without starting over.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import { MAX_STRUCT_FIELDS } from "../../base/Limits.ts"
import * as FieldCodec from "./FieldCodec.ts"
import { copy, isArrayHead, isMapHead, NO_BYTES, type Reader, Skipper } from "./MessagePackReader.ts"
import * as Text from "./MessagePackText.ts"
import { type Key, keyOf, type Writer } from "./MessagePackWriter.ts"

/** How the values of a field are read and written. */
type Kind = (typeof Kind)[keyof typeof Kind]
const Kind = { Unsigned: 0, Integer: 1, Boolean: 2, String: 3, Bytes: 4, NullableBytes: 5, View: 6, Shared: 7 } as const

interface FieldCodec {
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

/** The most fields that a message has. */
const MAX_FIELDS = 8

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

/**
 * The reader and writer of one message body (without its type byte).
 *
 * @category models
 * @since 0.1.0
 */
export interface Codec<A> {
  /**
   * The struct at `reader.pos`, or `undefined` with `reader.failure` set. After `Truncated` the reader stands where a
   * retry with more input and the same cursor goes on; after any other failure, and after success, the cursor is fresh.
   */
  readonly read: (reader: Reader, cursor: Cursor) => A | undefined
  readonly write: (writer: Writer, value: A) => void
}

/**
 * The codec of a Struct whose properties carry `Field` annotations. `make` puts a value together from its fields, in the
 * order of the declaration, and `take` gives them. Throws, at module load, for any other Schema, or where the two do not
 * fit it.
 *
 * Both are written out per message, because a function of its own sees one shape only: with properties looked up by
 * name in loops for all messages, a row of a push/pull takes ROW_BEFORE, else ROW_AFTER.
 *
 * @category constructors
 * @since 0.1.0
 */
export const derive = <S extends Schema.Top, F extends ReadonlyArray<unknown>>(
  schema: S,
  make: (...fields: F) => S["Type"],
  take: (value: S["Type"]) => readonly [...NoInfer<F>]
): Codec<S["Type"]> => {
  const { ast } = schema
  if (ast._tag !== "Objects") throw new Error(`a message is a Struct, not ${ast._tag}`)
  const declared: Array<FieldCodec> = []
  const expected: Record<string, unknown> = {}
  for (const { name, type } of ast.propertySignatures) {
    const property = String(name)
    const go = FieldCodec.goField(type)
    if (go !== undefined) declared.push(fieldCodec(declared.length, go, type))
    // something that no other field has
    expected[property] = go === undefined ? literalOf(type) : declared.at(-1)
  }
  if (declared.length > MAX_FIELDS) throw new Error(`a message of more than ${MAX_FIELDS} fields`)
  // The Schema's own fields, as many and in this order, as the check sees.
  const of = make as (...fields: ReadonlyArray<unknown>) => S["Type"]
  checkShape(expected, of(...declared), take(of(...declared)), declared)
  const sorted = declared.toSorted((a, b) => a.name < b.name ? -1 : 1)
  const write = structWriter(sorted)
  return {
    read: structReader(of, take, declared, sorted),
    write: (writer, value) => write(writer, take(value))
  }
}

/** Throws unless a message has the properties that its Schema has, and its fields are taken in their order. */
const checkShape = (
  expected: Readonly<Record<string, unknown>>,
  made: unknown,
  taken: ReadonlyArray<unknown>,
  declared: ReadonlyArray<FieldCodec>
): void => {
  const entries = Object.entries(Object(made))
  const isMade = entries.length === Object.keys(expected).length &&
    entries.every(([property, value]) => Object.hasOwn(expected, property) && expected[property] === value)
  if (!isMade) throw new Error(`a message is made of ${Object.keys(expected).join(", ")}`)
  const isTaken = taken.length === declared.length && declared.every((field, i) => taken[i] === field)
  if (!isTaken) throw new Error(`the fields of a message are taken in the order ${declared.map(({ name }) => name)}`)
}

const literalOf = (ast: SchemaAST.AST): unknown => {
  if (ast._tag !== "Literal") throw new Error(`a property without a Go field must be a literal, not ${ast._tag}`)
  return ast.literal
}

const fieldCodec = (place: number, go: FieldCodec.GoField, ast: SchemaAST.AST): FieldCodec => {
  const name = new TextEncoder().encode(go.name)
  if (name.length > 31) throw new Error(`the field name ${go.name} is longer than 31 bytes`)
  const key = Uint8Array.of(0xa0 | name.length, ...name)
  return {
    place,
    name: go.name,
    key,
    written: keyOf(key),
    omitEmpty: go.omitEmpty,
    ...kindOf(go, ast)
  }
}

const expectTag = (ast: SchemaAST.AST, tag: SchemaAST.AST["_tag"]) => {
  if (ast._tag !== tag) throw new Error(`the Go kind needs a ${tag} Schema, not ${ast._tag}`)
}

const kindOf = (go: FieldCodec.GoField, ast: SchemaAST.AST): Pick<FieldCodec, "kind" | "max" | "zero"> => {
  switch (go.kind) {
    case "uint8":
      return unsigned(ast, 0xff)
    case "uint16":
      return unsigned(ast, 0xffff)
    case "uint32":
      return unsigned(ast, 0xffff_ffff)
    case "int":
      expectTag(ast, "Number")
      return { kind: Kind.Integer, max: 0, zero: 0 }
    case "bool":
      expectTag(ast, "Boolean")
      return { kind: Kind.Boolean, max: 0, zero: false }
    case "string":
      expectTag(ast, "String")
      return { kind: Kind.String, max: 0, zero: "" }
    case "[]byte":
      if (ast._tag === "Union") return { kind: Kind.NullableBytes, max: 0, zero: null }
      expectTag(ast, "Declaration")
      return { kind: go.view ? Kind.View : go.shared ? Kind.Shared : Kind.Bytes, max: 0, zero: NO_BYTES }
  }
}

const unsigned = (ast: SchemaAST.AST, max: number) => {
  expectTag(ast, "Number")
  return { kind: Kind.Unsigned, max, zero: 0 }
}

const isEmpty = (value: unknown): boolean =>
  value instanceof Uint8Array
    ? value.length === 0
    : value === 0 || value === "" || value === false || value === null

const structWriter = (sorted: ReadonlyArray<FieldCodec>) => {
  const optional = sorted.filter((field) => field.omitEmpty)
  return (writer: Writer, fields: ReadonlyArray<unknown>): void => {
    let count = sorted.length
    for (const field of optional) if (isEmpty(fields[field.place])) count--
    writer.byte(0x80 | count)
    for (const field of sorted) {
      const value = fields[field.place]
      if (field.omitEmpty && isEmpty(value)) continue
      writer.key(field.written)
      writeValue(writer, field.kind, value)
    }
  }
}

/** The value fits the kind: the Schema of the field says so, and `derive` has compared the two. */
const writeValue = (writer: Writer, kind: Kind, value: unknown): void => {
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

const readValue = (reader: Reader, { kind, max }: FieldCodec): unknown => {
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

const nothing: ReadonlyArray<unknown> = []

const structReader = <A>(
  make: (...fields: ReadonlyArray<unknown>) => A,
  take: (value: A) => ReadonlyArray<unknown>,
  declared: ReadonlyArray<FieldCodec>,
  sorted: ReadonlyArray<FieldCodec>
) => {
  const zeros = declared.map(({ zero }) => zero)
  // No message has more fields. A spread takes several times as long.
  const build = (fields: ReadonlyArray<unknown>): A =>
    make(fields[0], fields[1], fields[2], fields[3], fields[4], fields[5], fields[6], fields[7])

  const step = (reader: Reader, cursor: Cursor, fields: Array<unknown>): void => {
    if (cursor.skipper !== undefined) {
      if (cursor.skipper.advance(reader)) endOfField(cursor)
      return
    }
    const mark = reader.pos
    const { entries } = reader
    const next = cursor.next
    if (!reader.visit(1)) return
    const field = cursor.form === "Map" ? keyed(sorted, reader, cursor) : declared[cursor.next++]
    if (reader.failure === undefined && field !== undefined) {
      const value = readValue(reader, field)
      if (reader.failure === undefined) {
        fields[field.place] = value
        cursor.left--
        return
      }
    }
    if (reader.failure === undefined) {
      cursor.skipper = new Skipper()
    } else if (reader.failure === "Truncated") {
      reader.pos = mark
      reader.entries = entries
      cursor.next = next
    }
  }

  return (reader: Reader, cursor: Cursor): A | undefined => {
    if (cursor.form === "Head" || cursor.fields === undefined) {
      const usual = zeros.slice()
      if (cursor.known === undefined) {
        if (readUsual(reader, cursor, sorted, usual, nothing)) return build(usual)
      } else {
        const known = cursor.known as A
        const fields = take(known)
        if (readUsual(reader, cursor, sorted, usual, fields)) {
          return usual.every((value, i) => value === fields[i]) ? known : build(usual)
        }
      }
      cursor.fields = zeros.slice()
      begin(reader, cursor)
    }
    const { fields } = cursor
    while (cursor.left > 0 && reader.failure === undefined) step(reader, cursor, fields)
    if (reader.failure === "Truncated") return undefined
    cursor.reset()
    return reader.failure === undefined ? build(fields) : undefined
  }
}

/**
 * Reads a struct in the form in which every implementation writes it, all in one go: a map, its keys in order and in
 * their shortest form, values of the field's own type. Answers `false` for any other, and where bytes are missing, with
 * nothing consumed: then it is read with all that the reference tolerates, field by field. What it has read in vain
 * until then is little, because it does not go into arrays.
 */
const readUsual = (
  reader: Reader,
  cursor: Cursor,
  sorted: ReadonlyArray<FieldCodec>,
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
    const field = sorted[i] as FieldCodec
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

/** Reads a value in a form that needs no more than a look at its head; `false` for any other, or when bytes are missing. */
const readPlain = (
  reader: Reader,
  cursor: Cursor,
  field: FieldCodec,
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

const endOfField = (cursor: Cursor): void => {
  cursor.skipper = undefined
  cursor.left--
}

/** Reads the head: a map by name, an array by position, or nil for a struct of zeros. */
const begin = (reader: Reader, cursor: Cursor): void => {
  const mark = reader.pos
  const head = reader.byte()
  cursor.left = 0
  cursor.next = 0
  if (isMapHead(head)) {
    cursor.left = reader.count(head)
    cursor.form = "Map"
  } else if (isArrayHead(head)) {
    cursor.left = reader.count(head)
    cursor.form = "Array"
  } else if (head >= 0 && head !== 0xc0) {
    reader.fail("WrongType")
  }
  if (cursor.left > MAX_STRUCT_FIELDS) reader.fail("TooMany")
  if (reader.failure === "Truncated") {
    reader.pos = mark
    cursor.form = "Head"
  }
}

/** The field whose key comes next; `undefined` for an unknown key, or a failure. */
const keyed = (sorted: ReadonlyArray<FieldCodec>, reader: Reader, cursor: Cursor): FieldCodec | undefined => {
  // Everyone writes the keys in this order, so the guess is nearly always right.
  const guess = sorted[cursor.next]
  if (guess !== undefined && startsWith(reader, guess.key)) {
    reader.pos += guess.key.length
    cursor.next++
    return guess
  }
  const name = key(reader)
  if (reader.failure !== undefined) return undefined
  const index = sorted.findIndex((field) => isName(field.key, name))
  if (index >= 0) cursor.next = index + 1
  return sorted[index]
}

/** A key in any form the reference reads: strings, binary, and an array of integers. It must not be nil or empty. */
const key = (reader: Reader): Uint8Array => {
  if (!reader.has(1)) return NO_BYTES
  const name = isMapHead(reader.bytes[reader.pos] as number) ? NO_BYTES : reader.byteView()
  if (reader.failure === "WrongType" || (reader.failure === undefined && name.length === 0)) reader.failure = "BadKey"
  return name
}

const startsWith = (reader: Reader, key: Uint8Array): boolean => {
  const { bytes, pos } = reader
  if (pos + key.length > reader.end) return false
  for (let i = 0; i < key.length; i++) if (bytes[pos + i] !== key[i]) return false
  return true
}

const isName = (key: Uint8Array, name: Uint8Array): boolean => {
  if (key.length !== name.length + 1) return false
  for (let i = 0; i < name.length; i++) if (name[i] !== key[i + 1]) return false
  return true
}
