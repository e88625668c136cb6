/**
 * How a message field travels: the Go field behind each Schema property, as an annotation.
 *
 * memberlist's format is Go structs written by go-msgpack, so the name, the width of an integer and `omitempty` are
 * part of the bytes. They live on the Schema of the field, where `MessagePack.derive` reads them.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Text from "./MessagePackText.ts"

/** The Go types that memberlist's messages are made of. `int` is 64 bits and written signed. */
export type GoKind = "uint8" | "uint16" | "uint32" | "int" | "string" | "[]byte" | "bool"

/**
 * The Go struct field of a Schema property.
 *
 * @category models
 * @since 0.1.0
 */
export interface GoField {
  readonly name: string
  readonly kind: GoKind
  /** Left out of the map when zero (Go tag `codec:",omitempty"`). */
  readonly omitEmpty: boolean
  /** Decoded as a view of the input, because it is used at once and never kept. */
  readonly view: boolean
  /** Structs of one list that have the same bytes one after the other have them in memory once. */
  readonly shared: boolean
}

interface Options {
  readonly omitEmpty?: boolean
  readonly view?: boolean
  readonly shared?: boolean
}

const AnnotationKey = "effect-memberlist/GoField"

const annotation = (name: string, kind: GoKind, options: Options | undefined) => {
  const field: GoField = {
    name,
    kind,
    omitEmpty: options?.omitEmpty ?? false,
    view: options?.view ?? false,
    shared: options?.shared ?? false
  }
  return { [AnnotationKey]: field }
}

/**
 * The Go field a property stands for; `undefined` for a property that does not travel, such as `_tag`.
 *
 * @category getters
 * @since 0.1.0
 */
export const goField: (ast: SchemaAST.AST) => GoField | undefined = SchemaAST.resolveAt<GoField>(AnnotationKey)

const unsigned = (kind: GoKind, maximum: number) => (name: string, options?: Options) =>
  Schema.Int.check(Schema.isBetween({ minimum: 0, maximum })).annotate(annotation(name, kind, options))

/** @category schemas */
export const uint8 = unsigned("uint8", 0xff)

/** @category schemas */
export const uint16 = unsigned("uint16", 0xffff)

/** @category schemas */
export const uint32 = unsigned("uint32", 0xffff_ffff)

/** A Go `int`. Values beyond 2^53 lose precision on decoding; every use has a far lower limit. */
export const int = (name: string) => Schema.Int.annotate(annotation(name, "int", undefined))

/** Whether it is what its bytes decode to: all well-formed text is, and of the rest what stands for other bytes. */
const isDecoded = (text: string): boolean => {
  if (text.isWellFormed()) return true
  const bytes = Text.bytesOf(text)
  return Text.decode(bytes, 0, bytes.length) === text
}

/**
 * Text. Bytes that are not UTF-8 are carried as text that is not well-formed (`MessagePackText`), because what is
 * replaced or refused would make two names equal, or cost everything else in the message. Whose name must be UTF-8 is
 * for the rules.
 */
export const string = (name: string, options?: Options) =>
  Schema.String.check(Schema.makeFilter(isDecoded)).annotate(annotation(name, "string", options))

/** Bytes; a received nil is an empty array. */
export const bytes = (name: string, options?: Options) =>
  Schema.Uint8Array.annotate(annotation(name, "[]byte", options))

/** Bytes or nil, kept apart so that what is passed on keeps the form it arrived in. */
export const nullableBytes = (name: string) =>
  Schema.NullOr(Schema.Uint8Array).annotate(annotation(name, "[]byte", undefined))

/** @category schemas */
export const boolean = (name: string) => Schema.Boolean.annotate(annotation(name, "bool", undefined))
