/**
 * A ping that tells a suspect of the suspicion in the same packet, so that it can refute at once: Lifeguard's "buddy
 * system", §IV-C.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { PeerAddress } from "../../base/Address.ts"
import type { Entry } from "../../swim/membership/Entry.ts"
import * as Message from "../../wire/message/Message.ts"
import * as Compound from "../../wire/packet/Compound.ts"
import type { Node } from "../Node.ts"
import * as Sender from "../sending/Sender.ts"

/** Our own accusation of a member, at the incarnation we know. */
export const of = (node: Node, target: Entry): Message.Suspect => ({
  _tag: "Suspect",
  incarnation: target.incarnation,
  node: target.name,
  from: node.name
})

/** Sends a ping, with the accusation in place of other gossip when `target` is there and a suspect. */
export const ping = (
  node: Node,
  to: PeerAddress,
  message: Message.Ping,
  target: Entry | undefined
): Effect.Effect<void, Sender.SendError> => {
  if (target?.state !== "suspect" || !node.config.buddySystem) return Sender.withPiggyback(node, to, message)
  const both = Compound.make([Message.encode(message, node.writer), Message.encode(of(node, target), node.writer)])
  return Sender.packet(node, to, both, Sender.wantsCrc(target))
}
