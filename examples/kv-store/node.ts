/** A node: a member of the cluster with a copy of the map, and an HTTP server. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Layer, Option } from "effect"
import { MemberlistConfig, NodeMemberlist, Seeds } from "effect-memberlist"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"
import * as Folder from "./folder.ts"
import { routes } from "./server.ts"
import { options, Values } from "./values.ts"

export interface Settings {
  readonly name: string
  /** Where it listens, for peers and for HTTP. */
  readonly host: string
  /** UDP and TCP. */
  readonly port: number
  readonly httpPort: number
  readonly seeds: ReadonlyArray<string>
  /** Where its copy is kept. Without it, it begins with nothing, and gets what the others have. */
  readonly folder: Option.Option<string>
  /** How many keys there may be. */
  readonly maxKeys: number
}

export const layer = (settings: Settings) => {
  const Cluster = NodeMemberlist.layer({
    ...MemberlistConfig.local,
    // Quicker than the preset, so that there is something to see. In a network: `MemberlistConfig.lan` as it is.
    probeInterval: "500 millis",
    retransmitMult: 4,
    name: settings.name,
    bindAddress: settings.host,
    bindPort: settings.port
  }).pipe(Layer.provide(Seeds.layerStatic(settings.seeds)))

  const MapLive = Option.match(settings.folder, {
    onNone: () => Values.layer(options(settings.maxKeys)),
    onSome: (folder) => Values.layerPersisted(options(settings.maxKeys)).pipe(Layer.provide(Folder.layer(folder)))
  })

  // From below: it serves when the rest is there. When it ends, from the top down: no more requests; the last writes go to
  // the others and to the folder; the goodbye.
  return HttpRouter.serve(routes, {
    disableLogger: true,
    disableListenLog: true,
    // a key that is too long is the map's to refuse
    routerConfig: { maxParamLength: 16_384 }
  }).pipe(
    Layer.provideMerge(NodeHttpServer.layer(() => Object.assign(createServer(), { maxConnections: 1000 }), {
      host: settings.host,
      port: settings.httpPort,
      gracefulShutdownTimeout: "1 second"
    })),
    Layer.provideMerge(MapLive),
    Layer.provideMerge(Cluster)
  )
}
