/**
 * What a map tells its readers: changes, writes that are gone, and what does not decode.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Subscribers from "../topic/Subscribers.ts"
import type * as MapInput from "./MapInput.ts"
import type { Change, Discarded, Invalid } from "./MapService.ts"
import type * as Replica from "./Replica.ts"

/** Changes that are told before others have their turn. */
const AT_ONCE = 256
/** What does not decode, and waits for a reader. */
const NO_VALUE_DECODED = 64

/** Readers of a map, each with a buffer for so many. */
export const make = <K, V>(
  { capacity, count, input, replica }: {
    readonly capacity: number
    readonly count: (what: string, by?: number) => void
    readonly input: ReturnType<typeof MapInput.make<K, V>>
    readonly replica: Replica.Replica
  }
) => {
  const changes = Subscribers.make<Omit<Change<K, V>, "missed">>(capacity, () => count("change.lost"))
  const discarded = Subscribers.make<Omit<Discarded<K, V>, "missed">>(capacity, () => count("discarded.lost"))
  const invalid = Subscribers.make<Invalid>(NO_VALUE_DECODED, () => count("invalid.lost"))

  /** A key and what was written for it, where they decode. */
  const decoded = (key: string, value: Uint8Array | undefined, by: string) => {
    const known = input.decodeKey(key)
    const result = value === undefined ? undefined : input.decodeValue(value)
    if (Result.isSuccess(known)) {
      if (result === undefined) return { key: known.success, value: Option.none<V>(), by }
      if (Result.isSuccess(result)) return { key: known.success, value: Option.some(result.success), by }
    }
    count("entry.invalid")
    const reason = Result.isFailure(known) ? known.failure : result?._tag === "Failure" ? result.failure : ""
    invalid.tell({ key: Option.some(key), from: by, reason })
    return undefined
  }

  const tellChanges = (all: ReadonlyArray<Replica.Change>): void => {
    for (const { entry, key, value } of all) {
      const change = decoded(key, value, entry.by)
      if (change !== undefined) changes.tell(change)
    }
  }

  /** Whether a change is still what is to be read. */
  const isSo = ({ entry, key, value }: Replica.Change): boolean => {
    const is = replica.table.get(key)
    if (value === undefined || is?.value === undefined) return value === is?.value
    // another write of the same value was no change when it came
    return is.content === entry.content
  }

  const tellLost = (all: ReadonlyArray<Replica.Lost>): void => {
    for (const { by, key, time, value } of all) {
      count("entry.discarded")
      const lost = decoded(key, value, by)
      if (lost !== undefined) discarded.tell({ ...lost, time })
    }
  }

  const tellNumbers = (merged: Replica.Merged): void => {
    for (const [reason, number] of merged.refused) count(`entry.refused:${reason}`, number)
    count("entry.changed", merged.changes.length)
  }

  return {
    changes,
    discarded,
    invalid,
    tellChanges,
    tell: (merged: Replica.Merged): void => {
      tellChanges(merged.changes)
      tellNumbers(merged)
      tellLost(merged.lost)
    },
    /** Tells of what may be much, and of no change of a key that has changed again meanwhile. */
    tellMuch: (merged: Replica.Merged): Effect.Effect<void> =>
      Effect.gen(function*() {
        tellNumbers(merged)
        for (let from = 0; from < merged.lost.length; from += AT_ONCE) {
          tellLost(merged.lost.slice(from, from + AT_ONCE))
          yield* Effect.yieldNow
        }
        for (let from = 0; from < merged.changes.length; from += AT_ONCE) {
          if (from > 0) yield* Effect.yieldNow
          tellChanges(merged.changes.slice(from, from + AT_ONCE).filter(isSo))
        }
      }),
    /** Ends every stream once it has told what it has. */
    end: (): void => {
      changes.end()
      discarded.end()
      invalid.end()
    }
  }
}
