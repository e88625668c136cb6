/**
 * The application's own messages to one member, and pings.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Address from "../../base/Address.ts"
import * as Limits from "../../base/Limits.ts"
import * as SeedText from "../../base/SeedText.ts"
import type { Recipient } from "../../Member.ts"
import {
  AddressInvalid,
  ExchangeRejected,
  type MemberlistClosed,
  MessageTooLarge,
  PingTimeout,
  UnknownMember
} from "../../MemberlistError.ts"
import { readsChecksum } from "../../swim/membership/Versions.ts"
import * as Message from "../../wire/message/Message.ts"
import * as Frame from "../../wire/stream/Frame.ts"
import { entryOf, type Node, source } from "../Node.ts"
import { withWait } from "../probing/Acks.ts"
import * as Reachability from "../probing/Reachability.ts"
import * as Sender from "../sending/Sender.ts"
import * as Streams from "../sending/Streams.ts"

interface Target {
  readonly name: string
  readonly endpoint: Address.PeerAddress
  readonly crc: boolean
}

type TargetError = AddressInvalid | UnknownMember

/** `[name/]ip:port`, whoever is there. memberlist: `Address`. */
const targetAt = (address: string): Effect.Effect<Target, AddressInvalid> => {
  const at = SeedText.parse(address, 0)
  const explicit = SeedText.hasPort(address.slice(address.indexOf("/") + 1))
  if (at === undefined || !explicit) return Effect.fail(new AddressInvalid({ address }))
  const { host, name = "", port } = at
  const ip = Address.ipText(Address.ipBytes(host) ?? new Uint8Array())
  return ip === undefined || port === 0
    ? Effect.fail(new AddressInvalid({ address }))
    : Effect.succeed({ name, endpoint: { ip, port, name }, crc: false })
}

/** The target of a message. A member that moved is reached where it is now. */
const targetOf = (node: Node, to: Recipient): Effect.Effect<Target, TargetError> =>
  Effect.suspend((): Effect.Effect<Target, TargetError> => {
    // a program without types may pass a bare text, which could be either
    if (typeof to !== "object") return Effect.fail(new UnknownMember({ target: String(to) }))
    if (!("name" in to) || to.name === undefined) return targetAt(to.address)
    const { name } = to
    const entry = entryOf(node, name)
    if (entry !== undefined) {
      return Effect.succeed({ name, endpoint: entry.endpoint, crc: readsChecksum(entry) })
    }
    return "ip" in to
      ? Effect.succeed({ name, endpoint: { ip: to.ip, port: to.port, name }, crc: false })
      : Effect.fail(new UnknownMember({ target: name }))
  })

/** Sends one datagram; it may be lost. memberlist: `SendBestEffort`. */
export const sendBestEffort = Effect.fnUntraced(function*(
  node: Node,
  to: Recipient,
  payload: Uint8Array
): Effect.fn.Return<void, MessageTooLarge | Sender.SendError | TargetError> {
  const target = yield* targetOf(node, to)
  const limit = Sender.gossipBudget(node)
  if (payload.length > limit) {
    return yield* Effect.fail(new MessageTooLarge({ carrier: "packet", size: payload.length, limit }))
  }
  yield* Sender.packet(node, target.endpoint, Message.encode({ _tag: "User", payload }, node.writer), target.crc)
})

/** Sends over a stream of its own: written in full or failed, but never acknowledged. memberlist: `SendReliable`. */
export const sendReliable = (
  node: Node,
  to: Recipient,
  payload: Uint8Array
): Effect.Effect<void, MemberlistClosed | MessageTooLarge | Sender.SendError | TargetError> => {
  const { length } = payload
  if (length > Limits.MAX_USER_MESSAGE) {
    return Effect.fail(new MessageTooLarge({ carrier: "stream", size: length, limit: Limits.MAX_USER_MESSAGE }))
  }
  const { tcpTimeout } = node.settings
  return Effect.flatMap(targetOf(node, to), ({ endpoint }) => {
    const sent = Effect.flatMap(
      Streams.open(node, endpoint, tcpTimeout),
      (connection) => Streams.write(node, connection, Frame.encodeUser(payload))
    )
    return node.calls.runTimed("send", Effect.scoped(sent), () => Streams.late(endpoint, "write", tcpTimeout))
  })
}

/**
 * The round-trip time of one ping, without helpers and without consequences for anybody's health. memberlist: `Ping`.
 */
export const ping = Effect.fnUntraced(function*(
  node: Node,
  to: Recipient
): Effect.fn.Return<Duration.Duration, PingTimeout | Sender.SendError | TargetError> {
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

/**
 * The round-trip time of one ping over a stream of its own, the opening of it included; like `ping`, without
 * consequences for anybody's health. memberlist: `sendPingAndWaitForAck`.
 */
export const pingReliable = (
  node: Node,
  to: Recipient
): Effect.Effect<Duration.Duration, ExchangeRejected | MemberlistClosed | Sender.SendError | TargetError> => {
  const { tcpTimeout } = node.settings
  return Effect.flatMap(targetOf(node, to), ({ endpoint, name }) => {
    const asked = Effect.gen(function*() {
      const began = node.now()
      const seqNo = node.acks.next()
      const connection = yield* Streams.open(node, endpoint, tcpTimeout)
      yield* Streams.write(
        node,
        connection,
        Message.encode({ _tag: "Ping", seqNo, node: name, ...source(node) }, node.writer)
      )
      const answer = yield* Streams.answer(node, connection)
      Reachability.answeredOnStream(node, endpoint)
      if (answer._tag === "Ack" && answer.seqNo === seqNo) return Duration.millis(Math.max(0, node.now() - began))
      return yield* Effect.fail(
        new ExchangeRejected({
          address: Address.format(endpoint),
          reason: "UnexpectedMessage",
          expected: "the ack of a ping"
        })
      )
    })
    return node.calls.runTimed("ping", Effect.scoped(asked), () => Streams.late(endpoint, "read", tcpTimeout))
  })
}
