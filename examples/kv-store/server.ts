/** The HTTP server of a node. */
import { ByteSize, type Cause, Duration, Effect, Layer, Option, Queue, Schema, Stream } from "effect"
import { Memberlist } from "effect-memberlist"
import { Sse } from "effect/encoding"
import { HttpIncomingMessage, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { MAX_TEXT, type Value, Values } from "./values.ts"

/** Those that watch at a time. */
const MAX_WATCHERS = 100
/** Bytes of the values in one answer to a list, but for the last one. */
const PAGE_BYTES = 1024 * 1024
/** How long a node that begins waits for those that have what it lacks. */
const PATIENCE = "10 seconds"

class Refused extends Schema.TaggedError<Refused>()("Refused", {
  error: Schema.String,
  status: Schema.Int,
  message: Schema.String
}) {}

/** The map's errors. Those that may be over in a moment are 503. */
const statuses: Record<string, number> = {
  MapKeyInvalid: 400,
  MapValueInvalid: 400,
  MapTtlInvalid: 400,
  MapValueTooLarge: 413,
  MapFull: 507,
  // written by a member that runs another version of this program
  MapEntryInvalid: 500
}

/** Answers with what went wrong. */
const explained = <R>(
  effect: Effect.Effect<HttpServerResponse.HttpServerResponse, { readonly _tag: string; readonly message: string }, R>
) =>
  Effect.catch(effect, (failure) => {
    const { error, message, status } = failure instanceof Refused
      ? failure
      : { error: failure._tag, message: failure.message, status: statuses[failure._tag] ?? 503 }
    return Effect.succeed(
      HttpServerResponse.jsonUnsafe({ error, message }, {
        status,
        headers: status === 503 ? { "retry-after": "1" } : {}
      })
    )
  })

const query = <A>(schema: Schema.Codec<A, Readonly<Record<string, string | ReadonlyArray<string> | undefined>>>) =>
  HttpServerRequest.schemaSearchParams(schema).pipe(
    Effect.mapError(({ message }) => new Refused({ error: "QueryInvalid", status: 400, message }))
  )

const key = Effect.gen(function*() {
  const { url } = yield* HttpServerRequest.HttpServerRequest
  // for the router, what is behind a semicolon is the query
  if (/^[^?]*;/.test(url)) {
    return yield* new Refused({ error: "MapKeyInvalid", status: 400, message: "in a key, write ; as %3B" })
  }
  const { key = "" } = yield* HttpRouter.params
  return key
})

/** The body as text or JSON, by its content type. A page of another site cannot send either with PUT. */
const body = Effect.gen(function*() {
  const request = yield* HttpServerRequest.HttpServerRequest
  const [, kind] = /^(application\/json|text\/plain) *(?:;|$)/i.exec(request.headers["content-type"] ?? "") ?? []
  const refuse = (error: string, status: number, message: string) => new Refused({ error, status, message })
  if (kind === undefined) {
    return yield* refuse("TypeUnsupported", 415, "expected content-type: application/json or text/plain")
  }
  const bytes = yield* request.arrayBuffer.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(MAX_TEXT)),
    Effect.mapError(({ reason }) =>
      reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge"
        ? refuse("MapValueTooLarge", 413, `a value has at most ${MAX_TEXT} bytes`)
        : refuse("BodyInvalid", 400, "expected a body")
    )
  )
  return yield* Effect.try({
    try: (): typeof Value.Type => {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
      if (kind.toLowerCase() === "text/plain") return { type: "text", text }
      JSON.parse(text)
      return { type: "json", text }
    },
    catch: () => refuse("BodyInvalid", 400, "expected UTF-8, and JSON where the content-type says so")
  })
})

/** The fields of a key and its value, as JSON. JSON that was sent is not built anew: it may be nested too deeply for that. */
const shown = (key: string, { text, type }: typeof Value.Type) => {
  // between the parts of JSON, lines may end anywhere
  const value = type === "json" ? text.replace(/[\n\r]/g, " ") : JSON.stringify(text)
  return `"key":${JSON.stringify(key)},"type":"${type}","value":${value}`
}

const get = Effect.gen(function*() {
  const name = yield* key
  const found = yield* (yield* Values).get(name)
  if (Option.isNone(found)) return yield* notThere(name)
  return HttpServerResponse.text(found.value.text, {
    contentType: found.value.type === "json" ? "application/json" : "text/plain; charset=utf-8",
    headers: { "cache-control": "no-store", "x-content-type-options": "nosniff" }
  })
})

const put = Effect.gen(function*() {
  const { ttl } = yield* query(Schema.Struct({ ttl: Schema.optionalKey(Schema.FiniteFromString) }))
  const value = yield* body
  yield* (yield* Values).set(yield* key, value, ttl === undefined ? {} : { ttl: Duration.seconds(ttl) })
  return HttpServerResponse.empty({ status: 204 })
})

const remove = Effect.gen(function*() {
  const name = yield* key
  const wasThere = yield* (yield* Values).remove(name)
  return wasThere ? HttpServerResponse.empty({ status: 204 }) : yield* notThere(name)
})

const notThere = (key: string) =>
  new Refused({ error: "NotThere", status: 404, message: `there is no ${JSON.stringify(key)} here` })

