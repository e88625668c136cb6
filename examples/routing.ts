/**
 * Members announce what they are, typed, and share the work by key: `npm exec -- node examples/routing.ts`. Three nodes
 * in one program, on this machine.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Context, Effect, Fiber, Layer, Option, Schema, Stream } from "effect"
import { Memberlist, MemberlistConfig, NodeMemberlist } from "effect-memberlist"
import * as MemberMeta from "effect-memberlist/MemberMeta"
import { type Moved, Ring } from "effect-memberlist/Ring"

const Worker = MemberMeta.make(Schema.Struct({ queue: Schema.String, weight: Schema.Int }))

// Whoever announces no weight gets no work.
const RingLive = Ring.layer({
  weight: (member) => Option.match(Worker.get(member), { onNone: () => 0, onSome: ({ weight }) => weight })
})

const node = (name: string, weight: number) =>
  RingLive.pipe(
    Layer.provideMerge(Worker.layer({ queue: "mail", weight })),
    Layer.provideMerge(NodeMemberlist.layer({
      ...MemberlistConfig.local,
      name,
      bindAddress: "127.0.0.1",
      bindPort: 0
    })),
    Layer.build
  )

const program = Effect.gen(function*() {
  const a = yield* node("mail-1", 1)
  const { address } = yield* Context.get(a, Memberlist).localMember
  for (const name of ["mail-2", "mail-3"]) {
    yield* Context.get(yield* node(name, 2), Memberlist).join([address])
  }

  const workers = Context.get(a, Worker)
  yield* workers.changes.pipe(Stream.filter((list) => list.length === 3), Stream.runHead)
  const strong = yield* workers.filter(({ queue, weight }) => queue === "mail" && weight > 1)
  yield* Effect.log(`stronger ones: ${strong.map(({ member }) => member.name).join(", ")}`)

  // What moves comes in batches, at first everything. This waits for the one in which mail-1 hands over all it has.
  const ring = Context.get(a, Ring)
  const isFrom = (name: string) => ({ from }: Moved) => Option.exists(from, (member) => member.name === name)
  const handedOver = yield* ring.moved.pipe(
    Stream.filter((batch) => batch.every(isFrom("mail-1"))),
    Stream.runHead,
    Effect.forkChild({ startImmediately: true })
  )
  yield* workers.update((own) => ({ ...own, weight: 0 }))
  const batch = yield* Fiber.join(handedOver)
  yield* Effect.log(`mail-1 hands over ${Option.getOrElse(batch, () => []).length} of ${ring.slots} slots`)

  const owner = yield* ring.ownerOf("user/42")
  yield* Effect.log(`user/42 belongs to ${owner.name}, as every member says`)
})

program.pipe(Effect.scoped, NodeRuntime.runMain)
