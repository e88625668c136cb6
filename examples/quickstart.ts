import { NodeRuntime } from "@effect/platform-node"
import { Effect, Stream } from "effect"
import { Memberlist, MemberlistConfig, NodeMemberlist } from "effect-memberlist"

const program = Effect.gen(function*() {
  const cluster = yield* Memberlist
  yield* cluster.events.pipe(
    Stream.runForEach((event) => Effect.log(`${event._tag} ${event.member.name} ${event.member.address}`)),
    Effect.forkScoped
  )
  // Seeds are members that are probably there: `[name/]host[:port]`. One that answers is enough.
  const report = yield* cluster.join(process.argv.slice(2))
  const members = yield* cluster.members
  yield* Effect.log(`contacted ${report.contacted.length} seeds, ${members.length} members`)
  return yield* Effect.never
})

const ClusterLive = NodeMemberlist.layer({
  ...MemberlistConfig.lan,
  name: process.env["NAME"] ?? "orders-1",
  bindAddress: "127.0.0.1",
  bindPort: Number(process.env["PORT"] ?? 7946)
})

// SIGINT and SIGTERM release the layer, and that says goodbye to the cluster.
program.pipe(Effect.scoped, Effect.provide(ClusterLive), NodeRuntime.runMain)
