/** The HTTP server of a node: publish, read, and what peers forward. */
import { ByteSize, Effect, Layer, Metric, Option, Schema, Stream } from "effect"
import { Sse } from "effect/encoding"
import { HttpIncomingMessage, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import { PrometheusMetrics } from "effect/observability"
import { readFileSync } from "node:fs"
import { Batch } from "./forwards.ts"
import { idOf, Journal, MAX_TEXT, type Message, type Missed, Text } from "./journal.ts"
import { type Present, rows } from "./members.ts"

const accepted = Metric.counter("forwarder_accepted", { incremental: true })
const received = Metric.counter("forwarder_received", { incremental: true })
const duplicates = Metric.counter("forwarder_duplicates", { incremental: true })
const refused = Metric.counter("forwarder_refused", { incremental: true })

/** Readers at a time. */
const MAX_READERS = 1000

class Refused extends Schema.TaggedError<Refused>()("Refused", { status: Schema.Int, message: Schema.String }) {}

/** The body as JSON of this schema. A page of another site cannot send this content type. */
const body = Effect.fnUntraced(function*<A>(schema: Schema.Codec<A, unknown>, limit: ByteSize.ByteSize) {
  const request = yield* HttpServerRequest.HttpServerRequest
  if (!/^application\/json *(?:;|$)/i.test(request.headers["content-type"] ?? "")) {
    return yield* new Refused({ status: 415, message: "expected content-type: application/json" })
  }
  return yield* HttpServerRequest.schemaBodyJson(schema).pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, limit),
    Effect.mapError((error) =>
      error._tag === "HttpServerError" && error.reason._tag === "RequestParseError" &&
        error.reason.reason === "BodyTooLarge"
        ? new Refused({ status: 413, message: `a body has at most ${limit} bytes` })
        : new Refused({ status: 400, message: error._tag === "SchemaError" ? error.message : "expected JSON" })
    )
  )
})

/** Answers with what went wrong. A full journal, or a disk that fails, may be better in a moment. */
const explained = <A, R>(
  effect: Effect.Effect<A, { readonly _tag: string; readonly message: string; readonly status?: number }, R>
) =>
  Effect.catch(effect, (error) => {
    const { message, status = 503 } = error
    return Metric.withAttributes(refused, { status: String(status) }).pipe(
      (counter) => Metric.update(counter, 1),
      Effect.as(HttpServerResponse.jsonUnsafe({ error: message }, {
        status,
        headers: status === 503 ? { "retry-after": "1" } : {}
      }))
    )
  })

const publish = HttpRouter.add(
  "POST",
  "/messages",
  Effect.gen(function*() {
    const journal = yield* Journal
    // each byte of a text may be six in JSON
    const { text } = yield* body(Schema.Struct({ text: Text }), ByteSize.bytes(6 * MAX_TEXT + 1024))
    if (Buffer.byteLength(text) > MAX_TEXT) {
      return yield* new Refused({ status: 413, message: `a text has at most ${MAX_TEXT} bytes` })
    }
    const message = yield* journal.accept(text)
    yield* Metric.update(accepted, 1)
    return HttpServerResponse.jsonUnsafe({ id: idOf(message) }, { status: 201 })
  }).pipe(explained)
)

const forward = HttpRouter.add(
  "POST",
  "/forward",
  Effect.gen(function*() {
    const journal = yield* Journal
    const { from, messages, to } = yield* body(Batch, ByteSize.mebibytes(1))
    if (to !== journal.name || from === journal.name) {
      return yield* new Refused({ status: 409, message: `this is ${journal.name}` })
    }
    const added = yield* journal.receive(from, messages)
    yield* Metric.update(received, added)
    yield* Metric.update(duplicates, messages.length - added)
    return HttpServerResponse.jsonUnsafe({ journal: journal.id })
  }).pipe(explained)
)

/** How many of the last messages a reader gets that has no `Last-Event-ID`. */
const Query = Schema.Struct({
  last: Schema.optionalKey(Schema.NumberFromString.check(Schema.isInt(), Schema.isGreaterThanOrEqualTo(0)))
})

const event = (event: string, data: unknown, id?: string) =>
  Sse.encoder.write({ _tag: "Event", event, id, data: JSON.stringify(data) })

const events = Layer.unwrap(Effect.sync(() => {
  let readers = 0
  return HttpRouter.add(
    "GET",
    "/events",
    Effect.gen(function*() {
      const journal = yield* Journal
      const request = yield* HttpServerRequest.HttpServerRequest
      const { last = 0 } = yield* HttpServerRequest.schemaSearchParams(Query).pipe(
        Effect.mapError((error) => new Refused({ status: 400, message: error.message }))
      )
      if (readers >= MAX_READERS) return yield* new Refused({ status: 503, message: `${readers} read already` })
      const lastId = request.headers["last-event-id"] ?? ""
      const known = journal.resume(lastId)
      // One that comes from another node gets all that is kept: the order there was another one.
      const isElsewhere = lastId !== "" && Option.isNone(known)
      const start = isElsewhere ? journal.before(Infinity) : Option.getOrElse(known, () => journal.before(last))

      const told = (item: Message | Missed) => {
        const id = `${journal.id}:${item.position}`
        return "missed" in item
          ? event("missed", item.missed, id)
          : event("message", { id: idOf(item), from: item.origin, at: item.at, text: item.text }, id)
      }
      const members = Stream.tick("1 second").pipe(
        Stream.mapEffect(() => rows),
        Stream.map((list) => event("members", list)),
        Stream.changes
      )
      const stream = Stream.succeed(
        isElsewhere ? event("elsewhere", { name: journal.name, removed: start }) : ": welcome\n\n"
      ).pipe(
        Stream.concat(
          Stream.map(journal.read(start), told).pipe(
            Stream.merge(members),
            Stream.merge(Stream.map(Stream.tick("15 seconds"), () => ": still here\n\n"))
          )
        ),
        Stream.encodeText
      )
      const counted = Stream.unwrap(
        Effect.as(Effect.acquireRelease(Effect.sync(() => readers++), () => Effect.sync(() => readers--)), stream)
      )
      const context = yield* Effect.context<Journal | Present>()
      return HttpServerResponse.stream(Stream.provideContext(counted, context), {
        contentType: "text/event-stream",
        headers: { "cache-control": "no-cache", "x-accel-buffering": "no" }
      })
    }).pipe(explained)
  )
}))

const html = readFileSync(new URL("page.html", import.meta.url), "utf8")
const page = HttpRouter.add(
  "GET",
  "/",
  HttpServerResponse.text(html, {
    contentType: "text/html; charset=utf-8",
    headers: {
      "content-security-policy":
        "default-src 'none'; connect-src 'self'; script-src 'unsafe-inline'; style-src 'unsafe-inline'",
      "x-content-type-options": "nosniff"
    }
  })
)

/** All that the server answers. */
export const routes = Layer.mergeAll(publish, forward, events, page, PrometheusMetrics.layerHttp())
