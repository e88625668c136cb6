/**
 * What every request goes through, whatever it asks for: it is counted, refused where it must be, bounded, and answered
 * with JSON also where it fails.
 *
 * @since 0.1.0
 */
import * as ByteSize from "effect/ByteSize"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import * as SchemaIssue from "effect/SchemaIssue"
import { sentence } from "../../base/PlainText.ts"
import { Access } from "../Api.ts"
import * as Model from "../Model.ts"
import * as Refusal from "../Refusal.ts"
import * as Guard from "./Guard.ts"
import * as Listener from "./Listener.ts"
import { Tally } from "./Tally.ts"

/** Sent with each answer: nothing of it is to be kept, shown inside other pages, or taken for something else. */
const HEADERS = {
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-frame-options": "DENY"
}

type Refused =
  | Refusal.OriginRefused
  | Refusal.TokenRequired
  | Refusal.ContentTypeRefused
  | Refusal.BodyTooLarge
  | Refusal.TooMany
  | Refusal.PathUnknown
  | Refusal.RequestInvalid
  | Refusal.AgentDefect

const statuses: Readonly<Record<Refused["_tag"], number>> = {
  RequestInvalid: 400,
  TokenRequired: 401,
  OriginRefused: 403,
  PathUnknown: 404,
  BodyTooLarge: 413,
  ContentTypeRefused: 415,
  TooMany: 429,
  AgentDefect: 500
}

const responseOf = (error: Refused): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe({ ...error, message: error.message }, {
    status: statuses[error._tag],
    headers: error._tag === "TokenRequired" ? { "www-authenticate": "Bearer" } : {}
  })

/** What a failure of the server itself means; `undefined` for others. */
const refusalOf = (request: HttpServerRequest.HttpServerRequest, error: unknown): Refused | undefined => {
  if (!(error instanceof HttpServerError.HttpServerError)) return undefined
  const { reason } = error
  if (reason._tag === "RouteNotFound") {
    return new Refusal.PathUnknown({ method: request.method, path: request.url })
  }
  if (reason._tag !== "RequestParseError") return undefined
  return reason.reason === "BodyTooLarge"
    ? new Refusal.BodyTooLarge({ limit: Model.MAX_BODY })
    : new Refusal.RequestInvalid({ reason: "its body could not be read" })
}

/**
 * Watches over all paths. At most so many requests are served at once; streams are counted by `Feeds` once they are
 * answered.
 */
export const layer = (policy: Guard.Policy, limit: number): Layer.Layer<never, never, HttpRouter.HttpRouter | Tally> =>
  HttpRouter.middleware(
    Effect.gen(function*() {
      const tally = yield* Tally
      const bound = ByteSize.bytes(Model.MAX_BODY)
      let underWay = 0

      const refusal = (request: HttpServerRequest.HttpServerRequest): Refused | undefined => {
        const objection = Guard.objection(policy, request)
        if (objection !== undefined) return objection
        if (Listener.isEarly(request.source)) {
          return new Refusal.TooMany({ what: "requests on one connection", limit: 1 })
        }
        // who asks whether it lives would start it again, and end what others wait for
        if (underWay >= limit && !Guard.isProbe(request)) return new Refusal.TooMany({ what: "requests", limit })
        return Number(request.headers["content-length"] ?? 0) > Model.MAX_BODY
          ? new Refusal.BodyTooLarge({ limit: Model.MAX_BODY })
          : undefined
      }

      return (app) =>
        Effect.gen(function*() {
          const request = yield* HttpServerRequest.HttpServerRequest
          const refused = refusal(request)
          const answer = refused === undefined
            ? yield* Effect.acquireUseRelease(
              Effect.sync(() => void underWay++),
              () =>
                app.pipe(
                  Effect.provideService(HttpIncomingMessage.MaxBodySize, bound),
                  Effect.catchCause((cause) => {
                    const known = refusalOf(request, Cause.squash(cause))
                    if (known !== undefined) return Effect.succeed(responseOf(known))
                    if (Cause.hasInterrupts(cause)) return Effect.failCause(cause)
                    return Effect.as(
                      Effect.logError(`${request.method} ${sentence(Guard.pathOf(request.url))} failed`, cause),
                      responseOf(new Refusal.AgentDefect({}))
                    )
                  })
                ),
              () => Effect.sync(() => void underWay--)
            )
            : responseOf(refused)
          if (refused !== undefined) tally.add("refused", refused._tag)
          tally.add("requests", `${Math.floor(answer.status / 100)}xx`)
          return HttpServerResponse.setHeaders(answer, HEADERS)
        })
    }),
    { global: true }
  )

const formatIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const reasonOf = (issue: SchemaIssue.Issue): string =>
  formatIssues(issue).issues.map(({ message, path = [] }) => {
    const at = path.map((part) => String(typeof part === "object" ? part.key : part)).join(".")
    return at === "" ? message : `${at}: ${message}`
  }).join("; ")

/** Says what is wrong with a request that does not decode. */
export const access: Layer.Layer<Access> = HttpApiMiddleware.layerSchemaErrorTransform(
  Access,
  (error) =>
    error.kind === "Body" || error.kind === "ResponseHeaders"
      ? Effect.die(error.cause)
      : Effect.fail(new Refusal.RequestInvalid({ reason: reasonOf(error.cause.issue) }))
)
