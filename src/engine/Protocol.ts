/**
 * Starts the protocol: announces this node to itself, then runs every loop as a supervised fiber of the current scope.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { JoinRejected, MetaTooLarge } from "../MemberlistError.ts"
import * as Synchroniser from "./exchange/Synchroniser.ts"
import * as Gossiper from "./gossip/Gossiper.ts"
import * as Info from "./life/Info.ts"
import * as Life from "./life/Life.ts"
import type { Node } from "./Node.ts"
import * as Prober from "./probing/Prober.ts"
import * as Handoff from "./receiving/Handoff.ts"
import * as PacketReceiver from "./receiving/PacketReceiver.ts"
import * as Responder from "./receiving/Responder.ts"
import * as StreamReceiver from "./receiving/StreamReceiver.ts"
import * as AutoJoin from "./recovery/AutoJoin.ts"
import * as Healer from "./recovery/Healer.ts"
import * as Rejoin from "./recovery/Rejoin.ts"
import * as SeedWatch from "./recovery/SeedWatch.ts"
import { supervise } from "./Supervisor.ts"
import * as Timer from "./suspicion/Timer.ts"
import * as Exposure from "./telemetry/Exposure.ts"
import * as Sampler from "./telemetry/Sampler.ts"

/** What an operator wants to know of a start. memberlist: `setAlive`. */
const announceStart = (node: Node, info: Info.NodeInfo): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { advertised: peer, encrypted } = info
    node.metrics.healthScore(node.health.current)
    Sampler.countInstances(node)
    return Effect.andThen(
      node.logs.write("Started", { peer, detail: Info.text(info) }),
      encrypted || !Exposure.isPublic(node.transport.advertised.addr)
        ? Effect.void
        : node.logs.write("PublicWithoutEncryption", { peer })
    )
  })

/** Runs until the scope closes; closing it says goodbye first. Returns what the node found. */
export const start = Effect.fnUntraced(function*(
  node: Node,
  keysFrom: Info.KeysFrom
): Effect.fn.Return<Info.NodeInfo, JoinRejected | MetaTooLarge, Scope.Scope> {
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      node.changes.end()
      node.recoveries.end()
      node.messages.end()
      node.activity.end()
    })
  )
  yield* Effect.addFinalizer(() => node.logs.flush)
  // the start itself waits for it
  yield* supervise("snapshot", node, node.memory.loop)
  yield* Life.start(node)
  const info = Info.of(node, keysFrom)
  yield* announceStart(node, info)
  const handoff = yield* Handoff.make(node)
  const responder = yield* Responder.make(node)
  const loops = {
    "packet receiver": PacketReceiver.loop(node, handoff, responder),
    "responder": responder.loop,
    "stream receiver": StreamReceiver.loop(node),
    "handoff": handoff.loop,
    "prober": Prober.loop(node),
    "suspicion": Timer.loop(node),
    "gossiper": Gossiper.loop(node),
    "push/pull": Synchroniser.loop(node),
    "healer": Healer.loop(node),
    "auto-join": AutoJoin.loop(node),
    "seeds": SeedWatch.loop(node),
    "rejoin": Rejoin.loop(node),
    "sampler": Sampler.loop(node),
    "log": node.logs.loop,
    "conflict hook": node.notices.conflict.loop,
    "pingComplete hook": node.notices.pingComplete.loop,
    "mergeRemoteState hook": node.notices.mergeRemoteState.loop
  }
  // Whoever builds the layer may be interrupted: from the first loop on others may learn of us, so a goodbye is due.
  yield* Effect.uninterruptible(Effect.gen(function*() {
    for (const [name, loop] of Object.entries(loops)) yield* supervise(name, node, loop)
    // Registered last, so it runs first: the goodbye needs the fibers above.
    yield* Effect.addFinalizer(() => Life.close(node))
  }))
  return info
})
