/**
 * What the status page needs beside the rest of the API: what the agent does, and whether all agents see the same.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import { GossipSent, ProbeEnded, PushPullEnded } from "../../Activity.ts"
import { Agreement } from "../agreement/Conclusion.ts"
import * as Model from "../Model.ts"
import * as Refusal from "../Refusal.ts"

const at = Schema.DateTimeUtc

const { _tag: _gossip, ...gossip } = GossipSent.fields
const { _tag: _probe, ...probe } = ProbeEnded.fields
const { _tag: _pushPull, ...pushPull } = PushPullEnded.fields

/**
 * A probe, a gossip packet or a push/pull of the agent, as one Server-Sent Event: a sample, in which `missed` tells
 * what was left out before.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ActivityView = Schema.Union([
  Model.event("ProbeEnded", { ...probe, at }),
  Model.event("GossipSent", { ...gossip, at }),
  Model.event("PushPullEnded", {
    ...pushPull,
    with: Schema.optionalKey(Schema.String),
    reason: Schema.optionalKey(Schema.String),
    at
  })
])
/** @since 0.1.0 */
export type ActivityView = typeof ActivityView.Type

/**
 * What goes on between the members, and whether they agree.
 *
 * @category groups
 * @since 0.1.0
 */
export const Picture = HttpApiGroup.make("picture", { topLevel: true })
  .add(HttpApiEndpoint.get("activity", "/v1/activity", {
    success: HttpApiSchema.StreamSse({ events: ActivityView }),
    error: Refusal.tooMany
  }))
  .add(HttpApiEndpoint.get("agreement", "/v1/agreement", { success: Agreement }))
