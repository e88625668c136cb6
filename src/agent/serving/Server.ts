/**
 * The HTTP API over a node that is there.
 *
 * @since 0.1.0
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { sentence } from "../../base/PlainText.ts"
import type { Memberlist } from "../../Memberlist.ts"
import type * as AgentMeta from "../AgentMeta.ts"
import { Agreement } from "../agreement/Agreement.ts"
import { Api } from "../Api.ts"
import { Inspection } from "../inspection/Inspection.ts"
import type { KeyFile } from "../keys/KeyFile.ts"
import { VERSION } from "../PackageVersion.ts"
import * as Page from "../page/Page.ts"
import { NotServing } from "../Refusal.ts"
import * as Entrance from "./Entrance.ts"
import { Feeds } from "./Feeds.ts"
import { Follower } from "./Follower.ts"
import * as Guard from "./Guard.ts"
import * as Handlers from "./Handlers.ts"
import { failed, type HttpBindFailed } from "./HttpBindFailed.ts"
import * as Listener from "./Listener.ts"
import { Tally } from "./Tally.ts"
import { Topics } from "./Topics.ts"

/** What the API needs to know. */
export interface Options {
  /** An IP address, or `localhost`. */
  readonly host: string
  /** 0 takes one that is free. */
  readonly port: number
  readonly token: Redacted.Redacted | undefined
  readonly meta: AgentMeta.Form
  /** The preset that the node's timing begins with, where it is known. */
  readonly preset?: string | undefined
  /** Where changed keys are written; `undefined` where they came from elsewhere. */
  readonly keyFile?: KeyFile | undefined
}

/** What routes of HTTP stand on. */
export type Platform = Layer.Success<typeof NodeHttpServer.layerHttpServices>

/** The longest name of a member, 512 bytes, each written as `%xx`. */
const MAX_PARAMETER = 1_536

/** Asked every few seconds by others: not traced. */
const asked = ["/health/live", "/health/ready", "/metrics"]

/** All paths, without a server. */
export const routes = (options: Options, url: string) => {
  const policy = Guard.policyOf(options.host, options.token)
  const token = options.token === undefined ? "none" : policy.isLocal ? "changes" : "all"
  const { meta, preset } = options
  const about = { version: VERSION, http: url, token, meta, ...(preset === undefined ? {} : { preset }) } as const
  return Layer.mergeAll(
    Entrance.layer(policy, Listener.MAX_REQUESTS),
    Page.route,
    HttpApiBuilder.layer(Api, { openapiPath: "/openapi.json" }).pipe(
      Layer.provide(Handlers.layer(about, options.keyFile)),
      Layer.provide(Entrance.access)
    )
  )
}

/** What the paths are made of. */
export const services: Layer.Layer<Follower | Topics | Feeds | Tally, never, Memberlist> = Layer.mergeAll(
  Follower.layer,
  Topics.layer
).pipe(
  Layer.provideMerge(Feeds.layer(Listener.MAX_STREAMS)),
  Layer.provideMerge(Tally.layer)
)

/** Answers what comes before there is a node to ask, or after. */
const unready = (server: Server) => (_: IncomingMessage, response: ServerResponse): void => {
  // the API has a listener of its own
  if (server.listenerCount("request") > 1) return
  const error = new NotServing({ state: "Trying" })
  response.writeHead(503, { "content-type": "application/json" }).end(
    JSON.stringify({ ...error, message: error.message })
  )
}

/** Takes the address. It comes first: where it is taken already, no node is started. */
export const listening = (
  { host, port }: Pick<Options, "host" | "port">
): Layer.Layer<HttpServer.HttpServer | Listener.Here | Platform, HttpBindFailed> =>
  Layer.unwrap(Effect.map(Effect.context<never>(), (context) => {
    const log = Effect.runSyncWith(context)
    const listener = Listener.make((error) =>
      log(Effect.logWarning(`the HTTP API could not take a connection: ${sentence(error.message)}`))
    )
    listener.on("request", unready(listener))
    return Layer.catchTag(
      NodeHttpServer.layer(() => listener, { host, port, gracefulShutdownTimeout: Duration.seconds(2) }),
      "ServeError",
      ({ cause }) => Layer.effectContext(Effect.fail(failed(host, port, cause)))
    ).pipe(Layer.merge(Layer.succeed(Listener.Here, listener)))
  }))

/**
 * Serves the API. When it is released, streams end first, then requests that are open get two seconds.
 */
export const layer = (
  options: Options
): Layer.Layer<never, never, Memberlist | HttpServer.HttpServer | Listener.Here | Platform> => {
  const serving = Layer.unwrap(
    Effect.map(
      HttpServer.HttpServer,
      ({ address }) =>
        HttpRouter.serve(routes(options, HttpServer.formatAddress(address)), {
          disableLogger: true,
          disableListenLog: true,
          routerConfig: { maxParamLength: MAX_PARAMETER }
        })
    )
  )
  const ending = Layer.effectDiscard(Effect.gen(function*() {
    const feeds = yield* Feeds
    const tally = yield* Tally
    const listener = yield* Listener.Here
    listener.onRefused((reason) => tally.add("refused", reason))
    yield* Effect.addFinalizer(() => feeds.end)
  }))
  // made for each agent: one value would be built once in a program, and serve one node
  return Layer.fresh(
    Layer.provide(ending, serving).pipe(
      Layer.provide(Inspection.layer),
      Layer.provide(services),
      Layer.provide(Agreement.layer),
      Layer.provide(HttpMiddleware.layerTracerDisabledForUrls(asked))
    )
  )
}
