/**
 * One exchange over a stream: a framed message out, a framed message in, each within its deadline.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Address from "../../base/Address.ts"
import * as Limits from "../../base/Limits.ts"
import { ExchangeRejected, TransportError } from "../../MemberlistError.ts"
import type { Connection } from "../../Transport.ts"
import * as Foreign from "../../wire/Foreign.ts"
import * as Label from "../../wire/Label.ts"
import type { NodeState } from "../../wire/message/Message.ts"
import * as Frame from "../../wire/stream/Frame.ts"
import type { Node } from "../Node.ts"
import * as Sender from "./Sender.ts"
import { inSlices } from "./Turns.ts"

/** From here on a state is worth a warning, before it is refused. memberlist: 60 % as well. */
const LARGE_STATE = 0.6 * Limits.MAX_ENCRYPTED_FRAME_BYTES

/** A decoder that refuses lists far beyond what this node would hold, before it builds them. */
export const decoderFor = (
  node: Node,
  role: "initiator" | "responder",
  peer: Address.PeerAddress,
  known?: ReadonlyArray<NodeState>
): Frame.Decoder =>
  Frame.makeDecoder(role, node.inbound(), {
    known,
    maxNodes: Math.min(2 * node.config.maxMembers, Limits.MAX_PUSH_PULL_NODES),
    onEncryptedSize: (size) => {
      node.metrics.remoteSize(size)
      if (size <= LARGE_STATE) return
      const detail = `${size} bytes of at most ${Limits.MAX_ENCRYPTED_FRAME_BYTES}`
      node.logs.note("RemoteStateLarge", { peer, detail })
    }
  })

/** Frames a message for either direction. */
export const frame = (node: Node, message: Uint8Array): Effect.Effect<Uint8Array> =>
  Effect.suspend(() =>
    inSlices(
      node.turns,
      Frame.frameSlices(message, {
        compress: node.config.enableCompression,
        encryption: Sender.encryption(node),
        label: node.settings.label
      })
    )
  )

/**
 * What the decoder makes of a chunk, in slices of work; `each` is told after a slice, and ends it by answering false.
 */
export const decode = (
  node: Node,
  decoder: Frame.Decoder,
  chunk: Uint8Array,
  each: () => boolean = always
): Effect.Effect<Settled> => Effect.suspend(() => settled(node, decoder, decoder.push(chunk), each))

const always = () => true

const noBytes = new Uint8Array(0)

type Settled = Exclude<Frame.Progress, { readonly _tag: "Working" }>

const settled = (
  node: Node,
  decoder: Frame.Decoder,
  progress: Frame.Progress,
  each: () => boolean
): Effect.Effect<Settled> => {
  if (progress._tag !== "Working") return Effect.succeed(progress)
  if (!each()) return Effect.interrupt
  return Effect.flatMap(
    node.turns.take(Effect.sync(() => decoder.resume())),
    (next) => settled(node, decoder, next, each)
  )
}

/** Fails as a stream that took too long. */
export const late = (address: Address.PeerAddress, operation: "read" | "write", millis: number) =>
  Effect.fail(
    new TransportError({
      operation,
      kind: "Timeout",
      scope: "Remote",
      address: Address.format(address),
      cause: `no end after ${Math.round(millis)} ms`
    })
  )

/** Fails so when it takes longer. */
export const within =
  (address: Address.PeerAddress, operation: "read" | "write", millis: number) =>
  <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E | TransportError> =>
    Effect.timeoutOrElse(effect, { duration: Math.max(0, millis), orElse: () => late(address, operation, millis) })

/** Opens a stream and introduces ourselves with the label, when there is one; each has `timeoutMillis`. */
export const open = Effect.fnUntraced(function*(
  node: Node,
  to: Address.PeerAddress,
  timeoutMillis: number
): Effect.fn.Return<Connection, Sender.SendError, Scope.Scope> {
  const refused = Sender.nameMissing(node, to)
  if (refused !== undefined) return yield* refused
  const connection = yield* node.transport.open(to, { timeout: Duration.millis(Math.max(0, timeoutMillis)) })
  if (node.settings.label.length > 0) {
    yield* connection.write(Label.header(node.settings.label)).pipe(within(to, "write", timeoutMillis))
  }
  return connection
})

