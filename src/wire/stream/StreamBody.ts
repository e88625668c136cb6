/**
 * The bodies of stream messages, parsed as their bytes arrive.
 *
 * @stability unstable
 * @since 0.1.0
 */
import {
  MAX_MESSAGE_ENTRIES,
  MAX_PUSH_PULL_NODES,
  MAX_STREAM_BYTES,
  MAX_USER_MESSAGE,
  MAX_USER_STATE,
  SLICE_ENTRIES,
  SLICE_ROWS
} from "../../base/Limits.ts"
import * as Message from "../message/Message.ts"
import * as Rejection from "../message/Rejection.ts"
import * as MessagePack from "../msgpack/MessagePack.ts"
import { payload, Reader } from "../msgpack/MessagePackReader.ts"
import { Writer } from "../msgpack/MessagePackWriter.ts"
import type { StreamBuffer } from "./StreamBuffer.ts"

/**
 * Which end of the stream we are: who was called, or who called.
 *
 * @category models
 * @since 0.1.0
 */
export type Role = "responder" | "initiator"

/**
 * The messages of streams. A responder is sent pings, push/pulls and user messages; an initiator is answered with acks,
 * push/pulls and errors.
 *
 * @category models
 * @since 0.1.0
 */
export type StreamMessage =
  | {
    readonly _tag: "PushPull"
    readonly join: boolean
    readonly nodes: ReadonlyArray<Message.NodeState>
    readonly userState: Uint8Array
  }
  | Message.User
  | Message.Ping
  | Message.Ack
  | Message.ErrorResponse

/** What a parser yields: a message, or the content of a compress wrapper. */
type Body = StreamMessage | { readonly _tag: "Compress"; readonly body: Message.Compress }

/** One step: `true` when it is done, `false` when it needs more bytes, pauses, or has failed. */
type Step = (parser: BodyParser, buffer: StreamBuffer) => boolean

/**
 * Parses one body, a slice of work at a time. Every step resumes where it ran out of bytes, or paused.
 *
 * @category models
 * @since 0.1.0
 */
export class BodyParser {
  readonly type: number
  /** @internal */
  rejection: Rejection.Rejection | undefined = undefined
  /** @internal */
  result: Body | undefined = undefined
  /** Node states parsed so far. */
  rows = 0
  /** Whether there is more to do with the bytes that are there. */
  paused = false
  /** Values that may still be visited in this slice. */
  private left = 0
  private readonly step: Step
  private readonly reader = new Reader()
  private readonly cursor = new MessagePack.Cursor()
  /** Bytes that must have arrived, counted from the buffer's start, before another attempt can get further. */
  private wanted = 1

  private constructor(type: number, step: Step) {
    this.type = type
    this.step = step
  }

  /** The parser for a message type, if this role may be sent it. */
  static make(
    type: number,
    role: Role,
    maxNodes: number = MAX_PUSH_PULL_NODES,
    known: ReadonlyArray<Message.NodeState> = []
  ): BodyParser | Rejection.Rejection {
    const step = role === "responder" ? responderStep(type, maxNodes) : initiatorStep(type, maxNodes, known)
    return step === undefined
      ? Rejection.make("UnsupportedType", `message type ${type} on a stream, as ${role}`)
      : new BodyParser(type, step)
  }

  /** The parser for the body of a compress wrapper. */
  static compress(): BodyParser {
    return new BodyParser(
      Message.MessageType.Compress,
      single(Message.compressCodec, (body) => ({ _tag: "Compress", body }))
    )
  }

  /** Consumes what it can: the body, why there is none, or `undefined` for more bytes, or when it has paused. */
  next(buffer: StreamBuffer): Body | Rejection.Rejection | undefined {
    this.paused = false
    if (buffer.length < this.wanted) return undefined
    this.left = SLICE_ENTRIES
    if (this.step(this, buffer)) return this.result
    return this.rejection
  }

  /** Whether the next value must wait for the next slice. */
  pause(): boolean {
    this.paused = this.left <= 0
    return this.paused
  }

  /** The struct at the buffer's start, consumed; `undefined` after `fail` or for more bytes. It may be `known`. */
  struct<A>(codec: MessagePack.Codec<A>, buffer: StreamBuffer, known?: A): A | undefined {
    const { reader } = this
    const before = reader.entries
    reader.reset(buffer.bytes, buffer.start, buffer.end)
    this.cursor.known = known
    const value = codec.read(reader, this.cursor)
    buffer.start = reader.pos
    reader.release()
    this.left -= before - reader.entries
    if (value !== undefined) {
      this.wanted = 0
      reader.entries = MAX_MESSAGE_ENTRIES
    } else if (reader.failure === "Truncated") this.want(reader.wanted - reader.pos)
    else this.fail(Message.reject(reader.failure))
    return value
  }

  /** Raw bytes, consumed; `undefined` for more bytes. */
  raw(size: number, buffer: StreamBuffer): Uint8Array | undefined {
    if (buffer.length < size) {
      this.want(size)
      return undefined
    }
    const bytes = payload(buffer.bytes, buffer.start, buffer.start + size)
    buffer.start += size
    return bytes
  }

  fail(rejection: Rejection.Rejection): void {
    this.rejection = rejection
  }

  private want(size: number): void {
    this.wanted = size
    if (size > MAX_STREAM_BYTES) this.fail(announcedTooMuch)
  }
}

const announcedTooMuch = Rejection.make("TooLarge", `a value of more than ${MAX_STREAM_BYTES} bytes is announced`)

