/**
 * Datagrams in: decoded in one synchronous step; pings, acks and nacks are served at once, claims are handed off.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as FiberSet from "effect/FiberSet"
import * as Ref from "effect/Ref"
import * as Address from "../Address.ts"
import { oldNews } from "../swim/Membership.ts"
import type * as Transport from "../Transport.ts"
import * as Message from "../wire/Message.ts"
import * as Packet from "../wire/Packet.ts"
import type { Handoff } from "./Handoff.ts"
import * as Hooks from "./Hooks.ts"
import { mayContact, type Node, receivedPort } from "./Node.ts"
import * as Relay from "./Relay.ts"
import * as Sender from "./Sender.ts"

/**
 * Where the sender of a ping wants its answer: what it says, else where the packet came from. `undefined` where
 * `cidrsStrict` forbids to answer, so that nobody can be flooded with our answers to forged pings.
 */
const answerTo = (
  node: Node,
  message: { readonly sourceAddr: Uint8Array; readonly sourcePort: number; readonly sourceNode: string },
  from: Address.PeerAddress
): Address.PeerAddress | undefined => {
  const name = message.sourceNode
  const ip = message.sourceAddr.length === 0 || message.sourcePort === 0
    ? undefined
    : Address.ipText(message.sourceAddr)
  // the packet's own source was checked before it was read
  if (ip === undefined) return { ...from, name }
  if (node.settings.contactAllowed(message.sourceAddr)) return { ip, port: message.sourcePort, name }
  node.counters.count("packet.rejected", "AnswerNotAllowed")
  return undefined
}

const onPing = (node: Node, ping: Message.Ping, from: Address.PeerAddress): Effect.Effect<void> | undefined => {
  if (ping.node !== "" && ping.node !== node.name) {
    node.counters.count("packet.rejected", "PingForAnother")
    return node.logs.write("PingForAnother", { peer: from, detail: `it was for ${JSON.stringify(ping.node)}` })
  }
  const to = answerTo(node, ping, from)
  if (to === undefined) return undefined
  const ack = (payload: Uint8Array | null): Message.Ack => ({ _tag: "Ack", seqNo: ping.seqNo, payload })
  const full = Effect.flatMap(
    Hooks.ackPayload(node),
    (payload) => Sender.orLog(node, "ack", to, Sender.withPiggyback(node, to, ack(payload)))
  )
  const bare = Effect.suspend(() =>
    Sender.orLog(node, "ack", to, Sender.packet(node, to, Message.encode(ack(null), node.writer), false))
  )
  return Hooks.answering(node, full, bare)
}

/** Most configurations allow every source, which is then not even parsed. */
const mayAnnounce = (node: Node, from: Address.PeerAddress): boolean => {
  if (node.config.cidrsAllowed.length === 0) return true
  const source = Address.ipBytes(from.ip)
  return source !== undefined && node.settings.addressAllowed(source)
}

/** An alive message must come from an allowed address, and speak of one. */
const onAlive = (node: Node, handoff: Handoff, alive: Message.Alive, from: Address.PeerAddress): void => {
  if (!mayAnnounce(node, from)) {
    node.counters.count("packet.rejected", "SourceNotAllowed")
    node.logs.note("AliveBlocked", { peer: from, member: alive.node, incarnation: alive.incarnation })
    return
  }
  const port = receivedPort(node, alive.port)
  const claim = port === alive.port ? alive : { ...alive, port }
  // A delegate is asked about every claim. Without one, what is old news need not wait for its turn to be ignored.
  const reason = node.delegate.admit === undefined ? oldNews(Ref.getUnsafe(node.membership), claim) : undefined
  if (reason === undefined) handoff.offer(claim, from)
  else node.counters.count("claim.ignored", reason)
}

/** Serves one message; what it returns still has to be run. */
const onMessage = (
  node: Node,
  handoff: Handoff,
  relays: FiberSet.FiberSet,
  message: Message.PacketMessage,
  packet: Transport.Packet
): Effect.Effect<void> | undefined => {
  switch (message._tag) {
    case "Ping":
      return onPing(node, message, packet.from)
    case "IndirectPing": {
      const asker = answerTo(node, message, packet.from)
      return asker === undefined ? undefined : Relay.serve(node, relays, message, asker)
    }
    case "Ack":
      if (!node.acks.ack(message.seqNo, message.payload, packet.receivedAt)) {
        node.counters.count("packet.rejected", "UnexpectedAck")
      }
      return undefined
    case "Nack":
      if (!node.acks.nack(message.seqNo)) node.counters.count("packet.rejected", "UnexpectedNack")
      return undefined
    case "Alive":
      onAlive(node, handoff, message, packet.from)
      return undefined
    default:
      handoff.offer(message, packet.from)
      return undefined
  }
}

/** Receives for ever. */
export const loop = Effect.fnUntraced(function*(node: Node, handoff: Handoff, relays: FiberSet.FiberSet) {
  for (;;) {
    const packets = yield* node.transport.packets
    for (const packet of packets) {
      node.counters.count("udp.received", undefined, packet.payload.length)
      if (!mayContact(node, packet.from)) {
        node.counters.count("packet.rejected", "SourceNotAllowed")
        node.logs.note("ContactBlocked", { peer: packet.from })
        continue
      }
      const { messages, rejections } = Packet.decode(packet.payload, node.inbound())
      // What could not be opened with any key proves nothing about who sent it.
      if (messages.length > 0) node.heard.note(packet.from, packet.receivedAt)
      for (const { detail, reason } of rejections) {
        node.counters.count("packet.rejected", reason)
        node.logs.note(`PacketRejected.${reason}`, { peer: packet.from, reason, detail })
      }
      for (const message of messages) {
        const effect = onMessage(node, handoff, relays, message, packet)
        if (effect !== undefined) yield* effect
      }
    }
  }
})
