/**
 * Datagrams in: decoded in one synchronous step. Acks and nacks are served at once, claims are handed off, and requests
 * for an answer go to the responder.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Address from "../../base/Address.ts"
import * as PlainText from "../../base/PlainText.ts"
import { dead } from "../../swim/membership/Dead.ts"
import { ignorable } from "../../swim/membership/OldNews.ts"
import * as Requests from "../../swim/probing/Requests.ts"
import { tellDead } from "../../swim/recovery/Reunion.ts"
import { suspect } from "../../swim/suspicion/Accuse.ts"
import type * as Transport from "../../Transport.ts"
import type * as Message from "../../wire/message/Message.ts"
import * as Packet from "../../wire/packet/Packet.ts"
import { mayContact, type Node, receivedPort } from "../Node.ts"
import type * as Acks from "../probing/Acks.ts"
import * as Step from "../Step.ts"
import type { Handoff } from "./Handoff.ts"
import * as Keys from "./Keys.ts"
import type { Responder } from "./Responder.ts"

/** Packets that are read before others have their turn. */
const SLICE_PACKETS = 128

/** Accusations of ourselves in one packet that are answered before anything else is. */
const MAX_ACCUSATIONS_FIRST = 2

type Accusation = Message.Suspect | Message.Dead

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
  onClaim(node, handoff, claim, from)
}

/** Old news need not wait for its turn to be ignored. */
const onClaim = (
  node: Node,
  handoff: Handoff,
  claim: Message.Alive | Accusation,
  from: Address.PeerAddress
): void => {
  const pending = { admits: node.delegate.admit !== undefined, alives: node.handoff.alives.length }
  const reason = ignorable(Ref.getUnsafe(node.membership), claim, pending)
  if (reason === undefined) handoff.offer(claim, from)
  else node.counters.count("claim.ignored", reason)
}

/** A request that somebody else should have got. */
const isForAnother = (node: Node, ping: Message.Ping, from: Address.PeerAddress): boolean => {
  if (!Requests.isForAnother(ping.node, node.name)) return false
  node.counters.count("packet.rejected", "PingForAnother")
  node.logs.note("PingForAnother", { peer: from, detail: `it was for "${PlainText.name(ping.node)}"` })
  return true
}

/** Counts an ack or a nack that reached nobody. A late one is nobody's fault: helpers nack as late as they may. */
const countMissed = (node: Node, what: "ack" | "nack", delivery: Acks.Delivery): void => {
  if (delivery === "Late") node.counters.count("packet.late", what)
  else if (delivery === "Unexpected") {
    node.counters.count("packet.rejected", what === "ack" ? "UnexpectedAck" : "UnexpectedNack")
  }
}

/** Whether a lost member is being asked for at that address, where somebody else may be by now. */
const isAskedFor = ({ asked: { current } }: Node, { ip, port }: Address.PeerAddress): boolean =>
  current !== undefined && current.port === port && current.ip === ip

/** What an answer carries beside it: it could make one cluster of two that nobody was asked about. */
const isNews = ({ _tag }: Message.PacketMessage): boolean =>
  _tag === "Alive" || _tag === "Suspect" || _tag === "Dead" || _tag === "User"

/** The packet is from where a lost member is asked for, and says nothing about anybody until its list was looked at. */
const answer = "answer"

/** Serves the messages of one packet; the accusations of ourselves, which come first, are returned, or `answer`. */
const serve = (
  node: Node,
  handoff: Handoff,
  responder: Responder,
  messages: ReadonlyArray<Message.PacketMessage>,
  packet: Transport.Packet
): ReadonlyArray<Accusation> | typeof answer => {
  const { from } = packet
  const isMember = messages.length > 0 && node.heard.note(from, packet.receivedAt)
  const asks = isAskedFor(node, from)
  let isAsked = asks && !isMember
  let requests = 0
  let accusations: Array<Accusation> | undefined
  for (const message of messages) {
    if (isAsked && isNews(message)) {
      node.counters.count("packet.dropped", "AskedFirst")
      continue
    }
    switch (message._tag) {
      case "Ping":
      case "IndirectPing":
        if (message._tag === "Ping" && isForAnother(node, message, from)) break
        if (requests++ < Requests.MAX_REQUESTS_PER_PACKET) responder.offer(message, packet, isMember)
        else node.counters.count("packet.rejected", "TooManyRequests")
        break
      case "Ack": {
        const delivery = node.acks.ack(message.seqNo, message.payload, packet.receivedAt, from)
        countMissed(node, "ack", delivery)
        if (asks && delivery === "Delivered") isAsked = true
        break
      }
      case "Nack":
        countMissed(node, "nack", node.acks.nack(message.seqNo, from))
        break
      case "Alive":
        onAlive(node, handoff, message, from)
        break
      case "Suspect":
      case "Dead":
        if (message.node === node.name && (accusations?.length ?? 0) < MAX_ACCUSATIONS_FIRST) {
          accusations = [...accusations ?? [], message]
        } else onClaim(node, handoff, message, from)
        break
      case "User":
        handoff.offer(message, from)
    }
  }
  return isAsked ? answer : accusations ?? none
}

