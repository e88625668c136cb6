/**
 * What is asked of a map and of what is written, before anything is: keys, values, times to live, and room.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { json } from "../base/PlainText.ts"
import * as ValueCodec from "../base/ValueCodec.ts"
import * as Entry from "./MapEntry.ts"
import {
  MapEntryInvalid,
  MapFull,
  MapKeyInvalid,
  MapNameInvalid,
  MapTtlInvalid,
  MapValueInvalid,
  MapValueTooLarge
} from "./MapErrors.ts"
import type { Checked } from "./MapOptions.ts"
import type { Table } from "./Table.ts"

/** The schemas of a map. */
export interface Schemas<K, V> {
  /** Keys are encoded as text, which is compared, sorted into parts, and shown in errors. */
  readonly key: Schema.Codec<K, string>
  readonly value: Schema.Codec<V, unknown>
}

/** Keys with those that were removed, and bytes: what others may have written as well, for each that is our own. */
export const OTHERS = 4
const MAX_TTL = 10 * 365 * 86_400_000
const MAX_MAP = 200

export const name = (map: string): Effect.Effect<void, MapNameInvalid> => {
  const length = Entry.lengthOf(map)
  return length >= 1 && length <= MAX_MAP && map.isWellFormed()
    ? Effect.void
    : Effect.fail(new MapNameInvalid({ map, expected: `1 to ${MAX_MAP} bytes of well-formed text` }))
}

/** The checks of one map. None waits for anything. */
export const make = <K, V>(map: string, { key, value }: Schemas<K, V>, settings: Checked) => {
  const encodeKey = ValueCodec.guarded(Schema.encodeUnknownExit(key))
  const decodeKey = ValueCodec.guarded(Schema.decodeUnknownExit(key))
  const values = ValueCodec.make(value)

  const keyOf = (key: K): Result.Result<string, MapKeyInvalid> => {
    const refuse = (reason: string) => Result.fail(new MapKeyInvalid({ map, reason }))
    const encoded = encodeKey(key)
    if (Result.isFailure(encoded)) return refuse(encoded.failure)
    const text = encoded.success
    if (!text.isWellFormed()) return refuse(`${json(text.slice(0, 64))} is no well-formed text`)
    const size = text.length > settings.maxKeyBytes ? text.length : Entry.lengthOf(text)
    return size > settings.maxKeyBytes
      ? refuse(`${json(text.slice(0, 64))} has ${size} bytes; at most ${settings.maxKeyBytes} fit (maxKeyBytes)`)
      : Result.succeed(text)
  }

  const bytesOf = (key: string, value: V): Result.Result<Uint8Array, MapValueInvalid | MapValueTooLarge> => {
    const result = values.encode(value)
    if (Result.isFailure(result)) return Result.fail(new MapValueInvalid({ map, key, reason: result.failure }))
    const size = result.success.length
    return size > settings.maxValueBytes
      ? Result.fail(new MapValueTooLarge({ map, key, size, limit: settings.maxValueBytes }))
      : Result.succeed(result.success)
  }

  const ttlOf = (input: Duration.Input | undefined): Result.Result<number | undefined, MapTtlInvalid> => {
    if (input === undefined) return Result.succeed(undefined)
    const ttl = Option.match(Duration.fromInput(input), { onNone: () => Number.NaN, onSome: Duration.toMillis })
    return ttl >= 1 && ttl <= MAX_TTL
      ? Result.succeed(Math.round(ttl))
      : Result.fail(new MapTtlInvalid({ map, ttl: String(input) }))
  }

  /** Whether there is room for a value. */
  const fits = (table: Table, key: string, bytes: Uint8Array): Result.Result<Uint8Array, MapFull> => {
    const current = table.get(key)
    const freed = current === undefined ? 0 : current.size
    const all = table.bytes - freed + Entry.OVERHEAD + Entry.lengthOf(key) + bytes.length
    const limits: ReadonlyArray<readonly [MapFull["of"], size: number, limit: number]> = [
      ["maxEntries", table.valued + (current?.value === undefined ? 1 : 0), settings.maxEntries],
      ["maxBytes", all, settings.maxBytes],
      ["removed", table.size + (current === undefined ? 1 : 0), OTHERS * settings.maxEntries]
    ]
    for (const [of, size, limit] of limits) {
      if (size > limit) return Result.fail(new MapFull({ map, key, of, size, limit }))
    }
    return Result.succeed(bytes)
  }

  return {
    keyOf,
    bytesOf,
    ttlOf,
    fits,
    /** The key of an encoded one, or why there is none. */
    decodeKey: (text: string): Result.Result<K, string> => decodeKey(text),
    decodeValue: values.decode,
    /** The value of an entry, if it has one. */
    valueOf: (key: string, entry: Entry.Entry | undefined): Result.Result<Option.Option<V>, MapEntryInvalid> => {
      if (entry?.value === undefined) return Result.succeed(Option.none())
      return Result.mapBoth(values.decode(entry.value), {
        onSuccess: Option.some,
        onFailure: (reason) => new MapEntryInvalid({ map, key, by: entry.by, reason })
      })
    }
  }
}
