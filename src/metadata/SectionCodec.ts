/**
 * The values of a schema as the bytes of a section, and what each field takes of them.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ValueCodec from "../base/ValueCodec.ts"

/** A part of a value, and how many bytes it takes. */
export interface Part {
  readonly name: string
  readonly size: number
}

export interface SectionCodec<A> extends ValueCodec.ValueCodec<A> {
  /** How many bytes each field of the value takes by itself; none where the schema has no fields. */
  readonly measure: (value: A) => ReadonlyArray<Part>
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
  const alone = ValueCodec.make(Schema.Struct({ [name]: field })).encode({ [name]: value[name] })
  const empty = ValueCodec.make(Schema.Struct({})).encode({})
  return Result.isSuccess(alone) && Result.isSuccess(empty)
    ? [{ name, size: alone.success.length - empty.success.length }]
    : []
}

/** Makes the codec of a schema. Throws where the schema has no binary form, as `SchemaBinary.toCodec` does. */
export const make = <A, I>(schema: Schema.Codec<A, I>): SectionCodec<A> => ({
  ...ValueCodec.make(schema),
  measure: (value) => Object.entries(fieldsOf(schema)).flatMap(([name, field]) => measureField(name, field, value))
})