const responderStep = (type: number, maxNodes: number): Step | undefined => {
  switch (type) {
    case Message.MessageType.Ping:
      return single(Message.pingCodec, (message) => message)
    case Message.MessageType.PushPull:
      return pushPull(maxNodes)
    case Message.MessageType.User:
      return user()
    default:
      return undefined
  }
}

const initiatorStep = (
  type: number,
  maxNodes: number,
  known: ReadonlyArray<Message.NodeState>
): Step | undefined => {
  switch (type) {
    case Message.MessageType.Ack:
      return single(Message.ackCodec, (message) => message)
    case Message.MessageType.PushPull:
      return pushPull(maxNodes, known)
    case Message.MessageType.Error:
      return single(Message.errorResponseCodec, (message) => message)
    default:
      return undefined
  }
}

const single = <A>(codec: MessagePack.Codec<A>, body: (value: A) => Body): Step => (parser, buffer) => {
  const value = parser.struct(codec, buffer)
  if (value === undefined) return false
  parser.result = body(value)
  return true
}

const user = (): Step => {
  let size: number | undefined
  return (parser, buffer) => {
    size ??= parser.struct(Message.userHeaderCodec, buffer)?.userMsgLen
    if (size === undefined) return false
    if (size < 0 || size > MAX_USER_MESSAGE) {
      parser.fail(Rejection.make("TooLarge", `user message length (${size}) exceeds limit`))
      return false
    }
    const content = parser.raw(size, buffer)
    if (content === undefined) return false
    parser.result = { _tag: "User", payload: content }
    return true
  }
}

const pushPull = (maxNodes: number, known: ReadonlyArray<Message.NodeState> = []): Step => {
  const nodes: Array<Message.NodeState> = []
  let header: Message.PushPullHeader | undefined
  return (parser, buffer) => {
    header ??= parser.struct(Message.pushPullHeaderCodec, buffer)
    if (header === undefined) return false
    if (header.nodes < 0 || header.nodes > maxNodes) {
      parser.fail(Rejection.make("TooLarge", `number of nodes in header (${header.nodes}) exceeds limit`))
      return false
    }
    if (header.userStateLen < 0 || header.userStateLen > MAX_USER_STATE) {
      parser.fail(Rejection.make("TooLarge", `user state length (${header.userStateLen}) exceeds limit`))
      return false
    }
    while (nodes.length < header.nodes) {
      if (parser.pause()) return false
      const node = parser.struct(Message.nodeStateCodec, buffer, known[nodes.length])
      if (node === undefined) return false
      nodes.push(node)
      parser.rows++
    }
    const userState = parser.raw(header.userStateLen, buffer)
    if (userState === undefined) return false
    parser.result = { _tag: "PushPull", join: header.join, nodes, userState }
    return true
  }
}

/** Bytes of a node state, for names and metadata of usual length, and of a header. */
const ROW_BYTES = 128
const HEADER_OVERHEAD = 48

/**
 * The bytes of a push/pull: type byte, header, node states, user state.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodePushPull = ({ join, nodes, userState }: PushPullState): Uint8Array =>
  joined([
    encodeHeader({ nodes: nodes.length, userStateLen: userState.length, join }),
    ...whole(encodeRows(nodes, (node) => node)),
    userState
  ])

/** Does all slices of some work at once. */
export const whole = <A>(slices: Generator<undefined, A>): A => {
  for (;;) {
    const { done, value } = slices.next()
    if (done === true) return value
  }
}

/**
 * What a push/pull tells.
 *
 * @category models
 * @since 0.1.0
 */
export interface PushPullState {
  readonly join: boolean
  readonly nodes: ReadonlyArray<Message.NodeState>
  readonly userState: Uint8Array
}

/**
 * The head of a push/pull: type byte and header.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodeHeader = (header: Message.PushPullHeader): Uint8Array => {
  const writer = new Writer(HEADER_OVERHEAD)
  writer.start(Message.MessageType.PushPull)
  Message.pushPullHeaderCodec.write(writer, header)
  return writer.end()
}

/**
 * The node states of a push/pull, in pieces. It yields before each but the first: whoever has more to do than to encode
 * a large list can do it there, and a list of one piece waits for nobody.
 *
 * @category encoding
 * @since 0.1.0
 */
export function* encodeRows<A>(
  rows: ReadonlyArray<A>,
  stateOf: (row: A) => Message.NodeState
): Generator<undefined, ReadonlyArray<Uint8Array>> {
  const pieces: Array<Uint8Array> = []
  const writer = new Writer(Math.min(rows.length, SLICE_ROWS) * ROW_BYTES)
  for (let at = 0; at < rows.length; at += SLICE_ROWS) {
    if (at > 0) yield
    const end = Math.min(at + SLICE_ROWS, rows.length)
    for (let i = at; i < end; i++) Message.nodeStateCodec.write(writer, stateOf(rows[i] as A))
    pieces.push(writer.finish())
  }
  return pieces
}

/** The bytes of all pieces. */
export const sizeOf = (pieces: ReadonlyArray<Uint8Array>): number => {
  let size = 0
  for (const piece of pieces) size += piece.length
  return size
}

/** Several pieces as one. */
export const joined = (pieces: ReadonlyArray<Uint8Array>): Uint8Array => {
  const out = new Uint8Array(sizeOf(pieces))
  let at = 0
  for (const piece of pieces) {
    out.set(piece, at)
    at += piece.length
  }
  return out
}

/**
 * The bytes of a user message on a stream: type byte, header, payload.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodeUser = (content: Uint8Array): Uint8Array => {
  const writer = new Writer(HEADER_OVERHEAD + content.length)
  writer.start(Message.MessageType.User)
  Message.userHeaderCodec.write(writer, { userMsgLen: content.length })
  writer.raw(content)
  return writer.end()
}
