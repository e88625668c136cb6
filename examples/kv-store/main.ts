/**
 * One node of the store.
 *
 * `npm exec -- node examples/kv-store/main.ts --name anna --port 7946 --http-port 8080 [--folder ./anna] [seed ...]`.
 * Ctrl-C and SIGTERM make it leave.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, References, Schema } from "effect"
import { Memberlist } from "effect-memberlist"
import { Argument, Command, Flag } from "effect/cli"
import { HttpServer } from "effect/http"
import * as Node from "./node.ts"

const main = Command.make(
  "kv-store",
  {
    name: Flag.String("name").pipe(Flag.withDescription("Its identity: no two nodes have the same")),
    host: Flag.String("host").pipe(
      Flag.withDescription("The address for peers and for HTTP, which asks nobody for a password"),
      Flag.withDefault("127.0.0.1")
    ),
    port: Flag.Int("port").pipe(
      Flag.withSchema(Schema.Port),
      Flag.withDescription("UDP and TCP, for peers; 0 is any that is free"),
      Flag.withDefault(7946)
    ),
    httpPort: Flag.Int("http-port").pipe(
      Flag.withSchema(Schema.Port),
      Flag.withDescription("HTTP; 0 is any that is free"),
      Flag.withDefault(8080)
    ),
    folder: Flag.String("folder").pipe(
      Flag.withDescription("Where its copy is kept, one folder for each node; without it, in memory only"),
      Flag.optional
    ),
    maxKeys: Flag.Int("max-keys").pipe(
      Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))),
      Flag.withDescription("How many keys there may be, the same at all nodes"),
      Flag.withDefault(10_000)
    ),
    seeds: Argument.String("seed").pipe(
      Argument.withDescription("host:port of members that are probably there"),
      Argument.variadic()
    )
  },
  (settings) =>
    Effect.gen(function*() {
      const { address } = yield* (yield* Memberlist).localMember
      yield* Console.log(`listens at ${address}`)
      yield* Console.log(`serves ${HttpServer.formatAddress((yield* HttpServer.HttpServer).address)}`)
      return yield* Effect.never
    }).pipe(Effect.provide(Node.layer(settings)))
).pipe(Command.withDescription("A replicated key/value store: the same at all nodes, over HTTP"))

main.pipe(
  Command.run({ version: "1.0.0" }),
  Effect.provide(NodeServices.layer),
  // The membership's verdicts, which are logged at info, are not what this is about.
  Effect.provideService(References.MinimumLogLevel, "Warn"),
  NodeRuntime.runMain // SIGINT and SIGTERM release the layer, and that says goodbye to the cluster
)
