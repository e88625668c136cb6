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
import { mayContact, type Node } from "./Node.ts"
import * as PushPull from "./PushPull.ts"
import * as Streams from "./Streams.ts"

/** The type byte of a push/pull. */
const PUSH_PULL = 6

/** Push/pulls in progress; the answer to each is the whole table, so they are few. */
interface Slots {
  taken: number
}

type Request =
  | { readonly _tag: "Message"; readonly message: Frame.StreamMessage }
  | { readonly _tag: "Refused"; readonly reason: string; readonly answer: string | undefined }

/** Reads one request, and stops as soon as it is clear that it will not be served. */
const request = Effect.fnUntraced(function*(
  node: Node,
  connection: Connection,
  slots: Slots
): Effect.fn.Return<Request, TransportError> {
  const decoder = Streams.decoderFor(node, "responder")
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
        Effect.catchTag(["JoinRejected", "VersionMismatch"], (error) => {
          node.counters.count("pushpull.refused", error._tag)
          return Effect.andThen(
            Effect.logWarning(`refused the list of ${Address.format(connection.peer)}: ${error.message}`),
            answerError(node, connection, error.message)
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
      if (message.payload.length > 0) {
        node.messages.publish({ payload: message.payload, from: connection.peer, via: "stream" })
      }
      return Effect.void
    case "Ping":
      if (message.node !== "" && message.node !== node.name) {
        node.counters.count("stream.rejected", "PingForAnother")
        return Effect.void
      }
      return Streams.write(node, connection, Message.encode({ _tag: "Ack", seqNo: message.seqNo, payload: null }))
    default:
      node.counters.count("stream.rejected", "UnsupportedType")
      return Effect.void
  }
}

const handle = (node: Node, slots: Slots) => (connection: Connection): Effect.Effect<void> => {
  node.counters.count("tcp.accept")
  if (!mayContact(node, connection.peer)) {
    node.counters.count("stream.rejected", "SourceNotAllowed")
    return Effect.logDebug(
      `closed a stream from ${Address.format(connection.peer)}: its address is in none of cidrsAllowed`
    )
  }
  return Effect.gen(function*() {
    const incoming = yield* request(node, connection, slots).pipe(
      Streams.within(connection.peer, "read", node.settings.tcpTimeout)
    )
    if (incoming._tag === "Message") return yield* serveRequest(node, connection, slots, incoming.message)
    node.counters.count("stream.rejected", incoming.reason)
    yield* Effect.logDebug(`rejected a stream from ${Address.format(connection.peer)}: ${incoming.reason}`)
    if (incoming.answer !== undefined) yield* answerError(node, connection, incoming.answer)
  }).pipe(
    Effect.catch((error) => {
      node.counters.count("stream.failed", error.kind)
      return Effect.logDebug(`stream from ${Address.format(connection.peer)} failed: ${error.message}`)
    })
  )
}

/** Serves for ever. */
export const loop = (node: Node): Effect.Effect<never, TransportError> =>
  Effect.suspend(() => node.transport.serve(handle(node, { taken: 0 })))
