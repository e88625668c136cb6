/**
 * A member for as long as a scope: `npm exec -- node examples/join-scoped.ts`. The scope's
 * end says goodbye, however it comes about: with a result, an error or an interruption. The node itself goes on.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Context, Effect, Layer, Stream } from "effect"
import { Memberlist, MemberlistConfig, NodeMemberlist } from "effect-memberlist"

const start = (name: string) =>
  NodeMemberlist.layer({ ...MemberlistConfig.local, name, bindAddress: "127.0.0.1", bindPort: 0 }).pipe(
    Layer.build,
    Effect.map(Context.get(Memberlist))
  )

const program = Effect.gen(function*() {
  const desk = yield* start("desk")
  const worker = yield* start("worker")
  const { address } = yield* desk.localMember

  /** Waits until the desk lists the worker, or does not. */
  const lists = (there: boolean) =>
    desk.changes.pipe(
      Stream.takeUntil((members) => members.some(({ name }) => name === "worker") === there),
      Stream.runDrain,
      Effect.andThen(Effect.log(`the desk ${there ? "sees the worker" : "sees that it has left"}`))
    )

  for (const shift of ["early", "late"]) {
    yield* Effect.scoped(Effect.gen(function*() {
      const report = yield* worker.joinScoped([address])
      yield* Effect.log(`the ${shift} shift begins: joined through ${report.contacted.length} seed`)
      yield* lists(true)
    }))
    yield* lists(false)
  }
})

program.pipe(Effect.scoped, NodeRuntime.runMain)
