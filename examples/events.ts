/**
 * What happens in the cluster, as a Stream: `npm exec -- node examples/events.ts`. Two nodes
 * in one program, on this machine; one comes and goes, the other looks on.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Context, Effect, Fiber, Layer, Stream } from "effect"
import { Memberlist, MemberlistConfig, NodeMemberlist } from "effect-memberlist"

const start = (name: string) =>
  NodeMemberlist.layer({ ...MemberlistConfig.local, name, bindAddress: "127.0.0.1", bindPort: 0 }).pipe(
    Layer.build,
    Effect.map(Context.get(Memberlist))
  )

const program = Effect.gen(function*() {
  const a = yield* start("a")
  // It begins with those who are there already, and misses nothing afterwards. Each subscriber has a stream of its own.
  const watching = yield* a.events.pipe(
    Stream.tap((event) => {
      switch (event._tag) {
        case "MemberUpdated":
          return Effect.log(
            `${event.member.name} says "${event.member.metaText}" now, not "${event.previous.metaText}"`
          )
        case "MemberSuspected":
        case "MemberFailed":
          // who accused it, what was tried, who confirmed, how it ended: in one line
          return Effect.log(String(event.verdict))
        default:
          return Effect.log(`${event._tag} ${event.member.name}`)
      }
    }),
    Stream.takeUntil((event) => event._tag === "MemberLeft"),
    Stream.runDrain,
    Effect.forkScoped
  )
  // b lives as long as this scope
  yield* Effect.scoped(Effect.gen(function*() {
    const b = yield* start("b")
    yield* b.join([(yield* a.localMember).address])
    yield* b.updateMeta(new TextEncoder().encode("busy"), { wait: "5 seconds" })
  }))
  yield* Fiber.join(watching)
})

program.pipe(Effect.scoped, NodeRuntime.runMain)
