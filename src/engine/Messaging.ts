/**
 * The application's own messages to one member, and pings.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { PeerAddress } from "../Address.ts"
import type { Member } from "../Member.ts"
import { MessageTooLarge, PingTimeout, type TransportError, UnknownMember } from "../MemberlistError.ts"
import * as Frame from "../wire/Frame.ts"
import * as Limits from "../wire/Limits.ts"
import * as Message from "../wire/Message.ts"
import { type Node, source } from "./Node.ts"
import { entryOf } from "./Peers.ts"
import * as Sender from "./Sender.ts"
import * as Streams from "./Streams.ts"
import { withWait } from "./Waits.ts"

interface Target {
  readonly name: string
  readonly endpoint: PeerAddress
  readonly crc: boolean
}

/** A member, or the name of one that this node knows. */
const targetOf = (node: Node, to: Member | string): Effect.Effect<Target, UnknownMember> =>
  Effect.suspend(() => {
    const name = typeof to === "string" ? to : to.name
    const entry = entryOf(node, name)
    if (entry !== undefined) {
      return Effect.succeed({ name, endpoint: entry.endpoint, crc: Sender.wantsCrc(entry) })
    }
    if (typeof to === "string") return Effect.fail(new UnknownMember({ target: to }))
    return Effect.succeed({ name, endpoint: { ip: to.ip, port: to.port }, crc: false })
  })

/** Sends one datagram; it may be lost. memberlist: `SendBestEffort`. */
export const sendBestEffort = Effect.fnUntraced(function*(
  node: Node,
  to: Member | string,
  payload: Uint8Array
): Effect.fn.Return<void, MessageTooLarge | TransportError | UnknownMember> {
  const target = yield* targetOf(node, to)
  const limit = Sender.gossipBudget(node)
  if (payload.length > limit) {
    return yield* Effect.fail(new MessageTooLarge({ carrier: "packet", size: payload.length, limit }))
  }
  yield* Sender.packet(node, target.endpoint, Message.encode({ _tag: "User", payload }), target.crc)
})

/** Sends over a stream of its own: written in full or failed, but never acknowledged. memberlist: `SendReliable`. */
export const sendReliable = Effect.fnUntraced(function*(
  node: Node,
  to: Member | string,
  payload: Uint8Array
): Effect.fn.Return<void, MessageTooLarge | TransportError | UnknownMember> {
  if (payload.length > Limits.MAX_USER_MESSAGE) {
    return yield* Effect.fail(
      new MessageTooLarge({ carrier: "stream", size: payload.length, limit: Limits.MAX_USER_MESSAGE })
    )
  }
  const target = yield* targetOf(node, to)
  const { tcpTimeout } = node.settings
  yield* Effect.scoped(
    Effect.flatMap(
      Streams.open(node, target.endpoint, tcpTimeout),
      (connection) => Streams.write(node, connection, Frame.encodeUser(payload))
    )
  ).pipe(Streams.within(target.endpoint, "write", tcpTimeout))
})

/**
 * The round-trip time of one ping, without helpers and without consequences for anybody's health. memberlist: `Ping`.
 */
export const ping = Effect.fnUntraced(function*(
  node: Node,
  to: Member | string
): Effect.fn.Return<Duration.Duration, PingTimeout | TransportError | UnknownMember> {
  const target = yield* targetOf(node, to)
  return yield* withWait(
    node,
    Effect.fnUntraced(function*(wait) {
      const sent = node.now()
      yield* Sender.withPiggyback(node, target.endpoint, {
        _tag: "Ping",
        seqNo: wait.seqNo,
        node: target.name,
        ...source(node)
      })
      const answer = yield* wait.until(sent + node.settings.probeTimeout)
      if (Option.isSome(answer)) return Duration.millis(Math.max(0, answer.value.receivedAt - sent))
      return yield* Effect.fail(new PingTimeout({ node: target.name, timeoutMillis: node.settings.probeTimeout }))
    })
  )
})
