/**
 * Messages of the application's own ride on gossip, from a queue that tells when each has been sent often enough:
 * `npm exec -- node examples/user-broadcasts.ts`. Two members in one program, on this
 * machine.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Context, Deferred, Effect, Fiber, Layer, Stream } from "effect"
import { Delegate, Memberlist, MemberlistConfig, NodeMemberlist, TransmitLimitedQueue } from "effect-memberlist"

const member = (name: string, delegate: Delegate) =>
  NodeMemberlist.layer({ ...MemberlistConfig.local, name, bindAddress: "127.0.0.1", bindPort: 0 }).pipe(
    Layer.provide(Layer.succeed(Delegate, delegate)),
    Layer.build,
    Effect.map(Context.get(Memberlist))
  )

const program = Effect.gen(function*() {
  // The queue is there before the node is, and asks for the size of the cluster only when it is drawn from.
  let size: Effect.Effect<number> = Effect.succeed(1)
  const queue = yield* TransmitLimitedQueue.make({ retransmitMult: 2, members: Effect.suspend(() => size) })
  const sender = yield* member("sender", { broadcasts: queue.getBroadcasts })
  size = Effect.map(sender.members, (members) => members.length)

  const receiver = yield* member("receiver", {})
  const receives = yield* receiver.messages.pipe(
    Stream.take(1),
    Stream.runForEach((message) => Effect.log(`received "${new TextDecoder().decode(message.payload)}"`)),
    Effect.forkScoped
  )
  yield* receiver.join([(yield* sender.localMember).address])

  const sent = yield* Deferred.make<void>()
  // The second takes the place of the first, which has the same name and was not sent yet.
  yield* queue.queueBroadcast({
    name: "price",
    message: new TextEncoder().encode("price 1"),
    finished: Effect.log("the first will not be sent any more")
  })
  yield* queue.queueBroadcast({
    name: "price",
    message: new TextEncoder().encode("price 2"),
    finished: Effect.asVoid(Deferred.succeed(sent, undefined))
  })
  yield* Deferred.await(sent)
  yield* Effect.log("the second was sent as often as gossip sends any news")
  yield* Fiber.join(receives)
})

program.pipe(Effect.scoped, NodeRuntime.runMain)
