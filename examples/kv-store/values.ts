/** What the nodes share: a map of keys to texts and JSON. */
import { Schema } from "effect"
import * as ReplicatedMap from "effect-memberlist/ReplicatedMap"

/** A value as it was sent; the text of JSON is kept as it is. */
export const Value = Schema.Struct({ type: Schema.Literals(["text", "json"]), text: Schema.String })

export const Values = ReplicatedMap.make("kv-store", { key: Schema.String, value: Value })

export type Values = ReplicatedMap.Identity<"kv-store">

/** Bytes of a text. What is kept beside it is less than 64 bytes. */
export const MAX_TEXT = 65_536

export const options = (maxKeys: number): ReplicatedMap.Options => ({
  maxEntries: maxKeys,
  maxBytes: 16 * 1024 * 1024,
  maxValueBytes: MAX_TEXT + 64,
  // Quicker than the defaults, so that there is something to see. How long a removal is remembered is the default, an hour.
  syncInterval: "2 seconds",
  writeInterval: "500 millis"
})
