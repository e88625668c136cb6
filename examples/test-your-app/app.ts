/**
 * The application under test: once a minute, one of the members deletes what has expired. The ring says who tries, so
 * that not all do; the database says who does, so that it happens once.
 *
 * In production its layers stand above `NodeMemberlist.layerEnv` and a `Store` over the database. The test puts others there,
 * and this file does not notice.
 */
import { Clock, Context, Effect, Layer, Option, Schema } from "effect"
import { Memberlist } from "effect-memberlist"
import * as MemberMeta from "effect-memberlist/MemberMeta"
import { Ring } from "effect-memberlist/Ring"

/** The database is away, and may be back soon. */
export class StoreAway extends Schema.TaggedError<StoreAway>()("StoreAway", {}) {}

/** What it needs of a database. */
export class Store extends Context.Service<Store, {
  /** Whether this minute is ours: `INSERT INTO cleanups (minute, by) VALUES (?, ?) ON CONFLICT DO NOTHING`. */
  readonly claim: (minute: number, by: string) => Effect.Effect<boolean, StoreAway>
  /** Deletes what has expired. */
  readonly deleteExpired: Effect.Effect<void, StoreAway>
}>()("Store") {}

/** Each member announces whether it is available for this. */
export const Duty = MemberMeta.make(Schema.Struct({ isAvailable: Schema.Boolean }))

const RingLive = Ring.layer({
  eligible: (member) => Option.exists(Duty.get(member), ({ isAvailable }) => isAvailable)
})

const MINUTE = 60_000

export class Janitor extends Context.Service<Janitor, {
  /** Who is to do it, as this member sees it; none where nobody is available. */
  readonly onDuty: Effect.Effect<Option.Option<string>>
  /** Announces whether this member is available. */
  readonly setAvailable: (isAvailable: boolean) => Effect.Effect<void, MemberMeta.ChangeError>
}>()("Janitor") {
  static readonly layer = Layer.effect(
    Janitor,
    Effect.gen(function*() {
      const cluster = yield* Memberlist
      const duty = yield* Duty
      const ring = yield* Ring
      const store = yield* Store
      const onDuty = Effect.option(Effect.map(ring.ownerOf("clean-up"), ({ name }) => name))

      const cleanUp = Effect.gen(function*() {
        const minute = Math.floor((yield* Clock.currentTimeMillis) / MINUTE)
        if (yield* store.claim(minute, cluster.info.name)) yield* store.deleteExpired
      }).pipe(
        Effect.catch((error) => Effect.logWarning("not cleaned up; the next minute is another chance", error))
      )

      yield* Effect.gen(function*() {
        yield* Effect.sleep(MINUTE - (yield* Clock.currentTimeMillis) % MINUTE)
        if (Option.contains(yield* onDuty, cluster.info.name)) yield* cleanUp
      }).pipe(Effect.forever, Effect.forkScoped)

      return Janitor.of({
        onDuty,
        setAvailable: (isAvailable) => Effect.asVoid(duty.update(() => ({ isAvailable })))
      })
    })
  )
}

export const AppLive = Janitor.layer.pipe(
  Layer.provide(RingLive),
  Layer.provide(Duty.layer({ isAvailable: true }))
)
