/**
 * Answers pings and indirect pings, in a fiber of its own, so that what others ask of us never delays what we asked of
 * them. Anybody can ask, at any rate, and have the answer sent anywhere; so members come first, strangers share a limited
 * number of answers, and nobody is answered who has given up waiting.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Address from "../../base/Address.ts"
import type { Packet } from "../../Transport.ts"
import * as Message from "../../wire/message/Message.ts"
import * as Hooks from "../hooks/Hooks.ts"
import type { Node } from "../Node.ts"
import * as Relay from "../probing/Relay.ts"
import * as Sender from "../sending/Sender.ts"
import * as Signal from "../Signal.ts"
import type { Request } from "./Inbox.ts"
import * as Rate from "./Rate.ts"

/** Pings and indirect pings of one datagram that are answered. A correct peer sends one. */
export const MAX_REQUESTS_PER_PACKET = 2

/** Requests of members, and of strangers, that may wait to be answered; the oldest make room. */
export const MAX_WAITING = 256

/**
 * Requests in a second that are answered although they come from no member's address: from members that we have not heard
 * of yet, and from those behind an address translation.
 */
export const STRANGERS_PER_SECOND = 1_000

/** How many of these at once. */
const STRANGERS_AT_ONCE = 200

export interface Responder {
  /** Queues a request. `isMember`: it came from a member's address. */
  readonly offer: (message: Request["message"], packet: Packet, isMember: boolean) => void
  readonly loop: Effect.Effect<never>
}

/**
 * Where the sender of a request wants its answer: what it says, else where the packet came from. `undefined` where
 * `cidrsStrict` forbids to answer, so that nobody can be flooded with our answers to forged pings.
 */
const answerTo = (node: Node, { message, packet }: Request): Address.PeerAddress | undefined => {
  const name = message.sourceNode
  const ip = message.sourceAddr.length === 0 || message.sourcePort === 0
    ? undefined
    : Address.ipText(message.sourceAddr)
  // the packet's own source was checked before it was read
  if (ip === undefined) return { ...packet.from, name }
  if (node.settings.contactAllowed(message.sourceAddr)) return { ip, port: message.sourcePort, name }
  node.counters.count("packet.rejected", "AnswerNotAllowed")
  return undefined
}

/** Whether the answer is wanted at another address than the request came from. */
const isElsewhere = (message: Request["message"], from: Address.PeerAddress): boolean =>
  message.sourceAddr.length > 0 && message.sourcePort !== 0
  && (message.sourcePort !== from.port || Address.ipText(message.sourceAddr) !== from.ip)

const acknowledge = (node: Node, ping: Message.Ping, to: Address.PeerAddress): Effect.Effect<void> => {
  const ack = (payload: Uint8Array | null): Message.Ack => ({ _tag: "Ack", seqNo: ping.seqNo, payload })
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
  // Helpers are asked after this time, and a backlog that is served in full is served late in full.
  if (node.now() - packet.receivedAt > node.settings.probeTimeout) {
    node.counters.count("packet.dropped", "RequestTooLate")
    return Effect.void
  }
  const to = answerTo(node, request)
  if (to === undefined) return Effect.void
  return message._tag === "Ping"
    ? acknowledge(node, message, to)
    : Relay.serve(node, message, to, packet.from)
}

export const make = Effect.fnUntraced(function*(node: Node): Effect.fn.Return<Responder> {
  const signal = yield* Signal.make
  const { members, strangers } = node.requests
  const strangersRate = Rate.make({ perSecond: STRANGERS_PER_SECOND, burst: STRANGERS_AT_ONCE })
  return {
    offer: (message, packet, fromMember) => {
      // a member wants its answers where it is; who wants them elsewhere could be anybody's flood
      const isMember = fromMember && !isElsewhere(message, packet.from)
      if (!isMember && !strangersRate.take(packet.receivedAt)) {
        node.counters.count("packet.dropped", "TooManyStrangers")
        return
      }
      const queue = isMember ? members : strangers
      if (queue.length >= MAX_WAITING) {
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
