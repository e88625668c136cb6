/**
 * An eventually consistent map that every member that takes part has a copy of: typed keys and values, the last writer
 * wins, and those who were away catch up. `docs/map.md` says what is promised and what is not.
 *
 * ```ts
 * import { Effect, Layer, Schema } from "effect"
 * import { MemberlistConfig, NodeMemberlist } from "effect-memberlist"
 * import * as ReplicatedMap from "effect-memberlist/ReplicatedMap"
 *
 * const Session = Schema.Struct({ user: Schema.String, cart: Schema.Array(Schema.String) })
 * const Sessions = ReplicatedMap.make("sessions", { key: Schema.String, value: Session })
 * const SessionsLive = Sessions.layer().pipe(
 *   Layer.provideMerge(NodeMemberlist.layer({ ...MemberlistConfig.lan, name: "shop-1" }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const sessions = yield* Sessions
 *   yield* sessions.ready
 *   yield* sessions.set("s-1", { user: "ada", cart: [] }, { ttl: "30 minutes" })
 *   return yield* sessions.get("s-1")
 * })
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as PlainText from "./base/PlainText.ts"
import * as Exchange from "./map/exchange/Exchange.ts"
import * as MapFrame from "./map/exchange/MapFrame.ts"
import type { Ended } from "./map/exchange/Pull.ts"
import { FirstComparison } from "./map/FirstComparison.ts"
import * as Entry from "./map/MapEntry.ts"
import { MapClockBehind, MapClosed, type MapNameInvalid, MapStoreFailed } from "./map/MapErrors.ts"
import * as MapInput from "./map/MapInput.ts"
import * as MapNews from "./map/MapNews.ts"
import * as MapOptions from "./map/MapOptions.ts"
import type { Service, SetOptions } from "./map/MapService.ts"
import { PendingWrites } from "./map/PendingWrites.ts"
import { Persistence } from "./map/Persistence.ts"
import * as Replica from "./map/Replica.ts"
import { Memberlist } from "./Memberlist.ts"
import { NotParticipating } from "./MemberlistError.ts"
import * as Topic from "./Topic.ts"

export * from "./map/MapErrors.ts"
export type { Options } from "./map/MapOptions.ts"
export type { Change, Discarded, Invalid, Service, SetOptions, WriteError } from "./map/MapService.ts"

/**
 * Why the layer of a map may not start.
 *
 * @category errors
 * @since 0.1.0
 */
export type StartError = MapNameInvalid | Topic.StartError

/**
 * What a map's service is known by in types.
 *
 * @category models
 * @since 0.1.0
 */
export interface Identity<Name extends string> {
  readonly "~effect-memberlist/ReplicatedMap": Name
}

/**
 * The key of a map's service, to be yielded, and its layers. A node has one layer of a map; each call makes another
 * one, so keep it.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReplicatedMap<Name extends string, K, V> extends Context.Service<Identity<Name>, Service<K, V>> {
  readonly map: Name
  /** Takes part for as long as it lives, and says so in the node's metadata. It begins with nothing. */
  readonly layer: (options?: MapOptions.Options) => Layer.Layer<Identity<Name>, StartError, Memberlist>
  /**
   * Also keeps the copy in a `KeyValueStore`, which no other node may use, and begins with what is there. A store that
   * cannot be read is an error; bytes that are not what was written are passed over with a warning; a store that fails
   * later is told of in the log, and the map goes on.
   */
  readonly layerPersisted: (
    options?: MapOptions.Options
  ) => Layer.Layer<Identity<Name>, StartError | MapStoreFailed, Memberlist | KeyValueStore.KeyValueStore>
}

