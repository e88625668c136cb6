/**
 * Streams in: one request each, at most one answer, then the end. memberlist: `handleConn`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Address from "../Address.ts"
import type { TransportError } from "../MemberlistError.ts"
import type { Connection } from "../Transport.ts"
import type * as Frame from "../wire/Frame.ts"
import * as Message from "../wire/Message.ts"
import type { RejectionReason } from "../wire/Rejection.ts"
import type { LogEntry } from "./LogMessages.ts"
import { deliver, mayContact, type Node } from "./Node.ts"
import * as PushPull from "./PushPull.ts"
import * as Refusal from "./Refusal.ts"
import * as Spans from "./Spans.ts"
import * as Streams from "./Streams.ts"

/** The type byte of a push/pull. */
const PUSH_PULL = 6

/** Push/pulls in progress; the answer to each is the whole table, so they are few. */
interface Slots {
  taken: number
}

type Request =
  | { readonly _tag: "Message"; readonly message: Frame.StreamMessage }
  | {
    readonly _tag: "Refused"
    readonly reason: RejectionReason | "TooManyPushPulls"
    readonly answer: string | undefined
  }

/** Reads one request, and stops as soon as it is clear that it will not be served. */
const request = Effect.fnUntraced(function*(
  node: Node,
  connection: Connection,
  slots: Slots
): Effect.fn.Return<Request, TransportError> {
  const decoder = Streams.decoderFor(node, "responder", connection.peer)
  for (;;) {
    const chunk = yield* Effect.catchIf(
      connection.pull,
      (error) => error.kind === "Closed",
      () => Effect.succeed(undefined)
    )
    if (chunk === undefined) return { _tag: "Refused", reason: decoder.end().reason, answer: undefined }
    const progress = decoder.push(chunk)
    if (progress._tag === "Rejected") {
      return { _tag: "Refused", reason: progress.rejection.reason, answer: progress.answer }
    }
    const type = progress._tag === "Message"
      ? (progress.message._tag === "PushPull" ? PUSH_PULL : undefined)
      : progress.type
    if (type === PUSH_PULL && slots.taken >= node.config.maxPushPulls) {
      return { _tag: "Refused", reason: "TooManyPushPulls", answer: undefined }
    }
    if (progress._tag === "Message") return progress
  }
})

const answerError = (node: Node, connection: Connection, error: string): Effect.Effect<void, TransportError> =>
  Streams.write(node, connection, Message.encode({ _tag: "ErrorResponse", error }))

const pushPull = (
  node: Node,
  connection: Connection,
  slots: Slots,
  message: Extract<Frame.StreamMessage, { readonly _tag: "PushPull" }>
): Effect.Effect<void, TransportError> =>
  Effect.suspend(() => {
    slots.taken++
    return PushPull.respond(node, message, (bytes) =>
      Streams.write(node, connection, bytes).pipe(
        Streams.within(connection.peer, "write", node.settings.tcpTimeout)
      )).pipe(
        Spans.own(node, "pushPull", "server", {
          peer: Address.format(connection.peer),
          join: message.join,
          members: message.nodes.length
        }),
        Effect.catchTag(["JoinRejected", "VersionMismatch"], (error) => {
          node.counters.count("pushpull.refused", error._tag)
          return Effect.andThen(
            node.logs.write("ListRefused", { peer: connection.peer, reason: error._tag, detail: error.message }),
            answerError(
              node,
              connection,
              error._tag === "JoinRejected" ? Refusal.encode(error.reason) : error.message
            )
          )
        })
      )
  }).pipe(Effect.ensuring(Effect.sync(() => void slots.taken--)))

const serveRequest = (
  node: Node,
  connection: Connection,
  slots: Slots,
  message: Frame.StreamMessage
): Effect.Effect<void, TransportError> => {
  switch (message._tag) {
    case "PushPull":
      return pushPull(node, connection, slots, message)
    case "User":
      if (message.payload.length === 0) node.counters.count("stream.rejected", "EmptyUserMessage")
      else deliver(node, { payload: message.payload, from: connection.peer, via: "stream" })
      return Effect.void
    case "Ping":
      if (message.node !== "" && message.node !== node.name) {
        node.counters.count("stream.rejected", "PingForAnother")
        const detail = `it was for ${JSON.stringify(message.node)}`
        return node.logs.write("PingForAnother", { peer: connection.peer, detail })
      }
      return Streams.write(node, connection, Message.encode({ _tag: "Ack", seqNo: message.seqNo, payload: null }))
    default:
      node.counters.count("stream.rejected", "UnexpectedMessage")
      return node.logs.write("StreamRejected.UnsupportedType", { peer: connection.peer, detail: message._tag })
  }
}

/** A connection that is only opened and closed is a health check, or a port scan: not worth an error. */
const entryOf = (reason: Extract<Request, { readonly _tag: "Refused" }>["reason"]): LogEntry =>
  reason === "Empty"
    ? "StreamEmpty"
    : reason === "TooManyPushPulls"
    ? "TooManyPushPulls"
    : `StreamRejected.${reason}`

const handle = (node: Node, slots: Slots) => (connection: Connection): Effect.Effect<void> => {
  node.counters.count("tcp.accept")
  if (!mayContact(node, connection.peer)) {
    node.counters.count("stream.rejected", "SourceNotAllowed")
    return node.logs.write("ContactBlocked", { peer: connection.peer })
  }
  return Effect.gen(function*() {
    yield* node.logs.write("StreamAccepted", { peer: connection.peer })
    const incoming = yield* request(node, connection, slots).pipe(
      Streams.within(connection.peer, "read", node.settings.tcpTimeout)
    )
    if (incoming._tag === "Message") return yield* serveRequest(node, connection, slots, incoming.message)
    node.counters.count("stream.rejected", incoming.reason)
    yield* node.logs.write(entryOf(incoming.reason), { peer: connection.peer, reason: incoming.reason })
    if (incoming.answer !== undefined) yield* answerError(node, connection, incoming.answer)
  }).pipe(
    Effect.catch((error) => {
      node.counters.count("stream.failed", error.kind)
      return node.logs.write("StreamFailed", { peer: connection.peer, reason: error.kind, detail: error.message })
    })
  )
}

/** Serves for ever. */
export const loop = (node: Node): Effect.Effect<never, TransportError> =>
  Effect.suspend(() => node.transport.serve(handle(node, { taken: 0 })))
