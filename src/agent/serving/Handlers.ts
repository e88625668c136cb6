/**
 * What each path of the API does.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { MemberState } from "../../Member.ts"
import { Memberlist } from "../../Memberlist.ts"
import { UnknownMember } from "../../MemberlistError.ts"
import * as TopicFrame from "../../topic/TopicFrame.ts"
import * as AgentMeta from "../AgentMeta.ts"
import { Api } from "../Api.ts"
import { Inspection } from "../inspection/Inspection.ts"
import * as Fingerprint from "../keys/Fingerprint.ts"
import type { KeyFile } from "../keys/KeyFile.ts"
import * as RingChanges from "../keys/RingChanges.ts"
import type * as Model from "../Model.ts"
import * as PageHandlers from "../page/PageHandlers.ts"
import { NotServing, RequestInvalid, VerdictUnknown } from "../Refusal.ts"
import { Feeds } from "./Feeds.ts"
import { Follower } from "./Follower.ts"
import * as Presentation from "./Presentation.ts"
import * as Sse from "./Sse.ts"
import { Tally } from "./Tally.ts"
import { Topics } from "./Topics.ts"

/** What the agent says of itself. */
export interface Self {
  readonly version: string
  /** Where the API listens. */
  readonly http: string
  readonly token: Model.Info["token"]
  readonly meta: AgentMeta.Form
  readonly preset?: string
}

const cluster = (about: Self) =>
  HttpApiBuilder.group(
    Api,
    "cluster",
    Effect.fnUntraced(function*(handlers) {
      const cluster = yield* Memberlist
      const follower = yield* Follower
      const tally = yield* Tally
      const clock = yield* Clock.Clock
      const inspection = yield* Inspection

      const messages = (yield* Feeds).make()
      let last = 0
      yield* Effect.forkScoped(
        Stream.runForEach(cluster.messages, (message) =>
          Effect.sync(() => {
            // what topics say to each other is told by them
            if (TopicFrame.isOurs(message.payload)) return
            const id = ++last
            if (!messages.isRead()) return
            const { from, via } = message
            const content = Presentation.content(message.payload)
            const at = DateTime.makeUnsafe(clock.currentTimeMillisUnsafe())
            messages.publish((missed) =>
              Sse.text(id, "message", { content, from, via, at, missed: message.missed + missed })
            )
          })),
        { startImmediately: true }
      )

      const known = (name: string) =>
        Effect.gen(function*() {
          const member = yield* cluster.member(name)
          if (Option.isSome(member)) return member.value
          const lost = (yield* cluster.lost).find(({ member }) => member.name === name)
          return lost?.member ?? (yield* Effect.fail(new UnknownMember({ target: name })))
        })
      /** All that are remembered; those that were lost for longer than the dead. */
      const remembered = Effect.gen(function*() {
        const all = new Map((yield* cluster.lost).map(({ member }) => [member.name, member]))
        for (const name of yield* follower.names) {
          const member = yield* cluster.member(name)
          if (Option.isSome(member)) all.set(name, member.value)
        }
        for (const member of yield* cluster.members) all.set(member.name, member)
        return [...all.values()]
      })
      const lost = Effect.gen(function*() {
        const all = yield* cluster.lost
        return yield* Effect.forEach(all, ({ member }) =>
          Effect.map(cluster.member(member.name), Option.getOrElse(() => member)))
      })

      return handlers
        .handle("info", () =>
          Effect.gen(function*() {
            const { advertised, bound, label, name, profile, seeds, snapshot } = cluster.info
            return {
              ...about,
              name,
              bound,
              advertised,
              label,
              protocolProfile: profile,
              seeds,
              snapshot,
              // with a key from the start it may be told to send in clear all the same, while encryption is turned on
              encrypted: cluster.keyring.keysUnsafe().length > 0
                && (cluster.info.encrypted || cluster.info.keyring === "none"),
              members: (yield* cluster.members).length,
              startedAt: follower.startedAt
            }
          }))
        .handle("members", ({ query: { state = "live" } }) =>
          Effect.gen(function*() {
            const members = state === "live" || state === "alive" || state === "suspect"
              ? yield* cluster.members
              : yield* state === "lost" ? lost : remembered
            const wanted = state === "live" || state === "all" || state === "lost"
              ? members
              : members.filter((member) =>
                member.state === state
              )
            return HttpServerResponse.text(yield* follower.list(wanted), { contentType: "application/json" })
          }))
        .handle("member", ({ params }) => Effect.flatMap(known(params.name), follower.view))
        .handle("verdict", ({ params }) =>
          Effect.gen(function*() {
            const { name } = params
            const verdict = yield* cluster.verdict(name)
            if (Option.isSome(verdict)) return Presentation.verdict(verdict.value)
            yield* known(name)
            return yield* Effect.fail(new VerdictUnknown({ member: name }))
          }))
        .handle("verdicts", () => Effect.map(cluster.verdicts, (verdicts) => verdicts.map(Presentation.verdict)))
        .handle("health", () =>
          Effect.gen(function*() {
            const members: Record<MemberState, number> = { alive: 0, suspect: 0, dead: 0, left: 0 }
            for (const { state } of yield* remembered) members[state]++
            return {
              score: yield* cluster.health,
              readiness: Presentation.readiness(yield* cluster.readiness),
              members,
              lost: (yield* cluster.lost).length,
              counters: Object.fromEntries(yield* cluster.counters),
              http: yield* tally.all
            }
          }))
        .handle("events", () => follower.events)
        .handle("messages", () => messages.answer(() => []))
        .handle("join", ({ payload }) =>
          Effect.gen(function*() {
            const report = yield* cluster.join(payload.seeds).pipe(
              Effect.catchTag("JoinFailed", (error) => Effect.fail(Presentation.malformed(error) ?? error))
            )
            return Presentation.join(report, (yield* cluster.members).length)
          }))
        .handle("leave", () => cluster.leave())
        .handle("updateMeta", ({ payload }) =>
          Effect.gen(function*() {
            // null is no metadata, and not the four letters
            const isNone = "json" in payload && payload.json === null
            const bytes = yield* Effect.fromResult(Presentation.bytesOf(isNone ? { text: "" } : payload))
            return yield* cluster.updateMeta((current) => AgentMeta.written(about.meta, bytes, current))
          }))
        .handle("send", ({ params: { name }, payload: { content, reliable } }) =>
          Effect.gen(function*() {
            const bytes = yield* Effect.fromResult(Presentation.bytesOf(content))
            // a name is no address
            yield* cluster.send({ name }, bytes, { reliable }).pipe(Effect.catchTag("AddressInvalid", Effect.die))
          }))
        .handle("ping", ({ params: { name } }) =>
          cluster.ping({ name }).pipe(
            Effect.map((time) => ({ millis: Duration.toMillis(time) })),
            // it is over no stream
            Effect.catchTag(["AddressInvalid", "ExchangeRejected"], Effect.die)
          ))
        .handle("check", ({ payload: { members = [] } }) => inspection.check(members))
    })
  )