/** Writes a message to a stream. */
export const write = (node: Node, connection: Connection, message: Uint8Array): Effect.Effect<void, TransportError> =>
  Effect.flatMap(frame(node, message), (bytes) => {
    node.counters.count("tcp.sent", undefined, bytes.length)
    return connection.write(bytes)
  })

/**
 * Writes a message that is there in pieces. Where it is neither sealed nor compressed the pieces are written as they
 * are: they are shared by all who are told the same, and a hundred peers that do not read hold no hundred copies.
 */
export const writePieces = (
  node: Node,
  connection: Connection,
  pieces: ReadonlyArray<Uint8Array>
): Effect.Effect<void, TransportError> =>
  Effect.suspend(() => {
    const size = Frame.sizeOf(pieces)
    const compresses = node.config.enableCompression && size <= Limits.MAX_COMPRESSED_STREAM_INPUT
    if (compresses || Sender.encrypts(node)) return write(node, connection, Frame.joined(pieces))
    node.counters.count("tcp.sent", undefined, size)
    return Effect.forEach(pieces, (piece) => piece.length === 0 ? Effect.void : connection.write(piece), {
      discard: true
    })
  })

/** The next bytes, or nothing when there are no more, whether the peer ended the stream in order or broke it. */
export const next = (connection: Connection): Effect.Effect<Uint8Array | undefined, TransportError> =>
  Effect.catch(
    connection.pull,
    (error) => Cause.isDone(error) || error.kind === "Closed" ? Effect.succeed(undefined) : Effect.fail(error)
  )

/** The answer to what we asked, read to its end; `known`: the list that the peer gave a moment ago. */
export const answer = Effect.fnUntraced(function*(
  node: Node,
  connection: Connection,
  known?: ReadonlyArray<NodeState>
): Effect.fn.Return<Frame.StreamMessage, TransportError | ExchangeRejected> {
  const decoder = decoderFor(node, "initiator", connection.peer, known)
  let first: Uint8Array | undefined
  for (;;) {
    const chunk: Uint8Array | undefined = first === undefined
      ? yield* next(connection)
      : yield* Effect.catchIf(connection.pull, Cause.isDone, () => Effect.succeed(undefined))
    if (chunk === undefined && first === undefined) {
      node.counters.count("stream.rejected", "ClosedWithoutAnswer")
      return yield* Effect.fail(rejected(
        connection,
        "ClosedWithoutAnswer",
        "an answer; the other side may be another program, have another label, or refuse our key or our list"
      ))
    }
    first ??= chunk
    const progress: Settled = chunk === undefined
      ? { _tag: "Rejected", rejection: decoder.end(), answer: undefined }
      : yield* decode(node, decoder, chunk)
    if (progress._tag === "Message") return progress.message
    if (progress._tag === "Rejected") {
      node.counters.count("stream.rejected", progress.rejection.reason)
      const { detail, reason } = progress.rejection
      const expected = foreign(first ?? noBytes) ?? expectations[reason] ?? `a valid answer (${detail})`
      return yield* Effect.fail(rejected(connection, reason, expected))
    }
  }
})

/** What would have been right, where no member answered. */
const foreign = (answer: Uint8Array): string | undefined => {
  const protocol = Foreign.protocolOf(answer)
  const what = protocol === "text" ? "text, as many other protocols have it" : protocol
  return what === undefined
    ? undefined
    : `the port of a member; another program answers at this one, which does not speak memberlist but ${what}`
}

/** What would have been right, where the reason alone does not tell. */
const expectations: { readonly [reason: string]: string } = {
  Undecryptable: "an answer sealed with one of our keys; give both sides a common key",
  Plaintext: "an encrypted answer; the other side has no key, or does not encrypt what it sends",
  Encrypted: "an answer in plaintext, because this node has no key; configure the cluster's secretKey"
}

/** An answer that cannot be used. */
export const rejected = (connection: Connection, reason: string, expected: string): ExchangeRejected =>
  new ExchangeRejected({ address: Address.format(connection.peer), reason, expected })
