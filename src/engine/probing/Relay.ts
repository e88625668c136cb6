/**
 * Helping another node's probe: ping the target for it, and pass on the ack, or a nack when there is none, so that it
 * can tell a dead target from its own deafness. Lifeguard §IV-A.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Ref from "effect/Ref"
import * as Address from "../../base/Address.ts"
import * as IndirectProbe from "../../swim/probing/IndirectProbe.ts"
import * as Requests from "../../swim/probing/Requests.ts"
import type * as Message from "../../wire/message/Message.ts"
import { type Node, receivedPort, source } from "../Node.ts"
import * as Sender from "../sending/Sender.ts"
import { LIMITS } from "../Work.ts"
import { withWait } from "./Acks.ts"
import * as Buddy from "./Buddy.ts"

const relay = (node: Node, request: Message.IndirectPing, asker: Address.PeerAddress) =>
  withWait(
    node,
    Effect.fnUntraced(function*(wait) {
      const { profile } = node.config
      const deadline = node.now() + IndirectProbe.patience(node.settings.probeTimeout, profile)
      const ip = Address.ipText(request.target) ?? ""
      const target = { ip, port: receivedPort(node, request.port), name: request.node }
      const ping: Message.Ping = { _tag: "Ping", seqNo: wait.seqNo, node: request.node, ...source(node) }
      const known = IndirectProbe.knownTarget(Ref.getUnsafe(node.membership), request.node, profile)
      yield* Sender.orLog(node, "relayed ping", target, Buddy.ping(node, target, ping, known))
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
    const isMember = node.heard.isMember(from)
    const account = Requests.accountOf(from, isMember)
    const own = node.relayed.get(account) ?? 0
    const load = { own, isMember, all: node.work.running("relay"), most: LIMITS.relay }
    const refusal = Requests.relayRefusal(request.target, node.settings.contactAllowed, load)
    if (refusal !== undefined) {
      node.counters.count("packet.rejected", refusal)
      return
    }
    const accounted = Effect.acquireUseRelease(
      Effect.sync(() => count(node, account, 1)),
      () => relay(node, request, asker),
      () => Effect.sync(() => count(node, account, -1))
    )
    node.work.start("relay", accounted, { peer: asker })
  })

const count = (node: Node, account: string, by: number): void => {
  const running = (node.relayed.get(account) ?? 0) + by
  if (running === 0) node.relayed.delete(account)
  else node.relayed.set(account, running)
}
