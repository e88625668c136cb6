/**
 * The queues that feed every outgoing packet: first what members say about members, then what the application
 * broadcasts, then what its delegate adds.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import type { PeerAddress } from "../../base/Address.ts"
import { MAX_COMPOUND_PART_BYTES } from "../../base/Limits.ts"
import { retransmitLimit } from "../../base/Scaling.ts"
import * as BroadcastQueue from "../../swim/gossip/BroadcastQueue.ts"
import type { Claim } from "../../swim/membership/Claim.ts"
import * as Message from "../../wire/message/Message.ts"
import * as Compound from "../../wire/packet/Compound.ts"
import * as Hooks from "../hooks/Hooks.ts"
import type { Node } from "../Node.ts"
import type { Queue, Queued } from "./Outbox.ts"
import type { Receipt } from "./Receipts.ts"

/** The reference's per-part cost of a compound message, bytes. */
const PART_OVERHEAD = 2
/** A user message costs its type byte as well. */
export const USER_OVERHEAD = PART_OVERHEAD + 1
/**
 * The most that messages of the application may take in one packet: a compound message has no room for a longer one.
 */
export const MAX_USER_ROOM = MAX_COMPOUND_PART_BYTES + PART_OVERHEAD
/** Broadcasts an application may have waiting; the most transmitted ones make room. */
export const MAX_USER_BROADCASTS = 4096

const finish = (finished: ReadonlyArray<Queued>, how: "Sent" | "Superseded") => {
  for (const { receipt } of finished) receipt?.finished(how)
}

const change = (node: Node, queue: Queue, [next, replaced]: BroadcastQueue.Change<Queued>) => {
  queue.current = next
  node.news.notify()
  finish(replaced, "Superseded")
}

const put = (node: Node, queue: Queue, broadcast: Queued) =>
  change(node, queue, BroadcastQueue.queue(queue.current, broadcast))

/** What the queue calls the news of a member. */
const newsOf = (member: string): string => `member ${member}`

/** What the queue calls our refutation: no name of a member gives this. */
const REFUTATION = "refutation"

/** A claim, and what it replaces one of (`Directive.Broadcast`). */
export interface News {
  readonly key: string | undefined
  readonly claim: Claim
}

/** From here on they are queued at once. */
const MANY = 16

/**
 * Queues claims; one with the same key as an earlier one replaces it. Synchronous: it runs inside the rules' step.
 */
export const queueClaims = (node: Node, news: ReadonlyArray<News>, receipt: Receipt | undefined): void => {
  const broadcasts = news.map(({ claim, key }) => {
    const message = Message.encode(claim, node.writer)
    receipt?.queued(message)
    return { name: key === undefined ? REFUTATION : newsOf(key), unique: false, message, receipt }
  })
  if (broadcasts.length < MANY) {
    for (const broadcast of broadcasts) put(node, node.gossip, broadcast)
    return
  }
  change(node, node.gossip, BroadcastQueue.queueAll(node.gossip.current, broadcasts))
}

/**
 * Forgets the news of a member that is forgotten: others would only learn of it, and the queue would outgrow the table.
 */
export const forget = (node: Node, name: string): void => {
  const [next, finished] = BroadcastQueue.remove(node.gossip.current, newsOf(name))
  node.gossip.current = next
  finish(finished, "Superseded")
}

/** Queues a user message for the whole cluster. A `key` makes a later one with the same key replace it. */
export const queueUser = (node: Node, payload: Uint8Array, key: string | undefined): void => {
  put(node, node.user, {
    name: key,
    unique: key === undefined,
    message: Message.encode({ _tag: "User", payload }, node.writer)
  })
  const [next, pruned] = BroadcastQueue.prune(node.user.current, MAX_USER_BROADCASTS)
  if (pruned.length === 0) return
  node.user.current = next
  node.counters.count("broadcast.pruned", undefined, pruned.length)
  finish(pruned, "Superseded")
}

/** What a draw would take. */
const look = (
  node: Node,
  queue: Queue,
  limit: number,
  maxParts: number,
  first?: ReadonlyArray<string>
): BroadcastQueue.Drawn<Queued> =>
  BroadcastQueue.draw(queue.current, {
    overhead: PART_OVERHEAD,
    limit,
    retransmitLimit: retransmitLimit(
      node.config.retransmitMult,
      Ref.getUnsafe(node.membership).entries.size
    ),
    maxParts,
    first
  })

