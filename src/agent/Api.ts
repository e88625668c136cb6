/**
 * The agent's HTTP API as a value: its paths, what they take, and what they answer. The server is built from it, and so
 * is a client: `HttpApiClient.make(Api, …)` of `effect/http-api`. `docs/agent.md` shows it by example.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Schema from "effect/Schema"
import { MemberState } from "../Member.ts"
import * as Model from "./Model.ts"
import { VERSION } from "./PackageVersion.ts"
import { Picture } from "./page/PageApi.ts"
import * as Refusal from "./Refusal.ts"

/**
 * What is asked of every request before anything is done: where it comes from, its token, its length, and that there
 * are not too many.
 *
 * @category middleware
 * @since 0.1.0
 */
export class Access extends HttpApiMiddleware.Service<Access>()("effect-memberlist/agent/Access", {
  error: [
    Refusal.requestInvalid,
    Refusal.tokenRequired,
    Refusal.originRefused,
    Refusal.bodyTooLarge,
    Refusal.contentTypeRefused,
    Refusal.tooMany,
    Refusal.agentDefect
  ]
}) {}

/** Seeds of one join. */
const MAX_SEEDS = 1_024

/** Members that one check looks at. */
export const MAX_CHECKED = 16

const name = { name: Schema.String }
const topic = { topic: Schema.String }
const fingerprint = { fingerprint: Schema.String }

/**
 * The cluster as the agent sees it, and the agent's own part in it.
 *
 * @category groups
 * @since 0.1.0
 */
export const Cluster = HttpApiGroup.make("cluster", { topLevel: true })
  .add(HttpApiEndpoint.get("info", "/v1/info", { success: Model.Info }))
  .add(HttpApiEndpoint.get("members", "/v1/members", {
    /** Without it, the live members: those that are alive or suspect. `lost`: the dead that may come back. */
    query: { state: Schema.optionalKey(Schema.Literals([...MemberState.literals, "lost", "live", "all"])) },
    success: Schema.Array(Model.MemberView)
  }))
  .add(HttpApiEndpoint.get("member", "/v1/members/:name", {
    params: name,
    success: Model.MemberView,
    error: Refusal.unknownMember
  }))
  .add(HttpApiEndpoint.get("verdict", "/v1/members/:name/verdict", {
    params: name,
    success: Model.VerdictView,
    error: [Refusal.unknownMember, Refusal.verdictUnknown]
  }))
  .add(HttpApiEndpoint.get("verdicts", "/v1/verdicts", { success: Schema.Array(Model.VerdictView) }))
  .add(HttpApiEndpoint.get("health", "/v1/health", { success: Model.HealthView }))
  .add(HttpApiEndpoint.get("events", "/v1/events", {
    success: HttpApiSchema.StreamSse({ events: Model.EventView })
  }))
  .add(HttpApiEndpoint.get("messages", "/v1/messages", {
    success: HttpApiSchema.StreamSse({ events: Model.MessageView })
  }))
  .add(HttpApiEndpoint.post("join", "/v1/join", {
    payload: Schema.Struct({ seeds: Schema.NonEmptyArray(Schema.String).check(Schema.isMaxLength(MAX_SEEDS)) }),
    success: Model.JoinView,
    error: [Refusal.requestInvalid, Refusal.joinFailed, Refusal.memberlistClosed]
  }))
  .add(HttpApiEndpoint.post("leave", "/v1/leave", {
    success: Model.NewsView,
    error: Refusal.memberlistClosed
  }))
  .add(HttpApiEndpoint.put("updateMeta", "/v1/meta", {
    payload: Model.Input,
    success: Model.NewsView,
    error: [
      Refusal.requestInvalid,
      Refusal.metaFull,
      Refusal.metaTooLarge,
      Refusal.metaForeign,
      Refusal.notParticipating,
      Refusal.memberlistClosed
    ]
  }))
  .add(HttpApiEndpoint.post("send", "/v1/members/:name/message", {
    params: name,
    payload: Schema.Struct({
      content: Model.Input,
      /** Over a stream, written in full; else in one datagram that may be lost. */
      reliable: Schema.optionalKey(Schema.Boolean)
    }),
    error: [
      Refusal.requestInvalid,
      Refusal.nodeNameRequired,
      Refusal.unknownMember,
      Refusal.messageTooLarge,
      Refusal.transportError,
      Refusal.memberlistClosed
    ]
  }))
  .add(HttpApiEndpoint.post("ping", "/v1/members/:name/ping", {
    params: name,
    success: Schema.Struct({ millis: Schema.Finite }),
    error: [
      Refusal.nodeNameRequired,
      Refusal.unknownMember,
      Refusal.transportError,
      Refusal.pingTimeout,
      Refusal.memberlistClosed
    ]
  }))
  .add(HttpApiEndpoint.post("check", "/v1/check", {
    /** Members by name; without them, some by chance. */
    payload: Schema.Struct({
      members: Schema.optionalKey(Schema.Array(Schema.String).check(Schema.isMaxLength(MAX_CHECKED)))
    }),
    success: Model.CheckView,
    error: [Refusal.requestInvalid, Refusal.unknownMember, Refusal.tooMany]
  }))

