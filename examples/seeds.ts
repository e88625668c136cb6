/**
 * A cluster whose nodes find each other by themselves: `npm exec -- node examples/seeds.ts`. Three nodes start in order,
 * and none waits for another. Their seeds come from a registry of the program's own; in a real program more often from DNS
 * (`NodeSeeds.layerDns`), a file or the environment.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Context, Effect, Layer, Stream, SubscriptionRef } from "effect"
import { Memberlist, MemberlistConfig, NodeMemberlist, Seeds } from "effect-memberlist"

type Registry = SubscriptionRef.SubscriptionRef<ReadonlyArray<string>>

/** Starts a node, and enters it in the registry. */
const node = Effect.fnUntraced(function*(name: string, registry: Registry) {
  const live = NodeMemberlist.layer({ ...MemberlistConfig.local, name, bindAddress: "127.0.0.1", bindPort: 0 }).pipe(
    Layer.provide(Seeds.layerStream(SubscriptionRef.changes(registry), { source: "registry" }))
  )
  const cluster = Context.get(yield* Layer.build(live), Memberlist)
  yield* SubscriptionRef.update(registry, (entries) => [...entries, cluster.info.advertised])
  // the layer did not wait for anybody; this does, until it has joined or knows that there is nobody to join
  const { _tag } = yield* cluster.ready
  yield* Effect.log(`${name} is ready, with seeds from the ${cluster.info.seeds}: ${_tag}`)
  return cluster
})

const program = Effect.gen(function*() {
  const registry = yield* SubscriptionRef.make<ReadonlyArray<string>>([])
  const first = yield* node("a", registry)
  yield* node("b", registry)
  yield* node("c", registry)
  yield* first.changes.pipe(Stream.takeUntil((members) => members.length === 3), Stream.runDrain)
  yield* Effect.log(`all three are in the list, and the first is ${(yield* first.readiness)._tag}`)
})

program.pipe(Effect.scoped, NodeRuntime.runMain)
