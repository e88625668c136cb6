/**
 * A service as one runs it in production, with everything around it. All settings are in the environment:
 *
 * `MEMBERLIST_NAME=anna MEMBERLIST_BIND_ADDRESS=127.0.0.1 HTTP_PORT=8081 npm exec -- node examples/effect-app/main.ts`
 *
 * The layers, from the bottom up. They start in this order, and end in the other:
 *
 * 1. traces: the last to end, so that nothing is missing
 * 2. the HTTP server's socket
 * 3. the node, which joins in the background
 * 4. what the node announces, the ring, the service
 * 5. the goodbye
 * 6. the routes: they stop accepting, and wait for requests that are open
 * 7. the drain: not ready any more, but still serving
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Config, Duration, Effect, Layer, Option, Runtime } from "effect"
import { Memberlist, NodeMemberlist } from "effect-memberlist"
import { FetchHttpClient, HttpServer } from "effect/http"
import { OtlpSerialization, OtlpTracer } from "effect/observability"
import { createServer } from "node:http"
import { HttpLive } from "./http.ts"
import { Presence, RingLive, Visits } from "./visits.ts"

const Settings = Config.all({
  host: Config.String("HTTP_HOST").pipe(Config.withDefault("127.0.0.1")),
  port: Config.Int("HTTP_PORT").pipe(Config.withDefault(8080)),
  /** How long it serves on while it says that it is not ready: until who sends requests here has noticed. */
  drain: Config.Duration("DRAIN_TIME").pipe(Config.withDefault(Duration.seconds(5))),
  /** How long requests that are open then may take. */
  close: Config.Duration("CLOSE_TIME").pipe(Config.withDefault(Duration.seconds(10)))
})

/** Only where the environment says where to. `Otlp.layerJson` would send logs and metrics as well. */
const TracesLive = Layer.unwrap(Effect.gen(function*() {
  const endpoint = yield* Config.option(Config.URL("OTEL_EXPORTER_OTLP_ENDPOINT"))
  const name = yield* Config.String("MEMBERLIST_NAME").pipe(Config.withDefault("unnamed"))
  return Option.match(endpoint, {
    onNone: () => Layer.empty,
    onSome: (url) =>
      OtlpTracer.layer({
        url: `${url.href.replace(/\/$/, "")}/v1/traces`,
        resource: { serviceName: "effect-app", attributes: { "service.instance.id": name } }
      }).pipe(Layer.provide([OtlpSerialization.layerJson, FetchHttpClient.layer]))
  })
}))

const SocketLive = Layer.unwrap(
  Effect.map(
    Settings,
    ({ close, host, port }) => NodeHttpServer.layer(createServer, { host, port, gracefulShutdownTimeout: close })
  )
)

/** Announces the port that the socket has got, and that nothing is to be passed on to it yet. */
const PresenceLive = Layer.unwrap(
  Effect.map(
    HttpServer.HttpServer,
    ({ address }) =>
      Presence.layer({ httpPort: address._tag === "UnixPathAddress" ? 0 : address.port, isServing: false })
  )
)

/** Without it the layer says goodbye too, but waits for nobody. This waits until it is out, and tells how it went. */
const GoodbyeLive = Layer.effectDiscard(Effect.gen(function*() {
  const cluster = yield* Memberlist
  yield* Effect.addFinalizer(() =>
    cluster.leave().pipe(
      Effect.flatMap((report) => Effect.log("left the cluster", report)),
      Effect.catch((error) => Effect.logWarning("could not leave the cluster", error))
    )
  )
}))

const DrainLive = Layer.effectDiscard(Effect.gen(function*() {
  const presence = yield* Presence
  const { drain } = yield* Settings
  yield* Effect.acquireRelease(
    presence.update((own) => ({ ...own, isServing: true })),
    Effect.fnUntraced(function*() {
      // the balancer is told by /health/ready, and the other members by this: they give our pages to others
      yield* Effect.ignore(presence.update((own) => ({ ...own, isServing: false })))
      yield* Effect.log(`not ready any more, and serving on for ${Duration.format(drain)}`)
      yield* Effect.sleep(drain)
    })
  )
}))

const AppLive = DrainLive.pipe(
  Layer.provide(HttpLive),
  Layer.provide(GoodbyeLive),
  Layer.provide(Visits.layer),
  Layer.provide(RingLive),
  Layer.provide(PresenceLive),
  Layer.provide(NodeMemberlist.layerEnv),
  Layer.provide(SocketLive),
  Layer.provide(FetchHttpClient.layer),
  Layer.provide(TracesLive)
)

Layer.launch(AppLive).pipe(NodeRuntime.runMain({
  // A signal interrupts the program, and of that Effect says 130, as a shell would. But it was asked to stop and did so:
  // systemd and Kubernetes are to see no failure.
  teardown: (exit, onExit) => Runtime.defaultTeardown(exit, (code) => onExit(code === 130 ? 0 : code))
}))
