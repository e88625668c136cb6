/**
 * What a member does with its copy of a map, as types.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type { Member } from "../Member.ts"
import type { NotParticipating } from "../MemberlistError.ts"
import type {
  MapClockBehind,
  MapClosed,
  MapEntryInvalid,
  MapFull,
  MapKeyInvalid,
  MapTtlInvalid,
  MapValueInvalid,
  MapValueTooLarge
} from "./MapErrors.ts"

/**
 * A key whose value is another one than before.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change<K, V> {
  readonly key: K
  /** The value now; none where the key was removed or has expired. */
  readonly value: Option.Option<V>
  /** The name of the member that wrote what changed it. */
  readonly by: string
  /** How many changes this reader lost immediately before this one, by being too slow: read `entries` again. */
  readonly missed: number
}

/**
 * A write that is gone: it was made while its member was away for longer than removals live, or its removal was undone,
 * so the others never knew of it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Discarded<K, V> {
  readonly key: K
  /** The value that was written; none where the key had been removed. */
  readonly value: Option.Option<V>
  /** The name of the member that wrote it. */
  readonly by: string
  /** When it was written, in milliseconds of that member's clock. */
  readonly time: number
  /** How many of these this reader lost immediately before this one. */
  readonly missed: number
}

/**
 * Bytes that do not decode.
 *
 * @category models
 * @since 0.1.0
 */
export interface Invalid {
  /** The key as it is sent; nothing where a whole frame does not decode. */
  readonly key: Option.Option<string>
  /** The name of the member that wrote the entry, or sent the frame. */
  readonly from: string
  readonly reason: string
}

/**
 * Why a write is refused. Nothing was written then, here or elsewhere.
 *
 * @category errors
 * @since 0.1.0
 */
export type WriteError =
  | MapKeyInvalid
  | MapValueInvalid
  | MapValueTooLarge
  | MapTtlInvalid
  | MapFull
  | MapClockBehind
  | MapClosed
  | NotParticipating

/**
 * How a value is written.
 *
 * @category models
 * @since 0.1.0
 */
export interface SetOptions {
  /** How long the value is there: 1 millisecond to 10 years. Without it, until it is removed. */
  readonly ttl?: Duration.Input | undefined
}

/**
 * A member's copy of the map.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service<K, V> {
  /** The value of a key. Fails where what somebody wrote does not decode here. */
  readonly get: (key: K) => Effect.Effect<Option.Option<V>, MapKeyInvalid | MapEntryInvalid>
  /** Whether a key is there, decodable or not. */
  readonly has: (key: K) => Effect.Effect<boolean, MapKeyInvalid>
  /**
   * Writes a value. Waits while `pendingWrites` wait to be sent; then it is in this copy and on its way to the others,
   * in one step. Who interrupts it before has written nothing.
   */
  readonly set: (key: K, value: V, options?: SetOptions) => Effect.Effect<void, WriteError>
  /**
   * Writes what the function makes of this copy's value, in one step, and returns it. Others may write at the same
   * time: the later one wins, and nothing is merged. A function that throws is a defect, and nothing was written.
   */
  readonly update: (
    key: K,
    f: (current: Option.Option<V>) => V,
    options?: SetOptions
  ) => Effect.Effect<V, WriteError | MapEntryInvalid>
  /** Removes a key; whether it was there. Where it is not in this copy nothing is written. */
  readonly remove: (key: K) => Effect.Effect<boolean, WriteError>
  /** All keys with their values, as far as they decode, in no order. */
  readonly entries: Effect.Effect<ReadonlyArray<readonly [K, V]>>
  /** How many keys there are; one that has expired counts for a second more. */
  readonly size: Effect.Effect<number>
  /**
   * Changes from now on, by anybody; the first reader also gets those before it, up to `changeBuffer`. A slow reader
   * loses its oldest changes and is told how many. Ends with the layer.
   */
  readonly changes: Stream.Stream<Change<K, V>>
  /** Writes that are gone because a copy was discarded. The first reader also gets those that came before it. */
  readonly discarded: Stream.Stream<Discarded<K, V>>
  /** What does not decode; it is kept for others, who may know its schema. */
  readonly invalid: Stream.Stream<Invalid>
  /**
   * Waits until this copy has been compared with another member's, or nobody else takes part; also after three
   * comparisons of which not all could be merged, as a warning tells.
   */
  readonly ready: Effect.Effect<void>
  /** The live members that are known to take part, this one included. */
  readonly participants: Effect.Effect<ReadonlyArray<Member>>
  /** What was counted so far, `name` or `name:reason`; `docs/map.md` lists them. */
  readonly counters: Effect.Effect<ReadonlyMap<string, number>>
}