const none: ReadonlyArray<Accusation> = []

/** What the packet holds; `undefined` when it is not even tried. */
const decode = (node: Node, { from, payload }: Transport.Packet): Packet.Decoded | undefined => {
  const inbound = node.inbound()
  const ring = inbound.keys
  if (ring.length === 0 || !inbound.verifyIncoming) return Packet.decode(payload, inbound)
  const started = node.now()
  const keys = node.keys.choose(from, ring, started)
  if (keys.length === 0) {
    node.counters.count("packet.dropped", "DecryptionTime")
    node.logs.note("DecryptionTime", { peer: from })
    return undefined
  }
  const decoded = Packet.decode(payload, keys === ring ? inbound : node.inbound(keys))
  if (decoded.key !== undefined) node.keys.opened(from, decoded.key)
  else {
    const ended = node.now()
    node.keys.failed(ended, ended - started)
    if (ring.length > Keys.MANY_KEYS) node.logs.note("ManyKeys", { detail: `${ring.length} keys` })
  }
  return decoded
}

/** Counts every refusal, and notes one of each kind. */
const refuse = (node: Node, rejections: Packet.Decoded["rejections"], from: Address.PeerAddress): void => {
  let noted: string | undefined
  for (const { detail, reason } of rejections) {
    node.counters.count("packet.rejected", reason)
    if (reason === noted) continue
    noted = reason
    node.logs.note(`PacketRejected.${reason}`, { peer: from, reason, detail })
  }
}

/** Reads one packet, and answers accusations of ourselves at once, so that the answer rides on what is sent next. */
const read = (
  node: Node,
  handoff: Handoff,
  responder: Responder,
  packet: Transport.Packet
): Effect.Effect<void> | undefined => {
  node.counters.count("udp.received", undefined, packet.payload.length)
  if (!mayContact(node, packet.from)) {
    node.counters.count("packet.rejected", "SourceNotAllowed")
    node.logs.note("ContactBlocked", { peer: packet.from })
    return undefined
  }
  const decoded = decode(node, packet)
  if (decoded === undefined) return undefined
  if (decoded.rejections.length > 0) refuse(node, decoded.rejections, packet.from)
  const accusations = serve(node, handoff, responder, decoded.messages, packet)
  // whoever contradicted now would be a member before its versions, its list and our delegate were asked
  if (accusations === answer) return undefined
  const buried = heldForDead(node, packet.from)
  if (accusations.length === 0 && buried === undefined) return undefined
  const answers = Effect.forEach(
    accusations,
    (claim) => Step.run(node, (m, env) => claim._tag === "Suspect" ? suspect(m, claim, env) : dead(m, claim, env)),
    { discard: true }
  )
  return buried === undefined ? answers : Effect.andThen(answers, Step.run(node, (m, env) => tellDead(m, buried, env)))
}

/** The member at that address, if it is one that we hold for dead. */
const heldForDead = (node: Node, from: Address.PeerAddress): string | undefined => {
  const name = node.settings.rules.recovery ? node.heard.nameAt(from) : undefined
  const { entries } = Ref.getUnsafe(node.membership)
  return name !== undefined && entries.get(name)?.state === "dead" ? name : undefined
}

/** Receives until it is interrupted. */
export const loop = Effect.fnUntraced(function*(node: Node, handoff: Handoff, responder: Responder) {
  for (;;) {
    const packets = yield* node.transport.packets
    let count = 0
    for (const packet of packets) {
      if (count > 0 && count % SLICE_PACKETS === 0) yield* Effect.yieldNow
      count++
      const effect = read(node, handoff, responder, packet)
      if (effect !== undefined) yield* effect
    }
  }
})
