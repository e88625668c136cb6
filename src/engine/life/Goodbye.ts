/**
 * The goodbye that is sent straight to members, beside the gossip: when the node ends there is no time for gossip, and
 * gossip may not reach whoever a join introduced us to. We may not know them, and of those we know, all others ignore
 * news of somebody they never heard of.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Address from "../../base/Address.ts"
import { retransmitLimit } from "../../base/Scaling.ts"
import * as Recipients from "../../swim/gossip/Recipients.ts"
import type { Dead } from "../../swim/membership/Claim.ts"
import { isGone } from "../../swim/membership/Entry.ts"
import type { Membership } from "../../swim/membership/Membership.ts"
import * as Message from "../../wire/message/Message.ts"
import { envOf, type Node } from "../Node.ts"
import * as Sender from "../sending/Sender.ts"
import type { Introduction } from "./Introductions.ts"

/**
 * How often it is sent to a peer that a join introduced us to: a packet may be lost, or be there before our list was
 * read.
 */
const TIMES = 4
const PAUSE = Duration.millis(200)

/** Where joins introduced us lately, except to ourselves and to members that are gone. */
export const introduced = (node: Node): ReadonlyArray<Introduction> => {
  const introductions = node.introductions.recent(node.now())
  if (introductions.length === 0) return introductions
  const deaf = new Set<string>()
  for (const entry of Ref.getUnsafe(node.membership).entries.values()) {
    if (entry.name === node.name || isGone(entry)) deaf.add(Address.format(entry.endpoint))
  }
  return introductions.filter(({ to }) => !deaf.has(Address.format(to)))
}

/**
 * The bytes of a goodbye. They are made when it is said, not when it is sent: meanwhile a join may announce us again,
 * and a goodbye to that announcement would take us out once more.
 */
export const encode = (node: Node, goodbye: Dead): Uint8Array => Message.encode(goodbye, node.writer)

/** The longest that somebody who goes waits for a transport that does not get rid of the goodbye. */
const PATIENCE = Duration.seconds(5)

/** Gives up what waits too long for the transport. */
export const bounded = (saying: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.asVoid(Effect.timeoutOption(saying, PATIENCE))

/** Sends the goodbye to one address, once. What cannot be sent is nothing to report: we are going. */
export const sendTo = (node: Node, goodbye: Uint8Array, to: Address.PeerAddress): Effect.Effect<void> =>
  Effect.ignore(Sender.packet(node, to, goodbye, false))

/** Sends the goodbye to all of these several times: at once, and again after each of the pauses. */
export const repeat = Effect.fnUntraced(function*(
  node: Node,
  goodbye: Uint8Array,
  introductions: ReadonlyArray<Introduction>
) {
  for (let time = 0; time < TIMES; time++) {
    if (time > 0) yield* Effect.sleep(PAUSE)
    for (const { to } of introductions) yield* sendTo(node, goodbye, to)
  }
})

/**
 * The members that we hold for dead and told so just now, because something came from them. They know us, and are no
 * members here before they have contradicted.
 */
const contested = ({ entries, told }: Membership): ReadonlyArray<Address.PeerAddress> =>
  told.flatMap(({ about, member }) => {
    const entry = about === member ? entries.get(member) : undefined
    return entry?.state === "dead" ? [entry.endpoint] : []
  })

/**
 * Sends the goodbye at once: as often as gossip would send it, to random members, which pass it on; and to all that a
 * join introduced us to. It waits for nothing but the transport (`bounded`), with one exception: where a join
 * was cut off before the peer answered our list, the goodbye may overtake the list, so it is repeated for 0.6 s.
 */
export const straight = Effect.fnUntraced(function*(node: Node, goodbye: Uint8Array) {
  const membership = Ref.getUnsafe(node.membership)
  const limit = retransmitLimit(node.config.retransmitMult, membership.entries.size)
  const members = Recipients.ofGoodbye(membership, limit, envOf(node))
  const introductions = introduced(node)
  for (let sent = 0; sent < limit && members.length > 0; sent++) {
    const member = members[sent % members.length]
    if (member !== undefined) yield* sendTo(node, goodbye, member.endpoint)
  }
  const told = new Set(members.map(({ endpoint }) => Address.format(endpoint)))
  for (const { answered, to } of introductions) {
    if (answered && !told.has(Address.format(to))) yield* sendTo(node, goodbye, to)
  }
  for (const to of contested(membership)) if (!told.has(Address.format(to))) yield* sendTo(node, goodbye, to)
  const unanswered = introductions.filter(({ answered }) => !answered)
  if (unanswered.length > 0) yield* repeat(node, goodbye, unanswered)
})