const drawFrom = (
  node: Node,
  queue: Queue,
  limit: number,
  maxParts: number,
  first: ReadonlyArray<string> | undefined,
  sent?: (messages: ReadonlyArray<Uint8Array>) => void
): { readonly messages: ReadonlyArray<Uint8Array>; readonly used: number } => {
  const current = queue.current
  if (limit <= 0 || maxParts <= 0 || BroadcastQueue.size(current) === 0) return nothing
  const drawn = look(node, queue, limit, maxParts, first)
  queue.current = drawn.queue
  // before the last transmission settles a receipt
  sent?.(drawn.messages)
  finish(drawn.finished, "Sent")
  return drawn
}

/** Whether a draw would certainly come back empty. */
export const isIdle = (node: Node): boolean =>
  BroadcastQueue.size(node.gossip.current) === 0 && BroadcastQueue.size(node.user.current) === 0
  && node.delegate.broadcasts === undefined

const nothing = { messages: [], used: 0 }

/**
 * What goes first to somebody heard from: news of ourselves, and of the recipient, who may have to refute it. Members
 * that somebody made up can fill the queue with news of themselves.
 */
const urgent = (node: Node, to: PeerAddress): ReadonlyArray<string> | undefined => {
  if (node.config.profile === "paper" || node.heard.heardAt(to) === undefined) return undefined
  const own = [REFUTATION, newsOf(node.name)]
  return to.name === undefined ? own : [...own, newsOf(to.name)]
}

/** The part of a packet, in bytes and in number, that messages of the application get while news waits as well. */
const USER_SHARE = 1 / 4

/**
 * How many bytes of the next packet are kept for messages of the application: none where nothing of theirs, or no news
 * of members, waits. What a packet does not use of its share is added to the next one's, so that a message that is
 * longer than a quarter of a packet gets its turn as well. (Deficit round robin, Shreedhar and Varghese 1995. In the
 * reference they wait until no news of members is left, memberlist #299.)
 */
const shareOfUser = (node: Node, limit: number): number =>
  node.settings.rules.recovery
    && BroadcastQueue.size(node.user.current) > 0 && BroadcastQueue.size(node.gossip.current) > 0
    ? Math.min(node.fairness.current + limit * USER_SHARE, limit)
    : 0

/**
 * The messages that ride on the next packet, which goes to `to`, at most `limit` bytes with their overhead and
 * `maxParts` in number. `ping`: the packet is the ping of that sequence number. They are drawn at once, where no hook
 * has to be asked.
 */
export const draw = (
  node: Node,
  to: PeerAddress,
  limit: number,
  maxParts: number = Compound.MAX_PARTS,
  ping?: number
): Effect.Effect<ReadonlyArray<Uint8Array>> => {
  // nobody's turn
  if (limit <= 0 || maxParts <= 0) return silent
  // nearly always
  if (isIdle(node)) {
    node.fairness.current = 0
    return silent
  }
  const share = shareOfUser(node, limit)
  // as many of the parts as of the bytes: short messages by the hundred would leave the news none
  const kept = share === 0 ? nothing : look(node, node.user, share, Math.floor(maxParts * share / limit))
  const claims = drawFrom(
    node,
    node.gossip,
    limit - kept.used,
    maxParts - kept.messages.length,
    urgent(node, to),
    (messages) => node.receipts.sent(messages, to, ping)
  )
  const user = drawFrom(node, node.user, limit - claims.used, maxParts - claims.messages.length, undefined)
  node.fairness.current = Math.max(0, share - Math.max(user.used, limit * user.messages.length / maxParts))
  const messages = user.messages.length === 0 ? claims.messages : [...claims.messages, ...user.messages]
  const room = Math.min(limit - claims.used - user.used, MAX_USER_ROOM)
  if (node.delegate.broadcasts === undefined || room <= USER_OVERHEAD) return Effect.succeed(messages)
  return Effect.map(
    Hooks.broadcasts(node, USER_OVERHEAD, room),
    (extra) => [...messages, ...fitting(node, extra, room, maxParts - messages.length)]
  )
}

const silent: Effect.Effect<ReadonlyArray<Uint8Array>> = Effect.succeed([])

/**
 * What of the delegate's messages fits, in their order; from the first that does not, the rest is counted, not sent,
 * and not split. It is not looked at either: there may be any number.
 */
const fitting = (node: Node, payloads: ReadonlyArray<Uint8Array>, room: number, maxParts: number) => {
  const out: Array<Uint8Array> = []
  let left = room
  for (const payload of payloads) {
    if (out.length >= maxParts || payload.length + USER_OVERHEAD > left) break
    left -= payload.length + USER_OVERHEAD
    out.push(Message.encode({ _tag: "User", payload }, node.writer))
  }
  const dropped = payloads.length - out.length
  if (dropped > 0) node.counters.count("broadcast.dropped", "DoesNotFit", dropped)
  return out
}
