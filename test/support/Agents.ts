/** The agent's API over a node in virtual time: its paths and its client, without sockets. */
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Agreement } from "../../src/agent/agreement/Agreement.ts"
import { Api } from "../../src/agent/Api.ts"
import { Inspection } from "../../src/agent/inspection/Inspection.ts"
import * as Server from "../../src/agent/serving/Server.ts"
import { Memberlist } from "../../src/Memberlist.ts"
import type { TestNode } from "./Cluster.ts"

const usual: Server.Options = { host: "127.0.0.1", port: 8946, token: undefined, meta: "section" }

/** A request, and what is answered: status, and the body as text. */
export interface Call {
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "DELETE"
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly body?: string
}

/** Builds the API of a node; it lives as long as the scope. */
export const of = Effect.fnUntraced(function*(node: Pick<TestNode, "cluster">, options: Partial<Server.Options> = {}) {
  const layer = Server.routes({ ...usual, ...options }, "http://127.0.0.1:8946").pipe(
    Layer.provide(Inspection.layerAlone),
    Layer.provide(Server.services),
    Layer.provide(Agreement.layerAlone),
    Layer.provide(Layer.succeed(Memberlist, node.cluster)),
    Layer.provide(HttpServer.layerServices)
  )
  const handler = yield* HttpRouter.toHttpEffect(layer)
  const scope = yield* Effect.scope
  const http = HttpClient.make((request) =>
    Effect.gen(function*() {
      const inside = yield* Scope.fork(scope)
      const response = yield* handler.pipe(
        Effect.map(HttpEffect.scopeTransferToStream),
        Effect.provideService(HttpServerRequest.HttpServerRequest, HttpServerRequest.fromClientRequest(request)),
        Effect.provideService(Scope.Scope, inside),
        Effect.orDie
      )
      return HttpServerResponse.toClientResponse(response, { request })
    })
  ).pipe(
    HttpClient.mapRequest((request) =>
      request.headers["host"] === undefined ? HttpClientRequest.setHeader(request, "host", "127.0.0.1:8946") : request
    )
  )
  const client = yield* HttpApiClient.makeWith(Api, { httpClient: http, baseUrl: "http://127.0.0.1:8946" })

  const request = ({ body, headers = {}, json, method = "GET", path }: Call) => {
    const bare = HttpClientRequest.make(method)(`http://127.0.0.1:8946${path}`, { headers })
    return json !== undefined
      ? HttpClientRequest.bodyJsonUnsafe(bare, json)
      : body === undefined
      ? bare
      : HttpClientRequest.bodyText(bare, body, headers["content-type"] ?? "application/json")
  }
  /** What a request is answered: its status, and its body as JSON, or as text where it is none. */
  const call = Effect.fnUntraced(function*(call: Call) {
    const response: HttpClientResponse = yield* http.execute(request(call))
    const text = yield* response.text
    let body: unknown = text
    try {
      body = JSON.parse(text)
    } catch {
      // text
    }
    return { status: response.status, body, headers: response.headers }
  }, Effect.orDie)
  return { client, call, http }
})
