/**
 * Streams in: one request each, at most one answer, then the end. memberlist: `handleConn`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Ref from "effect/Ref"
import * as Address from "../../base/Address.ts"
import * as PlainText from "../../base/PlainText.ts"
import type { TransportError } from "../../MemberlistError.ts"
import type { Connection } from "../../Transport.ts"
import * as Message from "../../wire/message/Message.ts"
import type { RejectionReason } from "../../wire/message/Rejection.ts"
import type * as Frame from "../../wire/stream/Frame.ts"
import { deliver } from "../application/Subscriptions.ts"
import * as PushPull from "../exchange/PushPull.ts"
import { mayContact, type Node } from "../Node.ts"
import * as Sender from "../sending/Sender.ts"
import * as Streams from "../sending/Streams.ts"
import type { LogEntry } from "../telemetry/LogMessages.ts"
import * as Spans from "../telemetry/Spans.ts"
import type { Place } from "./Places.ts"

/** The type byte of a push/pull. */
const PUSH_PULL = 6

interface Refused {
  readonly _tag: "Refused"
  readonly reason: RejectionReason | "TooManyPushPulls"
  readonly answer: string | undefined
}

type Request = Refused | { readonly _tag: "Message"; readonly message: Frame.StreamMessage }

const tooManyPushPulls: Refused = { _tag: "Refused", reason: "TooManyPushPulls", answer: undefined }

/** Reads one request, and stops as soon as it is clear that it will not be served. */
const request = (node: Node, place: Place): Effect.Effect<Request, TransportError> =>
  Effect.suspend(() => {
    const decoder = Streams.decoderFor(node, "responder", place.connection.peer)
    return Effect.ensuring(read(node, place, decoder), Effect.sync(() => decoder.release()))
  })

const read = Effect.fnUntraced(function*(
  node: Node,
  place: Place,
  decoder: Frame.Decoder
): Effect.fn.Return<Request, TransportError> {
  const { connection } = place
  for (;;) {
    const chunk = yield* Streams.next(connection)
    if (chunk === undefined) return { _tag: "Refused", reason: decoder.end().reason, answer: undefined }
    const progress = yield* Streams.decode(node, decoder, chunk, () => place.holds(decoder.held()))
    if (!place.holds(decoder.held())) return yield* Effect.interrupt
    if (progress._tag === "Rejected") {
      return { _tag: "Refused", reason: progress.rejection.reason, answer: progress.answer }
    }
    const type = progress._tag === "Message"
      ? (progress.message._tag === "PushPull" ? PUSH_PULL : undefined)
      : progress.type
    if (type === PUSH_PULL && !node.places.canExchange()) return tooManyPushPulls
    if (progress._tag === "Message") {
      place.complete(progress.encrypted)
      return progress
    }
  }
})

const answerError = (node: Node, connection: Connection, error: string): Effect.Effect<void, TransportError> =>
  Streams.write(node, connection, Message.encode({ _tag: "ErrorResponse", error }, node.writer))

/** About how many bytes a row of our table takes: the names of its fields, its own name, and some metadata. */
const ROW_BYTES = 160

const pushPull = (
  node: Node,
  place: Place,
  message: Extract<Frame.StreamMessage, { readonly _tag: "PushPull" }>
): Effect.Effect<void | Refused, TransportError> => {
  const { connection } = place
  const exchange = PushPull.respond(
    node,
    connection.peer,
    message,
    (pieces) => Streams.writePieces(node, connection, pieces)
  ).pipe(
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
          error._tag === "JoinRejected" ? PushPull.veto(error.reason) : error.message
        )
      )
    })
  )
  return Effect.suspend((): Effect.Effect<void | Refused, TransportError> => {
    if (!place.exchange()) return Effect.succeed(tooManyPushPulls)
    // Before the answer is made; what it really holds counts when it is written. In clear its rows are those of all
    // answers.
    const bytes = Sender.encrypts(node) ? 2 * Ref.getUnsafe(node.membership).entries.size * ROW_BYTES : ROW_BYTES
    return Effect.flatMap(place.answers(bytes), (room) => room ? exchange : Effect.interrupt)
  })
}

/** Serves a request, or says why not. */
const serveRequest = (
  node: Node,
  place: Place,
  message: Frame.StreamMessage
): Effect.Effect<void | Refused, TransportError> => {
  const { connection } = place
  switch (message._tag) {
    case "PushPull":
      return pushPull(node, place, message)
    case "User":
      if (message.payload.length === 0) node.counters.count("stream.rejected", "EmptyUserMessage")
      else deliver(node, { payload: message.payload, from: connection.peer, via: "stream" })
      return Effect.void
    case "Ping":
      if (message.node !== "" && message.node !== node.name) {
        node.counters.count("stream.rejected", "PingForAnother")
        const detail = `it was for "${PlainText.name(message.node)}"`
        return node.logs.write("PingForAnother", { peer: connection.peer, detail })
      }
      return Streams.write(
        node,
        connection,
        Message.encode({ _tag: "Ack", seqNo: message.seqNo, payload: null }, node.writer)
      )
    default:
      node.counters.count("stream.rejected", "UnexpectedMessage")
      return node.logs.write("StreamRejected.UnsupportedType", { peer: connection.peer, detail: message._tag })
  }
}

/** A connection that is only opened and closed is a health check, or a port scan: not worth an error. */
const entryOf = (reason: Refused["reason"]): LogEntry =>
  reason === "Empty"
    ? "StreamEmpty"
    : reason === "TooManyPushPulls"
    ? "TooManyPushPulls"
    : `StreamRejected.${reason}`

const serve = Effect.fnUntraced(function*(node: Node, place: Place): Effect.fn.Return<void, TransportError> {
  const { connection } = place
  yield* node.logs.write("StreamAccepted", { peer: connection.peer })
  const incoming = yield* request(node, place)
  const refused = incoming._tag === "Message" ? yield* serveRequest(node, place, incoming.message) : incoming
  if (refused === undefined) return
  node.counters.count("stream.rejected", refused.reason)
  yield* node.logs.write(entryOf(refused.reason), { peer: connection.peer, reason: refused.reason })
  if (refused.answer !== undefined) yield* answerError(node, connection, refused.answer)
})

const handle = (node: Node) => (connection: Connection): Effect.Effect<void> => {
  node.counters.count("tcp.accept")
  if (!mayContact(node, connection.peer)) {
    node.counters.count("stream.rejected", "SourceNotAllowed")
    return node.logs.write("ContactBlocked", { peer: connection.peer })
  }
  const served = Effect.catch(node.places.serve(connection, (place) => serve(node, place)), (error) => {
    node.counters.count("stream.failed", error.kind)
    return node.logs.write("StreamFailed", { peer: connection.peer, reason: error.kind, detail: error.message })
  })
  // the fiber is the transport's
  return node.work.inContext(node.work.guard("stream", served, undefined, { peer: connection.peer }))
}

/** Serves forever. */
export const loop = (node: Node): Effect.Effect<never, TransportError> =>
  Effect.suspend(() => node.transport.serve(handle(node)))
