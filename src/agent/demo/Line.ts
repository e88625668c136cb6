/**
 * What a demo member tells the demo: one JSON value a line, on standard output.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { MemberState } from "../../Member.ts"

export class Ready extends Schema.TaggedClass<Ready>()("Ready", { name: Schema.String, address: Schema.String }) {}

export class View extends Schema.TaggedClass<View>()("View", {
  members: Schema.Array(Schema.Struct({ name: Schema.String, address: Schema.String, state: MemberState }))
}) {}

export const EventName = Schema.Literals([
  "MemberJoined",
  "MemberUpdated",
  "MemberSuspected",
  "MemberRecovered",
  "MemberFailed",
  "MemberLeft",
  "MemberReachabilityChanged",
  "MemberConflict"
])
export type EventName = typeof EventName.Type

export class Happened extends Schema.TaggedClass<Happened>()("Happened", { event: EventName, member: Schema.String }) {}

export const Line = Schema.fromJsonString(Schema.Union([Ready, View, Happened]))
export type Line = typeof Line.Type
