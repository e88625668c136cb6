/**
 * Measures what nothing else passes by: the lengths of the broadcast queues and the sizes of the member table.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as BroadcastQueue from "../../swim/gossip/BroadcastQueue.ts"
import type { Node } from "../Node.ts"

/** Reports how many entries the member table has in each state. */
export const countInstances = (node: Node): void => {
  const counts = { alive: 0, suspect: 0, dead: 0, left: 0 }
  for (const { state } of Ref.getUnsafe(node.membership).entries.values()) counts[state]++
  node.metrics.instances("alive", counts.alive)
  node.metrics.instances("suspect", counts.suspect)
  node.metrics.instances("dead", counts.dead)
  node.metrics.instances("left", counts.left)
}

const sample = (node: Node): void => {
  node.metrics.queuedClaims(BroadcastQueue.size(node.gossip.current))
  node.metrics.queuedUser(BroadcastQueue.size(node.user.current))
  countInstances(node)
  node.metrics.lostPeers(Ref.getUnsafe(node.membership).lost.peers.length)
}

/** Samples every `queueCheckInterval` forever; never when that is 0. memberlist: `checkBroadcastQueueDepth`. */
export const loop = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<never> {
  const interval = node.settings.queueCheckInterval
  if (interval === 0) return yield* Effect.never
  for (;;) {
    yield* Effect.sleep(Duration.millis(interval))
    sample(node)
  }
})
