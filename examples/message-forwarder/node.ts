/** A node: a member of the cluster with an HTTP server, a journal on disk, and a loop for each of its peers. */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { type Duration, Effect, Layer } from "effect"
import { MemberlistConfig, NodeMemberlist, Seeds } from "effect-memberlist"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"
import * as Forwards from "./forwards.ts"
import { Journal } from "./journal.ts"
import { Presence, Present } from "./members.ts"
import { routes } from "./server.ts"

export interface Settings {
  readonly name: string
  /** Where it listens, for peers and for HTTP. */
  readonly host: string
  /** UDP and TCP. */
  readonly port: number
  readonly httpPort: number
  readonly seeds: ReadonlyArray<string>
  /** Where its journal is. */
  readonly folder: string
  /** How many messages are kept for readers and for nodes that join. */
  readonly window: number
  /** How many own messages may wait for a peer, until no more are accepted. */
  readonly capacity: number
  /** How long a peer may be away until nothing is kept for it any longer. */
  readonly forgetAfter: Duration.Input
}

const portOf = Effect.map(
  HttpServer.HttpServer,
  ({ address }) => address._tag === "UnixPathAddress" ? 0 : address.port
)

export const layer = (settings: Settings) => {
  const Cluster = Layer.unwrap(Effect.gen(function*() {
    const meta = yield* Effect.fromResult(Presence.encode({ http: yield* portOf }))
    return NodeMemberlist.layer({
      ...MemberlistConfig.local,
      // Quicker than the preset, so that there is something to see. In a network: `MemberlistConfig.lan` as it is.
      probeInterval: "500 millis",
      retransmitMult: 4,
      name: settings.name,
      bindAddress: settings.host,
      bindPort: settings.port,
      meta
    }).pipe(Layer.provide(Seeds.layerStatic(settings.seeds)))
  }))
  // From below: the server answers before the cluster knows of it, and until the cluster has been told goodbye.
  return Forwards.layer(settings).pipe(
    Layer.provide(NodeHttpClient.layerNodeHttpOptions({ keepAlive: true, maxSockets: 4 })),
    Layer.provideMerge(Cluster),
    Layer.provideMerge(HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })),
    Layer.provideMerge(Layer.merge(Journal.layer(settings), Present.layer)),
    Layer.provideMerge(NodeHttpServer.layer(() => Object.assign(createServer(), { maxConnections: 2000 }), {
      host: settings.host,
      port: settings.httpPort,
      gracefulShutdownTimeout: "1 second"
    }))
  )
}
