/**
 * The goodbye to whoever a join introduced us to, sent straight there. Gossip alone may not reach them: we may not know
 * them, and of those we know, all others ignore news of somebody they never heard of.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Address from "../../base/Address.ts"
import { isGone } from "../../swim/membership/Entry.ts"
import * as Message from "../../wire/message/Message.ts"
import type { Node } from "../Node.ts"
import { entryOf } from "../Peers.ts"
import * as Sender from "../sending/Sender.ts"

/** How often it is sent to each: a packet may be lost, or be there before our list was read. */
const TIMES = 4
const PAUSE = Duration.millis(200)

/** Where joins introduced us lately, except to ourselves and to members that are gone. */
export const audience = (node: Node): ReadonlyArray<Address.PeerAddress> => {
  const introduced = node.introductions.recent(node.now())
  if (introduced.length === 0) return introduced
  const deaf = new Set<string>()
  for (const entry of Ref.getUnsafe(node.membership).entries.values()) {
    if (entry.name === node.name || isGone(entry)) deaf.add(place(entry.endpoint))
  }
  return introduced.filter((to) => !deaf.has(place(to)))
}

const place = ({ ip, port }: Address.PeerAddress): string => Address.format({ ip, port })

/** Sends the goodbye to one address, once. What cannot be sent is nothing to report: we are going. */
export const once = (node: Node, to: Address.PeerAddress): Effect.Effect<void> =>
  Effect.suspend(() => {
    const incarnation = entryOf(node, node.name)?.incarnation ?? 0
    const goodbye = Message.encode({ _tag: "Dead", incarnation, node: node.name, from: node.name })
    return Effect.ignore(Sender.packet(node, to, goodbye, false))
  })

/** Sends the goodbye to all of them, several times. */
export const say = Effect.fnUntraced(function*(node: Node, to: ReadonlyArray<Address.PeerAddress>) {
  for (let time = 0; time < TIMES; time++) {
    if (time > 0) yield* Effect.sleep(PAUSE)
    for (const address of to) yield* once(node, address)
  }
})