const takingPart = [
  Refusal.topicInvalid,
  Refusal.topicTaken,
  Refusal.metaForeign,
  Refusal.notParticipating,
  Refusal.metaTooLarge,
  Refusal.tooMany,
  Refusal.topicClosed,
  Refusal.memberlistClosed
] as const

/**
 * Messages to all agents that take part in a topic. An agent takes part from the first call on.
 *
 * @category groups
 * @since 0.1.0
 */
export const Topics = HttpApiGroup.make("topics")
  .add(HttpApiEndpoint.post("publish", "/v1/topics/:topic", {
    params: topic,
    payload: Model.Input,
    success: Model.PublishView,
    error: [Refusal.requestInvalid, Refusal.valueTooLarge, ...takingPart]
  }))
  .add(HttpApiEndpoint.get("subscribe", "/v1/topics/:topic", {
    params: topic,
    success: HttpApiSchema.StreamSse({ events: Model.ValueView }),
    error: takingPart
  }))

/**
 * The keys of this agent, by their fingerprints. A change is in force, and written to the agent's key file where it has
 * one, before it is answered.
 *
 * @category groups
 * @since 0.1.0
 */
export const Keys = HttpApiGroup.make("keys")
  .add(HttpApiEndpoint.get("list", "/v1/keys", { success: Schema.Array(Model.KeyView) }))
  .add(HttpApiEndpoint.post("add", "/v1/keys", {
    payload: Schema.Struct({
      /** In base64: 16, 24 or 32 bytes. */
      key: Schema.String,
      /** Whether it becomes the primary key at once. */
      use: Schema.optionalKey(Schema.Boolean)
    }),
    success: Model.KeyChange,
    error: [Refusal.requestInvalid, Refusal.keyInvalid, Refusal.keyringRefused, Refusal.encryptionOff]
  }))
  .add(HttpApiEndpoint.put("use", "/v1/keys/:fingerprint", {
    params: fingerprint,
    success: Model.KeyChange,
    error: [Refusal.keyUnknown, Refusal.keyringRefused]
  }))
  .add(HttpApiEndpoint.delete("remove", "/v1/keys/:fingerprint", {
    params: fingerprint,
    success: Model.Persistence,
    error: [Refusal.keyUnknown, Refusal.keyringRefused]
  }))

/**
 * For those who look after programs: what Kubernetes and load balancers ask, and what Prometheus reads.
 *
 * @category groups
 * @since 0.1.0
 */
export const Probes = HttpApiGroup.make("probes")
  .add(HttpApiEndpoint.get("live", "/health/live", { success: Schema.Struct({ status: Schema.Literal("live") }) }))
  .add(HttpApiEndpoint.get("ready", "/health/ready", {
    success: Schema.Struct({ state: Schema.Literals(["Joined", "Alone"]) }),
    error: Refusal.notServing
  }))
  .add(HttpApiEndpoint.get("metrics", "/metrics", {
    success: Schema.String.pipe(HttpApiSchema.asText({ contentType: "text/plain; version=0.0.4; charset=utf-8" }))
  }))

/**
 * All of it. `/openapi.json` describes it to programs in other languages.
 *
 * @category APIs
 * @since 0.1.0
 */
export const Api = HttpApi.make("effect-memberlist-agent")
  .add(Cluster)
  .add(Picture)
  .add(Topics)
  .add(Keys)
  .add(Probes)
  .middleware(Access)
  .annotateMerge(OpenApi.annotations({
    title: "effect-memberlist agent",
    version: VERSION,
    description: "The cluster as one of its members sees it, and that member's part in it."
  }))
