/**
 * What the service does: it counts the visits of pages. Each page is counted in the memory of one member, which the ring
 * gives; the others pass a visit on to it.
 */
import { Context, Effect, Layer, Metric, Option, Schema } from "effect"
import { type Member, Memberlist } from "effect-memberlist"
import * as MemberMeta from "effect-memberlist/MemberMeta"
import { Ring } from "effect-memberlist/Ring"
import { HttpClient, HttpClientResponse } from "effect/http"

/** What each member announces: where its HTTP server listens, and whether visits may be passed on to it. */
export const Presence = MemberMeta.make(Schema.Struct({ httpPort: Schema.Port, isServing: Schema.Boolean }))

/** Only members that serve own pages: one that stops gives its own away before it goes. */
export const RingLive = Ring.layer({
  eligible: (member) => Option.exists(Presence.get(member), ({ isServing }) => isServing)
})

export const Visit = Schema.Struct({ page: Schema.String, visits: Schema.Int, countedBy: Schema.String })

/** The owner did not answer. Whether the visit was counted is not known, so it is not sent again. */
export class OwnerSilent extends Schema.TaggedError<OwnerSilent>()("OwnerSilent", {
  page: Schema.String,
  owner: Schema.String
}) {}

/** More pages than that are not counted at once; the one that was visited least recently is forgotten. */
const MAX_PAGES = 10_000

const counted = Metric.counter("visits.counted", { description: "visits counted by this member", incremental: true })
const passedOn = Metric.counter("visits.passedOn", { description: "visits for other members", incremental: true })

const urlOf = (owner: Member, page: string) => {
  const host = owner.address.slice(0, owner.address.lastIndexOf(":"))
  const port = Option.match(Presence.get(owner), { onNone: () => 80, onSome: ({ httpPort }) => httpPort })
  return `http://${host}:${port}/own/visits/${encodeURIComponent(page)}`
}

export class Visits extends Context.Service<Visits, {
  /** Counts a visit at the member that the page belongs to. */
  readonly visit: (page: string) => Effect.Effect<typeof Visit.Type, OwnerSilent>
  /** Counts it here, whoever the owner is: for those that another member has passed on. */
  readonly count: (page: string) => Effect.Effect<typeof Visit.Type>
}>()("Visits") {
  static readonly layer = Layer.effect(
    Visits,
    Effect.gen(function*() {
      const cluster = yield* Memberlist
      const ring = yield* Ring
      const client = HttpClient.filterStatusOk(yield* HttpClient.HttpClient)
      const self = cluster.info.name
      const pages = new Map<string, number>()

      const count = Effect.fn("Visits.count")(function*(page: string) {
        const visits = (pages.get(page) ?? 0) + 1
        pages.delete(page) // and to the end
        pages.set(page, visits)
        for (const oldest of pages.keys()) {
          if (pages.size <= MAX_PAGES) break
          pages.delete(oldest)
        }
        yield* Metric.update(counted, 1)
        return { page, visits, countedBy: self }
      })

      const visit = Effect.fn("Visits.visit")(function*(page: string) {
        // where nobody takes pages, because the last member stops, they are counted where they come
        const owner = yield* Effect.catchTag(ring.ownerOf(page), "RingEmpty", () => cluster.localMember)
        yield* Effect.annotateCurrentSpan({ page, owner: owner.name })
        if (owner.name === self) return yield* count(page)
        yield* Metric.update(passedOn, 1)
        // the trace goes with it: the span of the request is the parent of those over there
        return yield* client.post(urlOf(owner, page)).pipe(
          Effect.flatMap(HttpClientResponse.schemaBodyJson(Visit)),
          Effect.timeout("2 seconds"),
          Effect.mapError(() => new OwnerSilent({ page, owner: owner.name }))
        )
      })

      return Visits.of({ count, visit })
    })
  )
}
