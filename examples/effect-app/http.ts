/** The service's HTTP: what it is for, and what its surroundings ask of it. */
import { Effect, Layer, Schema } from "effect"
import { Memberlist } from "effect-memberlist"
import { HttpMiddleware, HttpRouter, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { Presence, Visits } from "./visits.ts"

/** At most 100 characters: the router finds nothing for longer ones (`maxParamLength`). */
const page = HttpRouter.schemaPathParams(Schema.Struct({ page: Schema.String }))

const visits = HttpRouter.add(
  "POST",
  "/visits/:page",
  Effect.gen(function*() {
    const visits = yield* Visits
    const visit = yield* visits.visit((yield* page).page)
    return HttpServerResponse.jsonUnsafe(visit)
  }).pipe(
    Effect.catchTag(
      "OwnerSilent",
      ({ _tag, owner }) => Effect.succeed(HttpServerResponse.jsonUnsafe({ error: _tag, owner }, { status: 503 }))
    )
  )
)

/** For the other members. Whoever can reach the one above can reach this one too. */
const ownVisits = HttpRouter.add(
  "POST",
  "/own/visits/:page",
  Effect.gen(function*() {
    const visits = yield* Visits
    return HttpServerResponse.jsonUnsafe(yield* visits.count((yield* page).page))
  })
)

const members = HttpRouter.add(
  "GET",
  "/members",
  Effect.gen(function*() {
    const { members } = yield* Memberlist
    const list = (yield* members).map(({ address, name, state }) => ({ name, address, state }))
    return HttpServerResponse.jsonUnsafe(list.toSorted((a, b) => a.name < b.name ? -1 : 1))
  })
)

/** Whether the process runs. It says nothing about others: where it fails, starting it again has to help. */
const live = HttpRouter.add("GET", "/health/live", HttpServerResponse.text("live\n"))

/** Whether requests should come here: it has joined, or there is nobody to join, and it is not about to stop. */
const ready = HttpRouter.add(
  "GET",
  "/health/ready",
  Effect.gen(function*() {
    const cluster = yield* Memberlist
    const presence = yield* Presence
    const readiness = yield* cluster.readiness
    const { isServing } = yield* presence.self
    const isReady = isServing && (readiness._tag === "Joined" || readiness._tag === "Alone")
    return HttpServerResponse.jsonUnsafe({ isServing, cluster: readiness }, { status: isReady ? 200 : 503 })
  })
)

/** Asked every few seconds by others: neither logged nor traced. */
const asked = ["/health/live", "/health/ready", "/metrics"]

export const HttpLive = HttpRouter.serve(
  Layer.mergeAll(visits, ownVisits, members, live, ready, PrometheusMetrics.layerHttp()),
  { disableLogger: true }
).pipe(Layer.provide(HttpMiddleware.layerTracerDisabledForUrls(asked)))