/** Between two looks at what has expired, and at who takes part. Milliseconds, as all of these. */
const SWEEP = 1_000
/** The share by which the interval of comparisons varies. */
const JITTER = 0.25
/** Until a first comparison is tried again. */
const RETRY = 1_000
/** Until who takes part is known, after the layer was built. */
const SETTLING = 500
/** How long the release of the layer waits for writes to be sent, and for the store. */
const FAREWELL = 2_000
/** Until a message that was published has been passed on, also where one that would pass it on has just crashed. */
const LINGER = 600
const WARNING_PAUSE = 60_000
/** Entries that are decoded before others have their turn. */
const DECODED = 1_024

const start = Effect.fnUntraced(function*<K, V>(
  map: string,
  schemas: MapInput.Schemas<K, V>,
  options: MapOptions.Options,
  persistence: Persistence | undefined
): Effect.fn.Return<Service<K, V>, StartError | MapStoreFailed, Memberlist | Scope.Scope> {
  yield* MapInput.name(map)
  const settings = yield* MapOptions.checked(options)
  const cluster = yield* Memberlist
  const clock = yield* Clock.Clock
  const { name: self } = yield* cluster.localMember
  const input = MapInput.make(map, schemas, settings)
  const now = () => Math.floor(clock.currentTimeMillisUnsafe())
  const rules: Replica.Rules = {
    life: settings.removalLife,
    ahead: settings.maxAhead,
    mostEntries: MapInput.OTHERS * settings.maxEntries,
    mostBytes: MapInput.OTHERS * settings.maxBytes
  }

  const counts = new Map<string, number>()
  const count = (what: string, by = 1): void => void counts.set(what, (counts.get(what) ?? 0) + by)
  const warned = new Map<string, number>()
  /** Warns, but of one matter once a minute. */
  const warn = (matter: string, message: string, ...more: ReadonlyArray<unknown>) =>
    Effect.suspend(() => {
      const at = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      if (at - (warned.get(matter) ?? Number.NEGATIVE_INFINITY) < WARNING_PAUSE) return Effect.void
      warned.set(matter, at)
      return Effect.logWarning(`the map ${map}: ${message}`, ...more)
    })

  const loaded = persistence === undefined ? undefined : yield* persistence.load.pipe(
    Effect.mapError((cause) => new MapStoreFailed({ map, key: cause.key ?? "", cause }))
  )
  if (loaded?._tag === "Broken") {
    count("store.broken")
    yield* warn("broken", `what its store has under "${loaded.key}" is not what was written; it begins with nothing`)
  }
  const kept = loaded?._tag === "Kept" ? loaded.kept : undefined
  const replica = new Replica.Replica(self, now(), rules, kept && { ...kept, entries: [] })
  for (let from = 0; from < (kept?.entries.length ?? 0); from += Replica.SLICE) {
    replica.restore(kept?.entries.slice(from, from + Replica.SLICE) ?? [], now())
    yield* Effect.yieldNow
  }

  const frames = Topic.make(`map/${map}`, Schema.Uint8Array)
  const topic = yield* Effect.map(
    Layer.build(Layer.fresh(frames.layer({
      maxValueBytes: MapFrame.MAX_FRAME + 1_024,
      peerRate: 8_192,
      windowAge: Math.min(60_000, Math.max(1_000, settings.maxAhead))
    }))),
    Context.get(frames)
  )

  const outbox = new PendingWrites(settings.pendingWrites)
  const soon = Latch.makeUnsafe(false)
  const first = new FirstComparison()
  const began = Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const age = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6 - began
  let isClosed = false
  /** Whether a comparison came to an end, be it that nothing could be merged: soon again would be the same. */
  let hasEnded = false
  let publishedAt = Number.NEGATIVE_INFINITY

  const news = MapNews.make<K, V>({ capacity: settings.changeBuffer, count, input, replica })

  const exchange = yield* Exchange.make({
    replica,
    rules,
    now,
    count,
    merged: news.tell,
    send: (name, bytes) =>
      topic.send({ name }, bytes, { reliable: true }).pipe(
        Effect.as(true),
        Effect.catch(({ _tag }) =>
          Effect.sync(() => {
            count(`frame.unsent:${_tag}`)
            return false
          })
        )
      )
  })

  const receive = ({ from, missed, value, via }: Topic.Received<Uint8Array>): void => {
    if (missed > 0) {
      count("frame.missed", missed)
      Latch.openUnsafe(soon)
    }
    // what we wrote is here already
    if (from === self) return
    const frame = MapFrame.decode(value)
    if (typeof frame === "string") {
      count(`frame.ignored:${frame}`)
      if (frame === "Malformed") news.invalid.tell({ key: Option.none(), from, reason: "no frame of a map" })
      return
    }
    count(`frame.received:${frame._tag}`)
    if (frame._tag !== "Delta") {
      if (via === "send") exchange.take(from, frame)
      else count("frame.ignored:Published")
      return
    }
    news.tell(replica.delta(frame.entries, now()))
  }

  const ended = Effect.fnUntraced(function*(peer: string, end: Ended): Effect.fn.Return<void> {
    count(`compared:${end._tag}`)
    hasEnded = true
    const shown = PlainText.name(peer)
    switch (end._tag) {
      case "Merged":
      case "Replaced": {
        yield* news.tellMuch(end)
        if (end.refused.size > 0) {
          first.failed()
          return yield* warn(
            "refused",
            `not all that "${shown}" has could be merged (${[...end.refused.keys()].join(", ")})`
          )
        }
        first.done()
        if (end.lost.length === 0) return
        return yield* Effect.logWarning(
          `the map ${map}: ${end.lost.length} writes are gone, because a copy was out of date; "discarded" has them`
        )
      }
      case "ClockApart":
        first.failed()
        return yield* warn(
          "clock",
          `the clock of "${shown}" is ${end.by} ms from ours; at most ${rules.ahead} are merged`
        )
      case "Refused":
        first.failed()
        return yield* warn("answer", `"${shown}" answered what was not asked: ${end.reason}`)
      case "TheirsOutOfDate": {
        // ours is the one that counts
        first.done()
      }
    }
  })

  const others = Effect.map(topic.participants, (all) => all.filter(({ name }) => name !== self))
  const known = new Set<string>()
  const sweeping = Effect.gen(function*() {
    yield* Effect.sleep(SWEEP)
    for (;;) {
      news.tellChanges(replica.sweep(now()))
      if (!replica.hasOverdue) break
      yield* Effect.yieldNow
    }
    const names = new Set((yield* others).map(({ name }) => name))
    // who is new, or back, may have what we lack
    if ([...names].some((name) => !known.has(name))) Latch.openUnsafe(soon)
    known.clear()
    for (const name of names) known.add(name)
  })

  const comparing = Effect.gen(function*() {
    const share = yield* Random.nextBetween(1 - JITTER, 1 + JITTER)
    const pause = hasEnded ? share * settings.syncInterval : share * RETRY
    yield* Effect.raceFirst(Effect.sleep(pause), Effect.andThen(soon.await, Effect.sleep(share * SWEEP / 2)))
    Latch.closeUnsafe(soon)
    const all = yield* others
    if (all.length === 0 || isClosed) return
    const chosen = all[yield* Random.nextIntBetween(0, all.length - 1)]
    if (chosen === undefined) return
    const end = yield* exchange.compare(chosen.name)
    if (Option.isSome(end)) yield* ended(chosen.name, end.value)
    else count("compared:Unfinished")
  })

  const publishing = outbox.publish((entries) =>
    topic.publish(MapFrame.encode({ _tag: "Delta", entries })).pipe(
      Effect.match({
        onFailure: ({ _tag }) => count(`delta.unsent:${_tag}`),
        onSuccess: () => {
          count("delta.sent")
          publishedAt = age()
        }
      })
    )
  )

  /** Writes to the store; whether there is no more to do. */
  const save = persistence === undefined ?
    Effect.succeed(true) :
    Effect.suspend(() => persistence.save(replica, now)).pipe(
      Effect.tap((isWhole) => Effect.sync(() => isWhole ? count("store.written") : undefined)),
      Effect.catchCause((cause) => {
        if (Cause.hasInterruptsOnly(cause)) return Effect.succeed(true)
        count("store.failed")
        return Effect.as(warn("store", "its store fails; the map goes on without it", cause), true)
      })
    )
  let savedAt = 0
  const saving = Effect.gen(function*() {
    yield* Effect.sleep(settings.writeInterval)
    // without changes too, because it says how late it was
    if (replica.touched.size === 0 && age() - savedAt < settings.removalLife / 16) return
    if (yield* save) savedAt = age()
  })

  /** Keeps something going until the layer ends, whatever goes wrong in it. */
  const always = (what: string, effect: Effect.Effect<void>) =>
    effect.pipe(
      Effect.catchCause((cause) =>
        Effect.andThen(
          Effect.sync(() => count(`defect:${what}`)),
          Effect.andThen(
            Effect.logWarning(`the map ${map}: ${what} failed, and goes on`, cause),
            Effect.sleep("1 second")
          )
        )
      ),
      Effect.forever,
      Effect.forkScoped({ startImmediately: true })
    )
  yield* always(
    "receiving",
    Effect.andThen(
      Stream.runForEach(topic.subscribe, (received) => Effect.sync(() => receive(received))),
      Effect.never
    )
  )
  yield* always("sweeping", sweeping)
  yield* always("comparing", comparing)
  yield* always("publishing", publishing)
  if (persistence !== undefined) yield* always("saving", saving)

  // the first to happen: what was written is sent, and kept, while the rest still works
  yield* Effect.addFinalizer(() =>
    Effect.gen(function*() {
      isClosed = true
      first.done()
      outbox.end()
      news.end()
      const flush = Effect.gen(function*() {
        while (!outbox.isEmpty) yield* Effect.sleep(10)
        const left = LINGER - (age() - publishedAt)
        // what is published is sent in the background, which ends with the topic
        if (left > 0 && (yield* others).length > 0) yield* Effect.sleep(left)
      })
      yield* Effect.interruptible(flush).pipe(Effect.timeoutOption(FAREWELL), Effect.ignore)
      // what is merged while it is written makes it begin again
      const saving = Effect.gen(function*() {
        while (!(yield* save)) yield* Effect.sleep(10)
      })
      yield* Effect.interruptible(saving).pipe(Effect.timeoutOption(FAREWELL), Effect.ignore)
    })
  )

  const live = (key: string): Entry.Entry | undefined => {
    const entry = replica.table.get(key)
    return entry !== undefined && Entry.isLive(entry, replica.at(now())) ? entry : undefined
  }

  /** Writes in one step, which nothing comes between, as soon as there is room. */
  const writing = <A, E>(operation: string, step: () => Result.Result<A, E>) =>
    Effect.gen(function*() {
      for (;;) {
        yield* outbox.room
        const { state } = yield* cluster.localMember
        const result = yield* Effect.suspend(
          (): Effect.Effect<Option.Option<A>, E | MapClosed | NotParticipating | MapClockBehind> => {
            if (isClosed) return Effect.fail(new MapClosed({ map, operation }))
            if (state === "left") return Effect.fail(new NotParticipating({ operation }))
            if (replica.isBehind(now())) return Effect.fail(new MapClockBehind({ map, limit: rules.ahead }))
            return outbox.hasRoom ? Effect.fromResult(Result.map(step(), Option.some)) : Effect.succeedNone
          }
        )
        if (Option.isSome(result)) return result.value
      }
    })
  const write = (key: string, value: Uint8Array | undefined, ttl: number | undefined): void => {
    const at = replica.at(now())
    const { changes, entry } = replica.write(key, value, ttl === undefined ? undefined : at + ttl, at)
    count(value === undefined ? "entry.removed" : "entry.written")
    outbox.add(entry)
    news.tellChanges(changes)
  }
  /** Writes what a function makes of the value that there is. */
  const writeOf = <E>(operation: string, key: K, f: (text: string) => Result.Result<V, E>, options?: SetOptions) =>
    Effect.gen(function*() {
      const text = yield* Effect.fromResult(input.keyOf(key))
      const ttl = yield* Effect.fromResult(input.ttlOf(options?.ttl))
      return yield* writing(operation, () =>
        Result.flatMap(f(text), (value) =>
          input.bytesOf(text, value).pipe(
            Result.flatMap((bytes) => input.fits(replica.table, text, bytes)),
            Result.map((bytes) => {
              write(text, bytes, ttl)
              return value
            })
          )))
    })

  return {
    get: (key) =>
      Effect.flatMap(
        Effect.suspend(() => Effect.fromResult(input.keyOf(key))),
        (text) => Effect.fromResult(input.valueOf(text, live(text)))
      ),
    has: (key) =>
      Effect.map(Effect.suspend(() => Effect.fromResult(input.keyOf(key))), (text) => live(text) !== undefined),
    set: (key, value, options) => Effect.asVoid(writeOf("set", key, () => Result.succeed(value), options)),
    update: (key, f, options) =>
      writeOf("update", key, (text) => Result.map(input.valueOf(text, live(text)), f), options),
    remove: (key) =>
      Effect.gen(function*() {
        const text = yield* Effect.fromResult(input.keyOf(key))
        return yield* writing("remove", () => {
          const wasThere = live(text) !== undefined
          if (wasThere) write(text, undefined, undefined)
          return Result.succeed(wasThere)
        })
      }),
    entries: Effect.gen(function*() {
      const at = replica.at(now())
      // as they are at this moment, decoded in parts, so that others have their turn
      const all = replica.table.all()
      const found: Array<readonly [K, V]> = []
      for (const [i, entry] of all.entries()) {
        if (i > 0 && i % DECODED === 0) yield* Effect.yieldNow
        if (!Entry.isLive(entry, at)) continue
        const key = input.decodeKey(entry.key)
        const value = input.decodeValue(entry.value)
        if (Result.isSuccess(key) && Result.isSuccess(value)) found.push([key.success, value.success])
      }
      return found
    }),
    size: Effect.sync(() => replica.table.valued),
    changes: Stream.map(news.changes.stream, ([change, missed]) => ({ ...change, missed })),
    discarded: Stream.map(news.discarded.stream, ([lost, missed]) => ({ ...lost, missed })),
    invalid: Stream.map(news.invalid.stream, ([value]) => value),
    ready: Effect.gen(function*() {
      const wait = SETTLING - age()
      if (wait > 0) yield* Effect.sleep(wait)
      yield* first.wait(Effect.map(others, (all) => all.length === 0))
    }),
    participants: topic.participants,
    counters: Effect.sync(() => new Map(counts))
  }
})

/**
 * A map: a name, which is the same at every member, and the schemas of its keys, which are encoded as text, and of its
 * values. The schemas of values may change as `SchemaBinary`'s default mode allows, so that members of two versions
 * understand each other; they need no services, and encode and decode at once.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <const Name extends string, K, V>(
  map: Name,
  schemas: MapInput.Schemas<K, V>
): ReplicatedMap<Name, K, V> => {
  const key = Context.Service<Identity<Name>, Service<K, V>>(`effect-memberlist/ReplicatedMap/${map}`)
  return Object.assign(key, {
    map,
    layer: (options: MapOptions.Options = {}): Layer.Layer<Identity<Name>, StartError, Memberlist> =>
      Layer.effect(
        key,
        Effect.catchTag(start(map, schemas, options, undefined), "MapStoreFailed", (error) => Effect.die(error))
      ),
    layerPersisted: (options: MapOptions.Options = {}) =>
      Layer.effect(
        key,
        Effect.flatMap(
          KeyValueStore.KeyValueStore,
          (store) => start(map, schemas, options, new Persistence(store, map))
        )
      )
  })
}
