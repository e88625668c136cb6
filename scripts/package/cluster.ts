/** A program of a user: two nodes that find each other and say goodbye. `check-package` bundles it and runs it. */
import { NodeRuntime } from "@effect/platform-node"
import { Context, Effect, Layer, Option, Redacted, Stream } from "effect"
import { Memberlist, MemberlistConfig, NodeMemberlist } from "effect-memberlist"

const node = Effect.fnUntraced(function*(name: string) {
  const live = NodeMemberlist.layer({
    ...MemberlistConfig.local,
    name,
    bindAddress: "127.0.0.1",
    bindPort: 0,
    secretKey: Redacted.make(new Uint8Array(32).fill(7))
  })
  return Context.get(yield* Layer.build(live), Memberlist)
})

/** Waits until the node sees so many members. */
const sees = (cluster: Memberlist["Service"], count: number) =>
  cluster.changes.pipe(
    Stream.filter((members) => members.length === count),
    Stream.runHead,
    Effect.map(Option.getOrThrow)
  )

Effect.gen(function*() {
  const a = yield* node("a")
  const { address } = yield* a.localMember
  yield* Effect.scoped(Effect.gen(function*() {
    const b = yield* node("b")
    yield* b.join([address])
    const [members] = yield* Effect.all([sees(a, 2), sees(b, 2)], { concurrency: 2 })
    yield* Effect.log(`${members.map(({ name }) => name).sort().join(" and ")} see each other`)
  }))
  yield* sees(a, 1)
  yield* Effect.log("b has left")
}).pipe(Effect.scoped, Effect.timeout("20 seconds"), NodeRuntime.runMain)
