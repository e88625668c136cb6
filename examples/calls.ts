/**
 * Members call each other by name, all at once, and as the owners of keys: `npm exec -- node examples/calls.ts`. Three
 * nodes in one program, on this machine.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Context, Effect, Fiber, Layer, Result, Schema, Stream } from "effect"
import { Memberlist, MemberlistConfig, NodeMemberlist } from "effect-memberlist"
import * as MemberRpc from "effect-memberlist/MemberRpc"
import * as NodeMemberRpc from "effect-memberlist/NodeMemberRpc"
import { Ring } from "effect-memberlist/Ring"
import { Rpc, RpcGroup } from "effect/rpc"

class OutOfStock extends Schema.TaggedError<OutOfStock>()("OutOfStock", { item: Schema.String }) {}

const Stock = RpcGroup.make(
  Rpc.make("Take", { payload: { item: Schema.String }, success: Schema.Int, error: OutOfStock }),
  Rpc.make("Count", { success: Schema.Int }),
  Rpc.make("Watch", { success: Schema.Int, stream: true })
)
const Calls = MemberRpc.make("stock", Stock)

// Each node has a stock of its own, which the others ask for.
const handlers = (pieces: number) =>
  Stock.toLayer({
    Take: ({ item }) =>
      Effect.suspend(() => pieces > 0 ? Effect.succeed(--pieces) : Effect.fail(new OutOfStock({ item }))),
    Count: () => Effect.sync(() => pieces),
    Watch: () => Stream.concat(Stream.fromEffect(Effect.sync(() => pieces)), Stream.never)
  })

const node = (name: string, pieces: number) =>
  Layer.mergeAll(
    Calls.layer(),
    Calls.serve().pipe(Layer.provide(handlers(pieces))),
    Ring.layer({ eligible: Calls.serves })
  ).pipe(
    // TCP, on a port that the system chooses; on an open network with `tls`: docs/rpc.md
    Layer.provide(NodeMemberRpc.layerSocket()),
    Layer.provideMerge(NodeMemberlist.layer({
      ...MemberlistConfig.local,
      name,
      bindAddress: "127.0.0.1",
      bindPort: 0
    })),
    Layer.build
  )

const program = Effect.gen(function*() {
  const a = yield* node("shop-1", 10)
  const { address } = yield* Context.get(a, Memberlist).localMember
  const b = yield* node("shop-2", 1)
  const c = yield* node("shop-3", 5)
  for (const shop of [b, c]) yield* Context.get(shop, Memberlist).join([address])
  yield* Context.get(a, Memberlist).changes.pipe(
    Stream.filter((members) => members.filter(Calls.serves).length === 3),
    Stream.runHead
  )

  // One by its name. Its own error is an error here, beside those of the call.
  const calls = Context.get(a, Calls)
  const second = calls.on({ name: "shop-2" })
  yield* Effect.log(`shop-2 has ${yield* second.Take({ item: "tea" })} left`)
  yield* second.Take({ item: "tea" }).pipe(
    Effect.catchTag("OutOfStock", ({ item }) => Effect.log(`shop-2 has no ${item} left`))
  )

  // All of them, each with its answer or the reason why there is none.
  const replies = yield* calls.all((shop) => shop.Count(), { deadline: "2 seconds" }).pipe(Stream.runCollect)
  const told = replies.map(({ member, result }) =>
    `${member.name}: ${Result.isSuccess(result) ? result.success : result.failure._tag}`
  )
  yield* Effect.log(told.sort().join(", "))

  // Whoever a key belongs to, as every member says.
  const owner = yield* calls.owner("user/42").pipe(Effect.provide(a))
  yield* Effect.log(`the owner of user/42 has ${yield* owner.Count()}`)

  // A member that goes ends what is under way to it, with its name.
  const watching = yield* calls.on({ name: "shop-3" }).Watch().pipe(
    Stream.tap((pieces) => Effect.log(`shop-3 has ${pieces}`)),
    Stream.tap(() => Effect.forkScoped(Context.get(c, Memberlist).leave())),
    Stream.runDrain,
    Effect.catchTag("MemberGone", ({ became, member }) => Effect.log(`${member} has ${became}`)),
    Effect.forkChild
  )
  yield* Fiber.join(watching)
})

program.pipe(Effect.scoped, NodeRuntime.runMain)
