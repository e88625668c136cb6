/**
 * The values of a schema as the bytes of a section: Effect's `SchemaBinary` in its default mode, which lets the schemas
 * of writer and reader differ by optional fields.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/** A part of a value, and how many bytes it takes. */
export interface Part {
  readonly name: string
  readonly size: number
}

export interface SectionCodec<A> {
  /** The value in these bytes, or why there is none. */
  readonly decode: (bytes: Uint8Array) => Result.Result<A, string>
  /** Bytes of their own that decode to a value, or why there are none. */
  readonly encode: (value: A) => Result.Result<Uint8Array, string>
  /** How many bytes each field of the value takes by itself; none where the schema has no fields. */
  readonly measure: (value: A) => ReadonlyArray<Part>
}

/** What a schema that fails, or throws, says. */
const reasonOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

const resultOf = <A>(exit: Exit.Exit<A, unknown>): Result.Result<A, string> =>
  Exit.isSuccess(exit) ? Result.succeed(exit.value) : Result.fail(reasonOf(exit.cause))

const encodingOf = <A, I>(schema: Schema.Codec<A, I>) => {
  const run = Schema.encodeUnknownExit(SchemaBinary.toCodec(schema))
  // a view of a larger buffer, which the next value overwrites
  return (value: unknown): Result.Result<Uint8Array, string> => Result.map(resultOf(run(value)), (view) => view.slice())
}

/** The schemas of a structure's or a class's fields. */
const fieldsOf = (schema: object): Readonly<Record<string, Schema.Codec<unknown, unknown>>> =>
  "fields" in schema && typeof schema.fields === "object" && schema.fields !== null
    ? schema.fields as Readonly<Record<string, Schema.Codec<unknown, unknown>>>
    : {}

const hasField = (value: unknown, name: string): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && name in value

/** How many bytes a structure of this field alone has above one of no fields. */
const measureField = (name: string, field: Schema.Codec<unknown, unknown>, value: unknown): ReadonlyArray<Part> => {
  if (!hasField(value, name)) return []
  const alone = encodingOf(Schema.Struct({ [name]: field }))({ [name]: value[name] })
  const empty = encodingOf(Schema.Struct({}))({})
  return Result.isSuccess(alone) && Result.isSuccess(empty)
    ? [{ name, size: alone.success.length - empty.success.length }]
    : []
}

/** Makes the codec of a schema. Throws where the schema has no binary form, as `SchemaBinary.toCodec` does. */
export const make = <A, I>(schema: Schema.Codec<A, I>): SectionCodec<A> => {
  const decode = Schema.decodeUnknownExit(SchemaBinary.toCodec(schema))
  const encode = encodingOf(schema)
  return {
    decode: (bytes) => resultOf(decode(bytes)),
    encode,
    measure: (value) => Object.entries(fieldsOf(schema)).flatMap(([name, field]) => measureField(name, field, value))
  }
}
