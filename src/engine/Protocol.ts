/**
 * Starts the protocol: announces this node to itself, then runs every loop as a supervised fiber of the current scope.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import type { JoinRejected, MetaTooLarge } from "../MemberlistError.ts"
import * as Announce from "./Announce.ts"
import * as Gossiper from "./Gossiper.ts"
import * as Handoff from "./Handoff.ts"
import * as Leave from "./Leave.ts"
import type { Node } from "./Node.ts"
import * as PacketReceiver from "./PacketReceiver.ts"
import * as Prober from "./Prober.ts"
import * as PushPull from "./PushPull.ts"
import * as StreamReceiver from "./StreamReceiver.ts"
import { supervise } from "./Supervisor.ts"

/** Runs until the scope closes; closing it says goodbye first, for at most `leaveTimeout`. */
export const start = Effect.fnUntraced(function*(
  node: Node
): Effect.fn.Return<void, JoinRejected | MetaTooLarge, Scope.Scope> {
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      node.changes.end()
      node.messages.end()
    })
  )
  yield* Announce.first(node)
  const relays = yield* FiberSet.make()
  const handoff = yield* Handoff.make(node)
  const loops = {
    "packet receiver": PacketReceiver.loop(node, handoff, relays),
    "stream receiver": StreamReceiver.loop(node),
    "handoff": handoff.loop,
    "prober": Prober.loop(node),
    "gossiper": Gossiper.loop(node),
    "push/pull": PushPull.loop(node)
  }
  for (const [name, loop] of Object.entries(loops)) yield* supervise(name, node.counters, loop)
  // Registered last, so it runs first: the goodbye needs the fibers above.
  yield* Effect.addFinalizer(() => Leave.leave(node, node.config.leaveTimeout))
})
