/**
 * Derives a codec in go-msgpack's dialect from the Schema of a message.
 *
 * The Schema's AST is walked once, when the module loads; what comes out are tables of specialised readers and writers
 * that run synchronously and never throw on received bytes. (Interpreting a Schema per message costs five to ten times
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
import { isArrayHead, isMapHead, type Reader, Skipper } from "./MessagePackReader.ts"
import type { Writer } from "./MessagePackWriter.ts"

/** The value under construction. Only this module looks at it with these eyes. */
type Fields = Record<string, unknown>

interface FieldCodec {
  readonly property: string
  /** The Go name: ASCII, so that its order as text is its order as bytes. */
  readonly name: string
  /** The Go name as msgpack: one head byte, then the name. */
  readonly key: Uint8Array
  readonly omitEmpty: boolean
  readonly zero: unknown
  readonly read: (reader: Reader) => unknown
  readonly write: (writer: Writer, value: unknown) => void
  readonly isEmpty: (value: unknown) => boolean
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
  /** @internal */
  value: Fields | undefined = undefined
  /** @internal */
  skipper: Skipper | undefined = undefined

  /** Forgets the struct in progress. */
  reset(): void {
    this.form = "Head"
    this.skipper = undefined
    this.value = undefined
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
 * The codec of a Struct whose properties carry `Field` annotations. Throws, at module load, for any other Schema.
 *
 * `copy` copies the value of zeros that decoding starts from. It is always `(zero) => ({ ...zero })`, but written out
 * per message: a function of its own sees one shape only, which lets V8 copy it several times as fast.
 *
 * @category constructors
 * @since 0.1.0
 */
export const derive = <S extends Schema.Top>(schema: S, copy: (zero: Fields) => Fields): Codec<S["Type"]> => {
  const { ast } = schema
  if (ast._tag !== "Objects") throw new Error(`a message is a Struct, not ${ast._tag}`)
  const declared: Array<FieldCodec> = []
  const template: Fields = {}
  for (const { name, type } of ast.propertySignatures) {
    const property = String(name)
    const go = FieldCodec.goField(type)
    if (go !== undefined) declared.push(fieldCodec(property, go, type))
    template[property] = go === undefined ? literalOf(type) : declared[declared.length - 1]?.zero
  }
  const sorted = declared.toSorted((a, b) => a.name < b.name ? -1 : 1)
  const read = structReader(() => copy(template), declared, sorted)
  const write = structWriter(sorted)
  return {
    // The walk above saw every property of the Type, so what is built from the template is one.
    read: (reader, cursor) => read(reader, cursor) as S["Type"] | undefined,
    write: (writer, value) => write(writer, value as Fields)
  }
}

const literalOf = (ast: SchemaAST.AST): unknown => {
  if (ast._tag !== "Literal") throw new Error(`a property without a Go field must be a literal, not ${ast._tag}`)
  return ast.literal
}

const fieldCodec = (property: string, go: FieldCodec.GoField, ast: SchemaAST.AST): FieldCodec => {
  const name = new TextEncoder().encode(go.name)
  if (name.length > 31) throw new Error(`the field name ${go.name} is longer than 31 bytes`)
  return {
    property,
    name: go.name,
    key: Uint8Array.of(0xa0 | name.length, ...name),
    omitEmpty: go.omitEmpty,
    ...kindCodec(go, ast)
  }
}

type KindCodec = Pick<FieldCodec, "zero" | "read" | "write" | "isEmpty">

const expectTag = (ast: SchemaAST.AST, tag: SchemaAST.AST["_tag"]) => {
  if (ast._tag !== tag) throw new Error(`the Go kind needs a ${tag} Schema, not ${ast._tag}`)
}

const kindCodec = (go: FieldCodec.GoField, ast: SchemaAST.AST): KindCodec => {
  switch (go.kind) {
    case "uint8":
      return unsignedCodec(ast, 0xff)
    case "uint16":
      return unsignedCodec(ast, 0xffff)
    case "uint32":
      return unsignedCodec(ast, 0xffff_ffff)
    case "int":
      expectTag(ast, "Number")
      return {
        zero: 0,
        read: (reader) => reader.integer(),
        write: (writer, value) => writer.integer(value as number),
        isEmpty: (value) => value === 0
      }
    case "bool":
      expectTag(ast, "Boolean")
      return {
        zero: false,
        read: (reader) => reader.boolean(),
        write: (writer, value) => writer.byte(value === true ? 0xc3 : 0xc2),
        isEmpty: (value) => value === false
      }
    case "string":
      expectTag(ast, "String")
      return {
        zero: "",
        read: (reader) => reader.string(),
        write: (writer, value) => writer.string(value as string),
        isEmpty: (value) => value === ""
      }
    case "[]byte":
      return bytesCodec(ast, go.view)
  }
}

const unsignedCodec = (ast: SchemaAST.AST, max: number): KindCodec => {
  expectTag(ast, "Number")
  return {
    zero: 0,
    read: (reader) => reader.unsigned(max),
    write: (writer, value) => writer.unsigned(value as number),
    isEmpty: (value) => value === 0
  }
}

const bytesCodec = (ast: SchemaAST.AST, view: boolean): KindCodec => {
  const nullable = ast._tag === "Union"
  if (!nullable) expectTag(ast, "Declaration")
  return {
    zero: nullable ? null : new Uint8Array(0),
    read: nullable
      ? (reader) => reader.nullableByteString()
      : view
      ? (reader) => reader.byteView()
      : (reader) => reader.byteString(),
    write: (writer, value) => writer.byteString(value as Uint8Array | null),
    isEmpty: (value) => value === null || (value as Uint8Array).length === 0
  }
}

const structWriter = (sorted: ReadonlyArray<FieldCodec>) => {
  const optional = sorted.filter((field) => field.omitEmpty)
  return (writer: Writer, value: Fields): void => {
    let count = sorted.length
    for (const field of optional) if (field.isEmpty(value[field.property])) count--
    writer.byte(0x80 | count)
    for (const field of sorted) {
      const item = value[field.property]
      if (field.omitEmpty && field.isEmpty(item)) continue
      writer.raw(field.key)
      field.write(writer, item)
    }
  }
}

const structReader = (zero: () => Fields, declared: ReadonlyArray<FieldCodec>, sorted: ReadonlyArray<FieldCodec>) => {
  const step = (reader: Reader, cursor: Cursor, value: Fields): void => {
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
      const item = field.read(reader)
      if (reader.failure === undefined) {
        value[field.property] = item
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

  return (reader: Reader, cursor: Cursor): Fields | undefined => {
    if (cursor.form === "Head" || cursor.value === undefined) {
      cursor.value = zero()
      begin(reader, cursor)
    }
    const { value } = cursor
    while (cursor.left > 0 && reader.failure === undefined) step(reader, cursor, value)
    if (reader.failure === "Truncated") return undefined
    cursor.reset()
    return reader.failure === undefined ? value : undefined
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
  if (!reader.has(1)) return NO_NAME
  const name = isMapHead(reader.bytes[reader.pos] as number) ? NO_NAME : reader.byteView()
  if (reader.failure === "WrongType" || (reader.failure === undefined && name.length === 0)) reader.failure = "BadKey"
  return name
}

const NO_NAME = new Uint8Array(0)

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
