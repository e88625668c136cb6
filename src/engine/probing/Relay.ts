/**
 * Helping another node's probe: ping the target for it, and pass on the ack, or a nack when there is none, so that it
 * can tell a dead target from its own deafness. Lifeguard §IV-A.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Address from "../../base/Address.ts"
import type * as Message from "../../wire/message/Message.ts"
import { type Node, receivedPort, source } from "../Node.ts"
import { entryOf } from "../Peers.ts"
import * as Sender from "../sending/Sender.ts"
import { LIMITS } from "../Work.ts"
import * as Accusation from "./Accusation.ts"
import { withWait } from "./Waits.ts"

/** Requests served at one time for one member's address. A member has one probe at a time, and asks each helper once. */
export const MAX_PER_MEMBER = 16

/** Requests served at one time for all others together. */
export const MAX_FOR_STRANGERS = 128

/** The part of its probe timeout that a helper waits before it nacks: all of it, or so much that the nack is in time. */
const patience = (node: Node): number => node.config.profile === "paper" ? 0.8 : 1

/** What a helper knows of the target, where it passes on a suspicion. */
const accused = (node: Node, name: string) => node.config.profile === "paper" ? entryOf(node, name) : undefined

const relay = (node: Node, request: Message.IndirectPing, asker: Address.PeerAddress, ip: string) =>
  withWait(
    node,
    Effect.fnUntraced(function*(wait) {
      const deadline = node.now() + node.settings.probeTimeout * patience(node)
      const target = { ip, port: receivedPort(node, request.port), name: request.node }
      const ping: Message.Ping = { _tag: "Ping", seqNo: wait.seqNo, node: request.node, ...source(node) }
      const message = Accusation.ping(node, target, ping, accused(node, request.node))
      yield* Sender.orLog(node, "relayed ping", target, message)
      const answer = yield* wait.until(deadline)
      if (Option.isSome(answer)) {
        const ack: Message.Ack = { _tag: "Ack", seqNo: request.seqNo, payload: null }
        return yield* Sender.orLog(node, "relayed ack", asker, Sender.withPiggyback(node, asker, ack))
      }
      if (!request.nack) return
      const nack: Message.Nack = { _tag: "Nack", seqNo: request.seqNo }
      yield* Sender.orLog(node, "nack", asker, Sender.withPiggyback(node, asker, nack))
    })
  )

/** Serves one request in a fiber of its own. `from` is where it came from, `asker` where the answer goes. */
export const serve = (
  node: Node,
  request: Message.IndirectPing,
  asker: Address.PeerAddress,
  from: Address.PeerAddress
): Effect.Effect<void> =>
  Effect.sync(() => {
    const ip = Address.ipText(request.target)
    const refuse = (reason: "InvalidAddress" | "TargetNotAllowed" | "TooManyRelays") => {
      node.counters.count("packet.rejected", reason)
    }
    if (ip === undefined) return refuse("InvalidAddress")
    if (!node.settings.contactAllowed(request.target)) return refuse("TargetNotAllowed")
    const isMember = node.heard.isMember(from)
    const account = isMember ? Address.format(from) : STRANGERS
    const running = node.relayed.get(account) ?? 0
    // half of the places are for those who have none yet
    const size = node.work.running("relay")
    const crowded = size >= LIMITS.relay || (size >= LIMITS.relay / 2 && running > 0)
    if (crowded || running >= (isMember ? MAX_PER_MEMBER : MAX_FOR_STRANGERS)) return refuse("TooManyRelays")
    const accounted = Effect.acquireUseRelease(
      Effect.sync(() => count(node, account, 1)),
      () => relay(node, request, asker, ip),
      () => Effect.sync(() => count(node, account, -1))
    )
    node.work.start("relay", accounted, { peer: asker })
  })

const count = (node: Node, account: string, by: number): void => {
  const running = (node.relayed.get(account) ?? 0) + by
  if (running === 0) node.relayed.delete(account)
  else node.relayed.set(account, running)
}

/** The account of all who are no members: no address reads so. */
const STRANGERS = ""
