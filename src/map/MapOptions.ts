/**
 * What can be set of a map, with the defaults, and what is refused.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ConfigInvalid } from "../MemberlistError.ts"
import * as OptionChecks from "../topic/OptionChecks.ts"
import { MAX_KEY, MAX_VALUE } from "./MapEntry.ts"

/**
 * Bounds and times. All have defaults. All members of a map have the same `removalLife` and `maxAhead`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Keys that this member adds at most: 1 to 1,048,576. Default: 100,000. */
  readonly maxEntries?: number | undefined
  /** Their bytes, with 64 for each, and what a writer's name has beyond 24: 1 KiB to 1 GiB. Default: 64 MiB. */
  readonly maxBytes?: number | undefined
  /** Bytes of an encoded key: 1 to 1,024. Default: 256. */
  readonly maxKeyBytes?: number | undefined
  /** Bytes of an encoded value: 1 to 1 MiB. Default: 64 KiB. */
  readonly maxValueBytes?: number | undefined
  /** How far the members' clocks may be apart: 1 second to 10 minutes. Default: 1 minute. */
  readonly maxAhead?: Duration.Input | undefined
  /**
   * How long a removal is remembered, and how long a member may be away without its copy being discarded: at least
   * eight times `maxAhead`, at most 30 days. Default: 1 hour.
   */
  readonly removalLife?: Duration.Input | undefined
  /** How often it is compared with another member's: 1 second to an eighth of `removalLife`. Default: 15 seconds. */
  readonly syncInterval?: Duration.Input | undefined
  /** Changes that wait for a slow reader of `changes`: 1 to 1,048,576. Default: 1,024. */
  readonly changeBuffer?: number | undefined
  /** Writes that wait to be sent: 1 to 65,536. Default: 1,024. */
  readonly pendingWrites?: number | undefined
  /** How long changes are collected before they are written to the store: 100 ms to 1 minute. Default: 2 seconds. */
  readonly writeInterval?: Duration.Input | undefined
}

/** All that is set; times in milliseconds. */
export interface Checked {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly maxKeyBytes: number
  readonly maxValueBytes: number
  readonly maxAhead: number
  readonly removalLife: number
  readonly syncInterval: number
  readonly changeBuffer: number
  readonly pendingWrites: number
  readonly writeInterval: number
}

const DAY = 86_400_000

/** The options with their defaults, or the first that cannot work. */
export const checked = (options: Options): Effect.Effect<Checked, ConfigInvalid> =>
  Effect.gen(function*() {
    const bounds = OptionChecks.of("ReplicatedMap", options)
    const { whole } = bounds
    const time = (...of: Parameters<typeof bounds.time>) => Effect.map(bounds.time(...of), Math.round)
    const maxAhead = yield* time("maxAhead", "1 minute", [1_000, 600_000], "a duration of 1 second to 10 minutes")
    const removalLife = yield* time(
      "removalLife",
      Math.max(3_600_000, 8 * maxAhead),
      [8 * maxAhead, 30 * DAY],
      `a duration of at least eight times maxAhead, ${8 * maxAhead} ms, and at most 30 days`
    )
    const most = Math.floor(removalLife / 8)
    return {
      maxEntries: yield* whole("maxEntries", 100_000, 1, 1_048_576),
      maxBytes: yield* whole("maxBytes", 67_108_864, 1_024, 2 ** 30),
      maxKeyBytes: yield* whole("maxKeyBytes", 256, 1, MAX_KEY),
      maxValueBytes: yield* whole("maxValueBytes", 65_536, 1, MAX_VALUE),
      maxAhead,
      removalLife,
      syncInterval: yield* time(
        "syncInterval",
        Math.min(15_000, most),
        [1_000, most],
        `a duration of 1 second to an eighth of removalLife, ${most} ms`
      ),
      changeBuffer: yield* whole("changeBuffer", 1_024, 1, 1_048_576),
      pendingWrites: yield* whole("pendingWrites", 1_024, 1, 65_536),
      writeInterval: yield* time(
        "writeInterval",
        "2 seconds",
        [100, 60_000],
        "a duration of 100 milliseconds to 1 minute"
      )
    }
  })
