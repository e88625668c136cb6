/**
 * Derives a codec in go-msgpack's dialect from the Schema of a message.
 *
 * The Schema's AST is walked once, when the module loads; what comes out are tables of fields, which are read and
 * written synchronously, and never throw on received bytes. (Interpreting a Schema per message costs five to ten times
 * as much, and every packet carries a dozen messages.)
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
import { isArrayHead, isMapHead, NO_BYTES, type Reader, Skipper } from "./MessagePackReader.ts"
import { keyOf, type Writer } from "./MessagePackWriter.ts"
import { type Cursor, type Field, isEmpty, Kind, readUsual, readValue, startsWith, writeValue } from "./StructFields.ts"

export { Cursor } from "./StructFields.ts"

/** The most fields that a message has. */
const MAX_FIELDS = 8

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
 * The codec of a Struct whose properties carry `Field` annotations. `make` puts a value together from its fields, in
 * the order of the declaration, and `take` gives them. Throws, at module load, for any other Schema, or where the two
 * do not fit it.
 *
 * Both are written out per message, because a function of its own sees one shape only. Where the properties were looked
 * up by name, field by field, a row of a push/pull took 0.60 µs to read and 0.34 to write; with this, and read in one
 * go where it has the usual form, 0.50 and 0.29. (Node.js 24, x64.)
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
  const declared: Array<Field> = []
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
  declared: ReadonlyArray<Field>
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

const fieldCodec = (place: number, go: FieldCodec.GoField, ast: SchemaAST.AST): Field => {
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

const kindOf = (go: FieldCodec.GoField, ast: SchemaAST.AST): Pick<Field, "kind" | "max" | "zero"> => {
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

const structWriter = (sorted: ReadonlyArray<Field>) => {
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

const nothing: ReadonlyArray<unknown> = []

const structReader = <A>(
  make: (...fields: ReadonlyArray<unknown>) => A,
  take: (value: A) => ReadonlyArray<unknown>,
  declared: ReadonlyArray<Field>,
  sorted: ReadonlyArray<Field>
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
const keyed = (sorted: ReadonlyArray<Field>, reader: Reader, cursor: Cursor): Field | undefined => {
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

const isName = (key: Uint8Array, name: Uint8Array): boolean => {
  if (key.length !== name.length + 1) return false
  for (let i = 0; i < name.length; i++) if (name[i] !== key[i + 1]) return false
  return true
}
