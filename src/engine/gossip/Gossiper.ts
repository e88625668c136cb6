/**
 * The gossip tick: news to a few random members, each in a packet of its own. SWIM piggybacks news on probes;
 * memberlist also sends it by itself, because probes alone are too rare.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Recipients from "../../swim/gossip/Recipients.ts"
import { readsChecksum } from "../../swim/membership/Versions.ts"
import * as Compound from "../../wire/packet/Compound.ts"
import { envOf, type Node } from "../Node.ts"
import * as Broadcasts from "../sending/Broadcasts.ts"
import * as Sender from "../sending/Sender.ts"
import { timed } from "../telemetry/Metrics.ts"
import * as Ticker from "../Ticker.ts"

/** One tick. What was to be said may have gone with pings and acks meanwhile. */
export const gossip = (node: Node): Effect.Effect<void> =>
  Effect.suspend(() => Broadcasts.isIdle(node) ? Effect.void : spread(node))

/** Each target gets a draw of its own, so a message's transmissions count per target. */
const spread = Effect.fnUntraced(function*(node: Node) {
  const targets = Recipients.ofGossip(Ref.getUnsafe(node.membership), node.config.gossipNodes, envOf(node))
  for (const target of targets) {
    const messages = yield* Broadcasts.draw(node, target.endpoint, Sender.gossipBudget(node))
    const [first] = messages
    if (first === undefined) return
    const message = messages.length === 1 ? first : Compound.make(messages)
    const sending = Sender.carrying(node, target.endpoint, messages)(
      Sender.packet(node, target.endpoint, message, readsChecksum(target))
    )
    yield* Sender.orLog(node, "gossip", target.endpoint, sending)
    if (node.activity.isWatched()) node.activity.note({ _tag: "Gossip", to: target.name, news: messages.length })
  }
})

/**
 * Gossips forever, and rests while there is nothing to say; never when the configuration turns it off. (memberlist's
 * ticks go on, and find nothing.)
 */
export const loop = (node: Node): Effect.Effect<never> => {
  const tick = timed(gossip(node), node.now, node.metrics.gossipTime)
  return node.settings.gossipInterval === 0 || node.config.gossipNodes === 0
    ? Effect.never
    : Ticker.every(node, node.settings.gossipInterval, () => tick, {
      isIdle: () => Broadcasts.isIdle(node),
      woken: node.news.wait
    })
}
