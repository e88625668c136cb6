/** The schemas whose bytes are committed, in the versions that members of a rolling upgrade have. */
import * as Schema from "effect/Schema"

/** What members announced first. */
export const Worker = Schema.Struct({ role: Schema.String, weight: Schema.Int })

/** One field more, which the first version does not know. */
export const NewerWorker = Schema.Struct({
  role: Schema.String,
  weight: Schema.Int,
  zone: Schema.optionalKey(Schema.String)
})

/** One optional field less than the newer one, and another that it does not know. */
export const OtherWorker = Schema.Struct({
  role: Schema.String,
  weight: Schema.Int,
  labels: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
})

export class Endpoint extends Schema.Class<Endpoint>("Endpoint")({
  host: Schema.String,
  port: Schema.Port,
  protocol: Schema.Literals(["http", "socket"])
}) {}

/** Everything that a value of ordinary types is made of. */
export const Everything = Schema.Struct({
  text: Schema.String,
  flag: Schema.Boolean,
  small: Schema.Int,
  large: Schema.Number,
  part: Schema.Number,
  bytes: Schema.Uint8Array,
  list: Schema.Array(Schema.Int),
  when: Schema.DateTimeUtc,
  pause: Schema.Duration,
  maybe: Schema.Option(Schema.String),
  endpoint: Endpoint,
  work: Schema.Union([
    Schema.TaggedStruct("Idle", {}),
    Schema.TaggedStruct("Busy", { since: Schema.Int })
  ])
})
