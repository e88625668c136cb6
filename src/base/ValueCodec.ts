/**
 * The values of a schema as bytes, and back: Effect's `SchemaBinary` in its default mode, which lets the schemas of
 * writer and reader differ by optional fields. What cannot be done is said in a text.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as SchemaBinary from "effect/encoding/SchemaBinary"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { sentence } from "./PlainText.ts"

export interface ValueCodec<A> {
  /** The value in these bytes, or why there is none. */
  readonly decode: (bytes: Uint8Array) => Result.Result<A, string>
  /** Bytes of their own that decode to a value, or why there are none. */
  readonly encode: (value: A) => Result.Result<Uint8Array, string>
}

/** What a schema that fails, or throws, says, in one sentence. */
const resultOf = <A>(exit: Exit.Exit<A, unknown>): Result.Result<A, string> => {
  if (Exit.isSuccess(exit)) return Result.succeed(exit.value)
  const error = Cause.squash(exit.cause)
  return Result.fail(sentence(error instanceof Error ? error.message : String(error)))
}

/** Runs a codec that may throw, and says in a text why it failed. */
export const guarded = <I, A>(run: (input: I) => Exit.Exit<A, unknown>) => (input: I): Result.Result<A, string> => {
  try {
    return resultOf(run(input))
  } catch (error) {
    return resultOf(Exit.die(error))
  }
}

/** Makes the codec of a schema. Throws where the schema has no binary form, as `SchemaBinary.toCodec` does. */
export const make = <A, I>(schema: Schema.Codec<A, I>): ValueCodec<A> => {
  const codec = SchemaBinary.toCodec(schema)
  const encode = Schema.encodeUnknownExit(codec)
  const decode = Schema.decodeUnknownExit(codec)
  return {
    decode: guarded((bytes) => decode(bytes)),
    // a view of a larger buffer, which the next value overwrites
    encode: guarded((value) => Exit.map(encode(value), (view) => view.slice()))
  }
}
