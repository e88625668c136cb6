/**
 * Answers pings and indirect pings, in a fiber of its own, so that what others ask of us never delays what we asked of
 * them. Which requests are served is decided in `swim/probing/Requests.ts`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Address from "../../base/Address.ts"
import * as Rate from "../../base/Rate.ts"
import * as Requests from "../../swim/probing/Requests.ts"
import type { Packet } from "../../Transport.ts"
import * as Message from "../../wire/message/Message.ts"
import * as Hooks from "../hooks/Hooks.ts"
import type { Node } from "../Node.ts"
import * as Relay from "../probing/Relay.ts"
import * as Sender from "../sending/Sender.ts"
import * as Signal from "../Signal.ts"
import type { Request } from "./Inbox.ts"

export interface Responder {
  /** Queues a request. `isMember`: it came from a member's address. */
  readonly offer: (message: Request["message"], packet: Packet, isMember: boolean) => void
  readonly loop: Effect.Effect<never>
}

const acknowledge = (node: Node, ping: Message.Ping, to: Address.PeerAddress): Effect.Effect<void> => {
  const ack = (payload: Uint8Array | null): Message.Ack => ({ _tag: "Ack", seqNo: ping.seqNo, payload })
  if (!Hooks.asksForAcks(node)) return Sender.orLog(node, "ack", to, Sender.withPiggyback(node, to, ack(null)))
  const full = Effect.flatMap(
    Hooks.ackPayload(node),
    (payload) => Sender.orLog(node, "ack", to, Sender.withPiggyback(node, to, ack(payload)))
  )
  const bare = Effect.suspend(() =>
    Sender.orLog(node, "ack", to, Sender.packet(node, to, Message.encode(ack(null), node.writer), false))
  )
  return Hooks.answering(node, to, full, bare)
}

const answer = (node: Node, request: Request): Effect.Effect<void> => {
  const { message, packet } = request
  if (Requests.isTooLate(node.now() - packet.receivedAt, node.settings.probeTimeout)) {
    node.counters.count("packet.dropped", "RequestTooLate")
    return Effect.void
  }
  const to = Requests.answerTo(message, packet.from, node.settings.contactAllowed)
  if (to === undefined) {
    node.counters.count("packet.rejected", "AnswerNotAllowed")
    return Effect.void
  }
  return message._tag === "Ping"
    ? acknowledge(node, message, to)
    : Relay.serve(node, message, to, packet.from)
}

export const make = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<Responder> {
  const signal = yield* Signal.make
  const { members, strangers } = node.requests
  const strangersRate = Rate.make({ perSecond: Requests.STRANGERS_PER_SECOND, burst: Requests.STRANGERS_AT_ONCE })
  return {
    offer: (message, packet, isMember) => {
      const isFirst = Requests.comesFirst(message, packet.from, isMember)
      if (!isFirst && !strangersRate.take(packet.receivedAt)) {
        node.counters.count("packet.dropped", "TooManyStrangers")
        return
      }
      const queue = isFirst ? members : strangers
      if (queue.length >= Requests.MAX_WAITING) {
        queue.shift()
        node.counters.count("packet.dropped", "TooManyRequests")
      }
      queue.push({ message, packet })
      signal.notify()
    },
    loop: Effect.gen(function*() {
      for (;;) {
        const request = members.shift() ?? strangers.shift()
        yield* request === undefined ? signal.wait : answer(node, request)
      }
    })
  }
})
