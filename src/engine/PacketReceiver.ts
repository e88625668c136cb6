/**
 * Datagrams in: decoded in one synchronous step; pings, acks and nacks are served at once, claims are handed off.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as FiberSet from "effect/FiberSet"
import * as Address from "../Address.ts"
import type * as Transport from "../Transport.ts"
import type * as Message from "../wire/Message.ts"
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
    return Effect.logDebug(`ping for ${ping.node} reached ${node.name}; its sender holds an outdated address`)
  }
  const to = answerTo(node, ping, from)
  if (to === undefined) return undefined
  return Effect.flatMap(Hooks.ackPayload(node), (payload) => {
    const ack: Message.Ack = { _tag: "Ack", seqNo: ping.seqNo, payload }
    return Sender.orLog(node, "ack", Sender.withPiggyback(node, to, ack))
  })
}

/** An alive message must come from an allowed address, and speak of one. */
const onAlive = (node: Node, handoff: Handoff, alive: Message.Alive, from: Address.PeerAddress): void => {
  const source = Address.ipBytes(from.ip)
  if (source === undefined || !node.settings.addressAllowed(source)) {
    node.counters.count("packet.rejected", "SourceNotAllowed")
    return
  }
  const port = receivedPort(node, alive.port)
  handoff.offer(port === alive.port ? alive : { ...alive, port }, from)
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
        continue
      }
      const { messages, rejections } = Packet.decode(packet.payload, node.inbound())
      for (const { detail, reason } of rejections) {
        node.counters.count("packet.rejected", reason)
        yield* Effect.logDebug(`rejected a packet: ${reason} ${detail}`).pipe(
          Effect.annotateLogs({ from: Address.format(packet.from) })
        )
      }
      for (const message of messages) {
        const effect = onMessage(node, handoff, relays, message, packet)
        if (effect !== undefined) yield* effect
      }
    }
  }
})
