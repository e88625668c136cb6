/**
 * One member, which prints the list of members every two seconds, and each event as it happens.
 *
 * `npm exec -- node examples/watch-members/main.ts --name anna --role api --port 7946 [seed ...]`; instead of the flags,
 * `NAME`, `ROLE` and `PORT` in the environment will do. Ctrl-C and SIGTERM make it leave.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Config, Console, DateTime, Effect, Layer, Option, References, Schedule, Schema, Stream } from "effect"
import { type Member, Memberlist, MemberlistConfig, NodeMemberlist, Seeds } from "effect-memberlist"
import * as MemberMeta from "effect-memberlist/MemberMeta"
import { Argument, Command, Flag } from "effect/cli"

/** What each member announces about itself. Its bytes travel with the address, so all others have it. */
const Presence = MemberMeta.make(Schema.Struct({ role: Schema.String, started: Schema.DateTimeUtcFromMillis }))

/** What a member of another program announces does not decode, or is not there: that is no error. */
const presenceOf = (member: Member) =>
  Option.match(Presence.get(member), {
    onNone: () => "announces nothing that this program knows",
    onSome: ({ role, started }) => `${role.padEnd(8)} since ${DateTime.formatIso(started).slice(11, 19)}`
  })

const line = (member: Member) =>
  `  ${member.name.padEnd(8)} ${member.address.padEnd(16)} ${member.state.padEnd(8)} ${presenceOf(member)}`

const watch = Effect.gen(function*() {
  const cluster = yield* Memberlist
  const { address } = yield* cluster.localMember
  yield* Console.log(`listens at ${address}`)
  // The stream begins with those who are there already. Verdicts tell why somebody was suspected: `event.verdict`.
  yield* cluster.events.pipe(
    Stream.runForEach((event) => Console.log(`${event._tag} ${event.member.name} ${event.member.address}`)),
    Effect.forkScoped
  )
  // Suspects are in the list: most suspicions are refuted.
  yield* cluster.members.pipe(
    Effect.flatMap((members) =>
      Console.log([...members.map(line).toSorted(), `${members.length} in the list`].join("\n"))
    ),
    Effect.repeat(Schedule.spaced("2 seconds"))
  )
}).pipe(Effect.scoped)

const main = Command.make(
  "watch-members",
  {
    name: Flag.String("name").pipe(
      Flag.withDescription("Its identity: no two members have the same"),
      Flag.withFallbackConfig(Config.String("NAME"))
    ),
    role: Flag.String("role").pipe(
      Flag.withDescription("What it is for"),
      Flag.withFallbackConfig(Config.String("ROLE").pipe(Config.withDefault("api")))
    ),
    port: Flag.Int("port").pipe(
      Flag.withDescription("UDP and TCP; 0 is any that is free"),
      Flag.withFallbackConfig(Config.Int("PORT").pipe(Config.withDefault(7946)))
    ),
    seeds: Argument.String("seed").pipe(
      Argument.withDescription("host:port of members that are probably there"),
      Argument.variadic()
    )
  },
  Effect.fnUntraced(function*({ name, port, role, seeds }) {
    const meta = yield* Effect.fromResult(Presence.encode({ role, started: yield* DateTime.now }))
    const ClusterLive = NodeMemberlist.layer({
      ...MemberlistConfig.local,
      // Quicker than the preset, so that there is something to see. In a network: `MemberlistConfig.lan` as it is.
      probeInterval: "500 millis",
      retransmitMult: 4,
      name,
      bindAddress: "127.0.0.1",
      bindPort: port,
      meta
    })
    // With seeds below it a node joins by itself, and tries again until somebody answers.
    yield* watch.pipe(Effect.provide(Layer.provide(ClusterLive, Seeds.layerStatic(seeds))))
  })
).pipe(Command.withDescription("A member that prints who is there"))

main.pipe(
  Command.run({ version: "1.0.0" }),
  // The verdicts, which are logged at info, would stand between the lines.
  Effect.provide(Layer.merge(NodeServices.layer, Layer.succeed(References.MinimumLogLevel, "Warn"))),
  NodeRuntime.runMain // SIGINT and SIGTERM release the layer, and that says goodbye to the cluster
)