const Range = Schema.Struct({
  prefix: Schema.optionalKey(Schema.String),
  /** Only keys behind this one. */
  after: Schema.optionalKey(Schema.String),
  limit: Schema.optionalKey(
    Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: 1000 }))
  )
})

const list = Effect.gen(function*() {
  const { after = "", limit = 100, prefix = "" } = yield* query(Range)
  const all = (yield* (yield* Values).entries)
    .filter(([key]) => key.startsWith(prefix) && key > after)
    .toSorted(([a], [b]) => a < b ? -1 : 1)
  let bytes = 0
  const entries: Array<string> = []
  for (const [key, value] of all) {
    if (entries.length === limit || bytes >= PAGE_BYTES) break
    bytes += value.text.length
    entries.push(`{${shown(key, value)}}`)
  }
  // where to go on
  const next = entries.length < all.length ? `,"after":${JSON.stringify(all[entries.length - 1]?.[0])}` : ""
  return HttpServerResponse.text(`{"entries":[${entries.join()}]${next}}`, {
    contentType: "application/json",
    headers: { "cache-control": "no-store", "x-content-type-options": "nosniff" }
  })
})

const event = (event: string, data: string) => Sse.encoder.write({ _tag: "Event", event, id: undefined, data })

/** What changes from now on: subscribed before anything is sent. */
const watching = Effect.fnUntraced(function*(prefix: string) {
  const told = yield* Queue.bounded<string, Cause.Done>(16)
  yield* (yield* Values).changes.pipe(
    Stream.flatMap(({ by, key, missed, value }) => {
      const events = missed > 0 ? [event("missed", String(missed))] : []
      if (key.startsWith(prefix)) {
        events.push(Option.match(value, {
          onNone: () => event("removed", JSON.stringify({ key, by })),
          onSome: (value) => event("set", `{${shown(key, value)},"by":${JSON.stringify(by)}}`)
        }))
      }
      return Stream.fromArray(events)
    }),
    Stream.runIntoQueue(told),
    Effect.forkScoped({ startImmediately: true })
  )
  return Stream.succeed(": from now on\n\n").pipe(
    Stream.concat(Stream.merge(
      Stream.fromQueue(told),
      Stream.map(Stream.drop(Stream.tick("15 seconds"), 1), () => ": still here\n\n"),
      { haltStrategy: "left" }
    )),
    Stream.encodeText
  )
})

/** All that the server answers. */
export const routes = Layer.unwrap(Effect.gen(function*() {
  const cluster = yield* Memberlist
  const values = yield* Values
  let isReady = false
  let watchers = 0

  // Those that it joins may have more than its folder. Where nobody answers, it serves what it has.
  yield* Effect.ignore(cluster.ready).pipe(
    Effect.andThen(values.ready),
    Effect.timeoutOption(PATIENCE),
    Effect.andThen(Effect.sync(() => isReady = true)),
    Effect.forkScoped
  )
  // The first reader also gets what was before it, and no watcher is to be that one.
  yield* Effect.forkScoped(Stream.runDrain(values.changes), { startImmediately: true })
  yield* Effect.forkScoped(
    Stream.runForEach(
      values.discarded,
      ({ by, key }) => Effect.logWarning(`what ${by} wrote to ${JSON.stringify(key)} is gone: it was away for too long`)
    )
  )

  /** Waits for nobody: who asks a node that begins may ask another one. */
  const whenReady = <E extends { readonly _tag: string; readonly message: string }, R>(
    effect: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
  ) =>
    Effect.suspend((): Effect.Effect<HttpServerResponse.HttpServerResponse, E | Refused, R> =>
      isReady ? effect : Effect.fail(
        new Refused({ error: "NotReady", status: 503, message: "still gets what the others have" })
      )
    ).pipe(explained)

  const watch = Effect.gen(function*() {
    const { prefix = "" } = yield* query(Schema.Struct({ prefix: Schema.optionalKey(Schema.String) }))
    if (watchers >= MAX_WATCHERS) {
      return yield* new Refused({ error: "TooManyWatchers", status: 503, message: `${watchers} watch already` })
    }
    const counted = Stream.unwrap(
      Effect.andThen(
        Effect.acquireRelease(Effect.sync(() => watchers++), () => Effect.sync(() => watchers--)),
        watching(prefix)
      )
    )
    return HttpServerResponse.stream(Stream.provideService(counted, Values, values), {
      contentType: "text/event-stream",
      headers: { "cache-control": "no-cache", "x-accel-buffering": "no" }
    })
  })

  const health = Effect.gen(function*() {
    return HttpServerResponse.jsonUnsafe({
      name: cluster.info.name,
      isReady,
      members: (yield* values.participants).map(({ name }) => name).toSorted(),
      keys: yield* values.size,
      counters: Object.fromEntries(yield* values.counters)
    }, { status: isReady ? 200 : 503 })
  })

  return Layer.mergeAll(
    HttpRouter.add("GET", "/keys", whenReady(list)),
    HttpRouter.add("GET", "/keys/:key", whenReady(get)),
    HttpRouter.add("PUT", "/keys/:key", whenReady(put)),
    HttpRouter.add("DELETE", "/keys/:key", whenReady(remove)),
    HttpRouter.add("GET", "/watch", whenReady(watch)),
    HttpRouter.add("GET", "/health", health)
  )
}))