const topics = HttpApiBuilder.group(
  Api,
  "topics",
  Effect.fnUntraced(function*(handlers) {
    const topics = yield* Topics
    return handlers
      .handle("publish", ({ params, payload }) =>
        Effect.scoped(Effect.gen(function*() {
          const bytes = yield* Effect.fromResult(Presentation.bytesOf(payload))
          const topic = yield* topics.of(params.topic)
          // all bytes fit the schema
          yield* topic.publish(bytes).pipe(Effect.catchTag("ValueInvalid", Effect.die))
          return { others: yield* topic.others }
        })))
      .handle("subscribe", ({ params }) => Effect.flatMap(topics.of(params.topic), ({ values }) => values))
  })
)

const keys = (keyFile: KeyFile | undefined) =>
  HttpApiBuilder.group(
    Api,
    "keys",
    Effect.fnUntraced(function*(handlers) {
      const { keyring } = yield* Memberlist
      const changes = yield* RingChanges.make(keyring, keyFile)
      return handlers
        .handle("list", () => Effect.map(keyring.keys, Fingerprint.views))
        .handle("add", ({ payload }) =>
          Effect.gen(function*() {
            const key = Base64.decode(payload.key)
            // what is wrong with it is not told: it may be a key, misspelt
            if (Result.isFailure(key)) {
              return yield* Effect.fail(
                new RequestInvalid({ reason: "\"key\" is no base64; expected 16, 24 or 32 bytes" })
              )
            }
            return yield* changes.add(key.success, payload.use === true)
          }))
        .handle("use", ({ params }) => changes.use(params.fingerprint))
        .handle("remove", ({ params }) => changes.remove(params.fingerprint))
    })
  )

const probes = HttpApiBuilder.group(
  Api,
  "probes",
  Effect.fnUntraced(function*(handlers) {
    const cluster = yield* Memberlist
    return handlers
      .handle("live", () => Effect.succeed({ status: "live" as const }))
      .handle(
        "ready",
        () =>
          Effect.flatMap(cluster.readiness, ({ _tag: state }) =>
            state === "Joined" || state === "Alone"
              ? Effect.succeed({ state })
              : Effect.fail(new NotServing({ state })))
      )
      .handle("metrics", () => PrometheusMetrics.format())
  })
)

/** The handlers of all groups. */
export const layer = (about: Self, keyFile: KeyFile | undefined) =>
  Layer.mergeAll(cluster(about), PageHandlers.layer, topics, keys(keyFile), probes)
