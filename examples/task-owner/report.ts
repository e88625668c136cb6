/** What a node says about its work, one line of JSON each. */
import { Schema } from "effect"

/** All that is to be done. In a program of your own: the shards of a table, customers, devices, feeds. */
export const tasks: ReadonlyArray<string> = Array.from({ length: 64 }, (_, i) => `task-${i}`)

/** Milliseconds since 1970. */
const at = Schema.Int

export const Report = Schema.Union([
  Schema.TaggedStruct("Listens", { at, address: Schema.String }),
  /** It has ended whatever is not its own on a ring of these members. */
  Schema.TaggedStruct("Follows", { at, members: Schema.Array(Schema.String) }),
  Schema.TaggedStruct("Begun", { at, task: Schema.String }),
  Schema.TaggedStruct("Ended", { at, task: Schema.String, ticks: Schema.Int })
])
export type Report = typeof Report.Type
