/**
 * What can be set of a topic, with the defaults, and what is refused.
 *
 * @stability unstable
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { ConfigInvalid } from "../MemberlistError.ts"
import * as OptionChecks from "./OptionChecks.ts"
import type * as Tree from "./Tree.ts"

/**
 * Bounds and times. All have defaults.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Values that wait for a slow subscriber: 1 to 1,048,576. Default: 1,024. */
  readonly subscriberBuffer?: number | undefined
  /** Bytes of an encoded value: 1 to 16 MiB. Default: 1 MiB. */
  readonly maxValueBytes?: number | undefined
  /** Recent messages that are kept for those who lack them: 16 to 65,536. Default: 1,024. */
  readonly windowMessages?: number | undefined
  /** Their bytes, with 64 for each: at least `maxValueBytes` and 64, at most 1 GiB. Default: 4 MiB. */
  readonly windowBytes?: number | undefined
  /** Their age: 1 second to 1 day. Default: 1 minute. */
  readonly windowAge?: Duration.Input | undefined
  /** Frames that may wait to be sent: 16 to 65,536. Default: 1,024. */
  readonly outgoing?: number | undefined
  /**
   * Frames of up to 1 KiB that one member may send us a second, and twice as many at once: 16 to 1,048,576. Default:
   * 4,096.
   */
  readonly peerRate?: number | undefined
  /** How often what is known is compared with another participant: 1 second to 1 day. Default: 10 seconds. */
  readonly syncInterval?: Duration.Input | undefined
}

/** All that is set. */
export interface Checked extends Tree.Settings {
  readonly subscriberBuffer: number
  readonly maxValueBytes: number
  readonly outgoing: number
  readonly peerRate: number
  readonly syncInterval: number
}

/** The options with their defaults, or the first that cannot work. */
export const checked = (options: Options): Effect.Effect<Checked, ConfigInvalid> =>
  Effect.gen(function*() {
    const { time, whole } = OptionChecks.of("Topic", options)
    const period = (field: "windowAge" | "syncInterval", usual: Duration.Input) =>
      time(field, usual, [1_000, 86_400_000], "a duration of 1 second to 1 day")
    const maxValueBytes = yield* whole("maxValueBytes", 1_048_576, 1, 16_777_216)
    return {
      subscriberBuffer: yield* whole("subscriberBuffer", 1_024, 1, 1_048_576),
      maxValueBytes,
      window: {
        messages: yield* whole("windowMessages", 1_024, 16, 65_536),
        bytes: yield* whole("windowBytes", Math.max(4_194_304, maxValueBytes + 64), maxValueBytes + 64, 2 ** 30),
        age: yield* period("windowAge", "1 minute")
      },
      announceDelay: 100,
      graftDelay: 150,
      outgoing: yield* whole("outgoing", 1_024, 16, 65_536),
      peerRate: yield* whole("peerRate", 4_096, 16, 1_048_576),
      syncInterval: yield* period("syncInterval", "10 seconds")
    }
  })
