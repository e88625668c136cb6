/**
 * Puts nodes that run into the state of a cluster that has been up for long: each lists all, has heard from all, and
 * has no news to tell. What that takes for real grows with the square of the members: when ten thousand join at once
 * they tell each other of a hundred million newcomers, and remember as many entries.
 *
 * A node's own push/pulls begin an interval after its start, which is five minutes for ten thousand; in that time they
 * are begun for it, evenly spread, as those of nodes that started at different times are. After it the nodes' own come
 * all within half a minute: what runs for longer should start nodes one by one.
 *
 * Nothing is skipped of what follows: the nodes are whole, and probe, gossip, suspect and exchange lists as ever. What
 * they know at first is held once for all of them; whatever any of them learns then is its own.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import { pushPullScale } from "../../base/Scaling.ts"
import { VersionedMap } from "../../base/VersionedMap.ts"
import * as PushPull from "../../engine/exchange/PushPull.ts"
import { envOf, type Node } from "../../engine/Node.ts"
import * as Step from "../../engine/Step.ts"
import type { ObservedStep } from "../../engine/StepObserver.ts"
import { partner } from "../../swim/gossip/AntiEntropy.ts"
import * as BroadcastQueue from "../../swim/gossip/BroadcastQueue.ts"
import type { Entry } from "../../swim/membership/Entry.ts"
import * as ProbeRing from "../../swim/probing/ProbeRing.ts"
import { OverlayMap } from "./OverlayMap.ts"

/** Those who have started, and what becomes of them. */
export interface Settling {
  /** To be told of the steps of all nodes until they are settled. */
  readonly observe: (step: ObservedStep) => void
  /** Settles all that were observed: each takes the others as they announced themselves. */
  readonly settle: Effect.Effect<void, never, Scope.Scope>
}

/** Nobody has started. */
export const make = (): Settling => {
  let nodes = new Map<string, Node>()
  let isOver = false
  return {
    observe: ({ node }) => {
      // the engine hands out whole nodes, of which an observer may read a part; this is no observer
      if (!isOver) nodes.set(node.name, node as Node)
    },
    settle: Effect.suspend(() => {
      isOver = true
      const settled = nodes
      nodes = new Map()
      return Effect.andThen(settleAll(settled), Effect.asVoid(Effect.forkScoped(exchanges([...settled.values()]))))
    })
  }
}

const settleAll = Effect.fnUntraced(function*(nodes: ReadonlyMap<string, Node>) {
  const entries = new Map<string, Entry>()
  for (const [name, { membership }] of nodes) {
    const own = Ref.getUnsafe(membership).entries.get(name)
    if (own !== undefined) entries.set(name, own)
  }
  const names = Array.from(entries.keys())
  const byIp = new Map(Array.from(entries.values(), ({ endpoint, name }) => [endpoint.ip, name]))
  for (const node of nodes.values()) {
    node.gossip.current = BroadcastQueue.reset(node.gossip.current)[0]
    yield* Step.run(node, (m, { now, random }) => {
      node.heard.adopt({ names, entries, byIp, at: now })
      const known = VersionedMap.of(new OverlayMap(entries))
      return [{ ...m, entries: known, ring: ProbeRing.shuffle(names, random), othersSince: now }, []]
    })
  }
})

/** Begins a push/pull of each node with a random member, in random order, evenly spread over the time between two. */
const exchanges = Effect.fnUntraced(function*(nodes: ReadonlyArray<Node>) {
  const [first] = nodes
  if (first === undefined || first.settings.pushPullInterval === 0) return
  const random = first.random
  const pause = Duration.millis(pushPullScale(first.settings.pushPullInterval, nodes.length) / nodes.length)
  const rest = nodes.slice()
  while (rest.length > 0) {
    yield* Effect.sleep(pause)
    const [node] = rest.splice(Math.floor(random() * rest.length), 1)
    if (node === undefined) return
    const peer = partner(Ref.getUnsafe(node.membership), envOf(node))
    if (peer === undefined) continue
    yield* Effect.forkScoped(node.work.inContext(Effect.ignore(PushPull.synchroniseWith(node, peer.endpoint))))
  }
})
