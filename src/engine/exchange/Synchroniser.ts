/**
 * The push/pulls that a node starts by itself, each with a random live member. memberlist: `pushPull`.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import { pushPullScale } from "../../base/Scaling.ts"
import { hasHealed, partner } from "../../swim/gossip/AntiEntropy.ts"
import type { Entry } from "../../swim/membership/Entry.ts"
import * as Life from "../life/Life.ts"
import { entryOf, envOf, type Node } from "../Node.ts"
import * as Reachability from "../probing/Reachability.ts"
import { type ExchangeError, lists, noList, swap, synchroniseWith } from "./PushPull.ts"

/**
 * Notes whether the member lists us. One that did not heard of us in the exchange that showed it, and is asked again
 * when it had time for probing us first.
 */
const noteListed = Effect.fnUntraced(function*(node: Node, peer: Entry, isListed: boolean) {
  if (isListed) return Reachability.toldList(node, peer, true)
  if (!node.settings.rules.recovery) return
  yield* Effect.sleep(Duration.millis(2 * node.settings.rules.probeInterval))
  yield* askListed(node, peer)
})

/** Asks a member whether we are on its list. Who has left is on nobody's list after a while, and rightly so. */
const askListed = Effect.fnUntraced(function*(node: Node, peer: Entry) {
  if (Life.isOutside(node) || !Reachability.isThere(node, peer)) return
  const { nodes } = yield* swap(node, peer.endpoint, noList)
  if (!Life.isOutside(node)) Reachability.toldList(node, peer, lists(node, nodes))
})

/** One exchange with a random live member. Of those that did not list us, one is asked whether it does now. */
const synchronise = Effect.fnUntraced(function*(node: Node) {
  const peer = partner(Ref.getUnsafe(node.membership), envOf(node))
  if (peer === undefined) return
  const unlisting = node.heard.unlisting()
  yield* quietly(
    node,
    peer,
    Effect.flatMap(synchroniseWith(node, peer.endpoint), (isListed) => noteListed(node, peer, isListed))
  )
  const again = entryOf(node, unlisting[Math.floor(node.random() * unlisting.length)] ?? peer.name)
  if (again !== undefined && again.name !== peer.name) yield* quietly(node, again, askListed(node, again))
})

/** Counts and logs what an exchange of the node's own failed with. */
const quietly = (node: Node, peer: Entry, exchange: Effect.Effect<void, ExchangeError>): Effect.Effect<void> =>
  Effect.catch(exchange, (error) => {
    node.counters.count("pushpull.failed", error._tag)
    if (error._tag === "TransportError" && error.scope === "Remote") Reachability.streamFailed(node, peer)
    return node.logs.write("PushPullFailed", {
      peer: peer.endpoint,
      member: peer.name,
      incarnation: peer.incarnation,
      reason: error._tag,
      detail: error.message
    })
  })

/** Synchronises forever, less often in larger clusters; never when the configuration turns it off. */
export const loop = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<never> {
  const interval = node.settings.pushPullInterval
  if (interval === 0) return yield* Effect.never
  yield* Effect.sleep(Duration.millis(node.random() * interval))
  for (;;) {
    const intervals = pushPullScale(1, Ref.getUnsafe(node.membership).entries.size)
    // one after the other, because the next exchange comes early when a split has healed
    for (let i = 0; i < intervals; i++) {
      yield* Effect.sleep(Duration.millis(interval))
      if (hasHealed(Ref.getUnsafe(node.membership), interval, node.now())) break
    }
    yield* synchronise(node)
  }
})
