/**
 * A node that remembers: `NAME=a PORT=7946 SNAPSHOT=a.snapshot npm exec -- node examples/snapshots.ts [seed]`. Start
 * two, the second with the first as its seed; end both however you like, and start them again without seeds.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Layer, Stream } from "effect"
import { Memberlist, MemberlistConfig, NodeMemberlist, NodeSnapshots } from "effect-memberlist"

const program = Effect.gen(function*() {
  const cluster = yield* Memberlist
  const { address, incarnation } = yield* cluster.localMember
  yield* Effect.log(`started at ${address}, incarnation ${incarnation}, snapshot ${cluster.info.snapshot}`)
  const seeds = process.argv.slice(2)
  if (seeds.length > 0) yield* cluster.join(seeds)
  // without seeds nothing is to be done: the node is on its way back already
  yield* Stream.runForEach(
    cluster.events,
    (event) => Effect.log(`${event._tag} ${event.member.name} ${event.member.address}`)
  )
})

const ClusterLive = NodeMemberlist.layer({
  ...MemberlistConfig.lan,
  name: process.env["NAME"] ?? "orders-1",
  bindAddress: "127.0.0.1",
  bindPort: Number(process.env["PORT"] ?? 7946)
}).pipe(
  // below the node, like hooks and keys; one file for each node
  Layer.provide(NodeSnapshots.layerFile(process.env["SNAPSHOT"] ?? "orders-1.snapshot"))
)

program.pipe(Effect.scoped, Effect.provide(ClusterLive), NodeRuntime.runMain)
