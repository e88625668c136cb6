/**
 * How a program is put together: services above the node, hooks and keys below it, sockets and settings at the bottom:
 * `npm exec -- node examples/layers.ts`. Two nodes in one program, on this machine.
 */
import { NodeRuntime } from "@effect/platform-node"
import { Context, Effect, Layer } from "effect"
import {
  Delegate,
  JoinRejected,
  Keyring,
  Memberlist,
  MemberlistConfig,
  MemberlistLive,
  NodeTransport
} from "effect-memberlist"

/** A service of the application, above the node. It needs a `Memberlist`, and does not know where that comes from. */
class Workers extends Context.Service<Workers, { readonly names: Effect.Effect<ReadonlyArray<string>> }>()("Workers") {
  static readonly layer = Layer.effect(
    Workers,
    Memberlist.useSync(({ members }) =>
      Workers.of({
        names: Effect.map(members, (all) => all.filter(({ metaText }) => metaText === "worker").map(({ name }) => name))
      })
    )
  )
}

/** Hooks, below the node: what is provided beside it would not be found. */
const HooksLive = Layer.succeed(Delegate, {
  admit: ({ metaText, name }) =>
    metaText === "worker" || metaText === "front"
      ? Effect.void
      : Effect.fail(new JoinRejected({ reason: `${name} does not say what it is` }))
})

// In a real program the key comes from where secrets are kept.
const KeysLive = Keyring.layer({ primary: new Uint8Array(32).fill(7) })

const node = (name: string, role: string) =>
  Workers.layer.pipe(
    Layer.provideMerge(MemberlistLive),
    Layer.provide([HooksLive, KeysLive, NodeTransport.layer]),
    Layer.provide(MemberlistConfig.layer({
      ...MemberlistConfig.local,
      name,
      meta: new TextEncoder().encode(role),
      bindAddress: "127.0.0.1",
      bindPort: 0
    }))
  )

const program = Effect.gen(function*() {
  const worker = yield* Layer.build(node("worker-1", "worker"))
  const front = yield* Layer.build(node("front-1", "front"))
  const { address } = yield* Context.get(worker, Memberlist).localMember
  yield* Context.get(front, Memberlist).join([address])
  const names = yield* Context.get(front, Workers).names
  yield* Effect.log(`front-1 gives its work to ${names.join(", ")}`)
})

program.pipe(Effect.scoped, NodeRuntime.runMain)
