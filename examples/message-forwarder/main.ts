/**
 * One node of the forwarder.
 *
 * `npm exec -- node examples/message-forwarder/main.ts --name anna --port 7946 --http-port 8080 [seed ...]`. Ctrl-C and
 * SIGTERM make it leave.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, References, Schema } from "effect"
import { Memberlist } from "effect-memberlist"
import { Argument, Command, Flag } from "effect/cli"
import { HttpServer } from "effect/http"
import * as Node from "./node.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 10_000_000 }))

const main = Command.make(
  "message-forwarder",
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
      Flag.withDescription("Where its journal is, one folder for each node"),
      Flag.withDefault("./messages")
    ),
    window: Flag.Int("window").pipe(
      Flag.withSchema(Count),
      Flag.withDescription("How many messages are kept for readers and for nodes that join"),
      Flag.withDefault(10_000)
    ),
    capacity: Flag.Int("capacity").pipe(
      Flag.withSchema(Count),
      Flag.withDescription("How many messages may wait for a peer, until no more are accepted"),
      Flag.withDefault(20_000)
    ),
    forgetAfter: Flag.String("forget-after").pipe(
      Flag.withDescription("How long a peer may be away until nothing is kept for it any longer"),
      Flag.withSchema(Schema.DurationFromString),
      Flag.withDefault("10 minutes")
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
).pipe(Command.withDescription("Accepts messages over HTTP, and brings them to the readers of all nodes"))

main.pipe(
  Command.run({ version: "1.0.0" }),
  Effect.provide(NodeServices.layer),
  // The membership's verdicts, which are logged at info, are in the list that readers get.
  Effect.provideService(References.MinimumLogLevel, "Warn"),
  NodeRuntime.runMain // SIGINT and SIGTERM release the layer, and that says goodbye to the cluster
)
