/** A node with its HTTP API, as a process: `NAME`, `PORT` and `HTTP` (a port each; 0: any), and `JOIN`, an address. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Server from "../../src/agent/serving/Server.ts"
import { Memberlist } from "../../src/Memberlist.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import * as NodeMemberlist from "../../src/NodeMemberlist.ts"

const program = Effect.gen(function*() {
  const cluster = yield* Memberlist
  const { address } = yield* HttpServer.HttpServer
  const seed = yield* Config.String("JOIN").pipe(Config.withDefault(""))
  if (seed !== "") yield* cluster.join([seed])
  yield* Effect.log(`serves ${HttpServer.formatAddress(address)} at ${cluster.info.advertised}`)
  return yield* Effect.never
})

const layer = Layer.unwrap(Effect.gen(function*() {
  const name = yield* Config.String("NAME")
  const bindPort = yield* Config.Int("PORT").pipe(Config.withDefault(0))
  const port = yield* Config.Int("HTTP").pipe(Config.withDefault(0))
  return Server.layer({ host: "127.0.0.1", port, token: undefined, meta: "section" }).pipe(
    Layer.provideMerge(NodeMemberlist.layer({ ...MemberlistConfig.local, name, bindAddress: "127.0.0.1", bindPort })),
    Layer.provideMerge(Server.listening({ host: "127.0.0.1", port }))
  )
}))

program.pipe(Effect.provide(layer), NodeRuntime.runMain)
