/**
 * A ping that tells a suspect of the suspicion in the same packet, so that it can refute at once: Lifeguard's "buddy
 * system", §IV-C.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type { PeerAddress } from "../../base/Address.ts"
import type { Entry } from "../../swim/membership/Entry.ts"
import { readsChecksum } from "../../swim/membership/Versions.ts"
import { accusationInPing } from "../../swim/suspicion/Accuse.ts"
import * as Message from "../../wire/message/Message.ts"
import * as Compound from "../../wire/packet/Compound.ts"
import type { Node } from "../Node.ts"
import * as Sender from "../sending/Sender.ts"

/** Sends a ping, with the accusation in place of other gossip when `target` is there and a suspect. */
export const ping = (
  node: Node,
  to: PeerAddress,
  message: Message.Ping,
  target: Entry | undefined
): Effect.Effect<void, Sender.SendError> => {
  const accusation = accusationInPing(node.name, target, node.config.buddySystem)
  if (target === undefined || accusation === undefined) return Sender.withPiggyback(node, to, message)
  const both = Compound.make([Message.encode(message, node.writer), Message.encode(accusation, node.writer)])
  return Sender.packet(node, to, both, readsChecksum(target))
}
