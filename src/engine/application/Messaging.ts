/**
 * The application's own messages to one member, and pings.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Address from "../../base/Address.ts"
import * as Limits from "../../base/Limits.ts"
import type { Member } from "../../Member.ts"
import { MessageTooLarge, PingTimeout, UnknownMember } from "../../MemberlistError.ts"
import { readsChecksum } from "../../swim/membership/Features.ts"
import * as Message from "../../wire/message/Message.ts"
import * as Frame from "../../wire/stream/Frame.ts"
import { entryOf, type Node, source } from "../Node.ts"
import { withWait } from "../probing/Acks.ts"
import * as Sender from "../sending/Sender.ts"
import * as Streams from "../sending/Streams.ts"
import * as Seed from "./Seed.ts"

interface Target {
  readonly name: string
  readonly endpoint: Address.PeerAddress
  readonly crc: boolean
}

/** `[name/]ip:port`: somebody who is not, or not yet, a member. memberlist: `Address`. */
const targetAt = (node: Node, text: string): Target | undefined => {
  const at = Seed.parse(text, node.transport.bound.port)
  if (Result.isFailure(at)) return undefined
  const { host, name = "", port } = at.success
  const ip = Address.ipText(Address.ipBytes(host) ?? new Uint8Array())
  const explicit = Seed.hasPort(text.slice(text.indexOf("/") + 1))
  return ip === undefined || !explicit ? undefined : { name, endpoint: { ip, port, name }, crc: false }
}

/** A member, the name of one that this node knows, or an address. */
const targetOf = (node: Node, to: Member | string): Effect.Effect<Target, UnknownMember> =>
  Effect.suspend(() => {
    const name = typeof to === "string" ? to : to.name
    const entry = entryOf(node, name)
    if (entry !== undefined) {
      return Effect.succeed({ name, endpoint: entry.endpoint, crc: readsChecksum(entry) })
    }
    if (typeof to !== "string") {
      return Effect.succeed({ name, endpoint: { ip: to.ip, port: to.port, name }, crc: false })
    }
    const target = targetAt(node, to)
    return target === undefined ? Effect.fail(new UnknownMember({ target: to })) : Effect.succeed(target)
  })

/** Sends one datagram; it may be lost. memberlist: `SendBestEffort`. */
export const sendBestEffort = Effect.fnUntraced(function*(
  node: Node,
  to: Member | string,
  payload: Uint8Array
): Effect.fn.Return<void, MessageTooLarge | Sender.SendError | UnknownMember> {
  const target = yield* targetOf(node, to)
  const limit = Sender.gossipBudget(node)
  if (payload.length > limit) {
    return yield* Effect.fail(new MessageTooLarge({ carrier: "packet", size: payload.length, limit }))
  }
  yield* Sender.packet(node, target.endpoint, Message.encode({ _tag: "User", payload }, node.writer), target.crc)
})

/** Sends over a stream of its own: written in full or failed, but never acknowledged. memberlist: `SendReliable`. */
export const sendReliable = Effect.fnUntraced(function*(
  node: Node,
  to: Member | string,
  payload: Uint8Array
): Effect.fn.Return<void, MessageTooLarge | Sender.SendError | UnknownMember> {
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
): Effect.fn.Return<Duration.Duration, PingTimeout | Sender.SendError | UnknownMember> {
  const target = yield* targetOf(node, to)
  const asked = withWait(
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
      return yield* Effect.fail(
        new PingTimeout({
          // an address may come without a name
          node: target.name === "" ? Address.format(target.endpoint) : target.name,
          timeoutMillis: node.settings.probeTimeout
        })
      )
    })
  )
  return yield* Effect.acquireUseRelease(
    Effect.sync(() => void node.pings.current++),
    () => asked,
    () => Effect.sync(() => void node.pings.current--)
  )
})
