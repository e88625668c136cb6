/**
 * Every way in which a map refuses something, as tagged Schema errors that name the value and what would be right.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { name, sentence } from "../base/PlainText.ts"

/**
 * The map cannot have this name.
 *
 * @category errors
 * @since 0.1.0
 */
export class MapNameInvalid extends Schema.TaggedError<MapNameInvalid>()("MapNameInvalid", {
  map: Schema.String,
  expected: Schema.String
}) {
  override get message() {
    return `no map can be called "${name(this.map)}"; expected ${this.expected}`
  }
}

/**
 * A key that the map's schema does not encode, or that is no well-formed text, or too long. Nothing was written.
 *
 * @category errors
 * @since 0.1.0
 */
export class MapKeyInvalid extends Schema.TaggedError<MapKeyInvalid>()("MapKeyInvalid", {
  map: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `no key of the map "${name(this.map)}": ${sentence(this.reason)}`
  }
}

/**
 * A value that the map's schema does not encode. Nothing was written.
 *
 * @category errors
 * @since 0.1.0
 */
export class MapValueInvalid extends Schema.TaggedError<MapValueInvalid>()("MapValueInvalid", {
  map: Schema.String,
  key: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `the value for "${name(this.key)}" does not fit the schema of the map "${name(this.map)}": ${
      sentence(this.reason)
    }`
  }
}

/**
 * A value whose bytes are more than `maxValueBytes`. Nothing was written.
 *
 * @category errors
 * @since 0.1.0
 */
export class MapValueTooLarge extends Schema.TaggedError<MapValueTooLarge>()("MapValueTooLarge", {
  map: Schema.String,
  key: Schema.String,
  size: Schema.Int,
  limit: Schema.Int
}) {
  override get message() {
    return `the value for "${name(this.key)}" of the map "${
      name(this.map)
    }" is ${this.size} bytes; at most ${this.limit} fit (maxValueBytes)`
  }
}

/**
 * A time to live that is none. Nothing was written.
 *
 * @category errors
 * @since 0.1.0
 */
export class MapTtlInvalid extends Schema.TaggedError<MapTtlInvalid>()("MapTtlInvalid", {
  map: Schema.String,
  ttl: Schema.String
}) {
  override get message() {
    return `the map "${name(this.map)}" takes no ttl of ${
      sentence(this.ttl)
    }; expected a duration of 1 millisecond to 10 years`
  }
}

/**
 * The map has no room for another key, or for so many bytes. Nothing was written.
 *
 * @category errors
 * @since 0.1.0
 */
export class MapFull extends Schema.TaggedError<MapFull>()("MapFull", {
  map: Schema.String,
  key: Schema.String,
  /** Which limit: of keys, of bytes, or of keys with those that were removed lately. */
  of: Schema.Literals(["maxEntries", "maxBytes", "removed"]),
  /** What there would be. */
  size: Schema.Int,
  limit: Schema.Int
}) {
  override get message() {
    const what = this.of === "removed"
      ? `${this.size} keys with those that were removed lately; at most ${this.limit} fit (4 × maxEntries)`
      : `${this.size} ${this.of === "maxBytes" ? "bytes" : "keys"}; at most ${this.limit} fit (${this.of})`
    return `the map "${name(this.map)}" is full: with "${name(this.key)}" it would have ${what}`
  }
}

/**
 * What somebody wrote for a key does not decode.
 *
 * @category errors
 * @since 0.1.0
 */
export class MapEntryInvalid extends Schema.TaggedError<MapEntryInvalid>()("MapEntryInvalid", {
  map: Schema.String,
  key: Schema.String,
  /** The name of the member that wrote it. */
  by: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `the value of "${name(this.key)}" in the map "${name(this.map)}", written by "${
      name(this.by)
    }", does not decode: ${sentence(this.reason)}`
  }
}

/**
 * This node's clock was set back, so that its writes would be older than what it has, or in the others' future. Nothing
 * was written.
 *
 * @category errors
 * @since 0.1.0
 */
export class MapClockBehind extends Schema.TaggedError<MapClockBehind>()("MapClockBehind", {
  map: Schema.String,
  limit: Schema.Int
}) {
  override get message() {
    return `cannot write to the map "${
      name(this.map)
    }": the clock was set back by more than ${this.limit} ms (maxAhead); set it right, or start the program again`
  }
}

/**
 * The call came after the map's layer was released.
 *
 * @category errors
 * @since 0.1.0
 */
export class MapClosed extends Schema.TaggedError<MapClosed>()("MapClosed", {
  map: Schema.String,
  operation: Schema.String
}) {
  override get message() {
    return `cannot ${this.operation}: the layer of the map "${name(this.map)}" was released`
  }
}

/**
 * The store that keeps the map could not be read when the layer was built.
 *
 * @category errors
 * @since 0.1.0
 */
export class MapStoreFailed extends Schema.TaggedError<MapStoreFailed>()("MapStoreFailed", {
  map: Schema.String,
  key: Schema.String,
  cause: Schema.Defect()
}) {
  override get message() {
    const reason = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `the map "${name(this.map)}" cannot be read from its store (key "${name(this.key)}"): ${
      sentence(reason)
    }; expected a store that works, or ReplicatedMap's "layer" without one`
  }
}
