/**
 * The compress wrapper: `09` and a msgpack `compress` around LZW. memberlist: `compressPayload`, `decompressPayload`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Lzw from "./Lzw.ts"
import * as Message from "./message/Message.ts"
import * as Rejection from "./message/Rejection.ts"
import { Writer } from "./msgpack/MessagePackWriter.ts"

const LZW_ALGO = 0

/** `09`, map head, key `Algo`, its value, key `Buf`, and at least one byte of length. */
const MIN_OVERHEAD = 13
/** The same with the longest length. */
const MAX_OVERHEAD = 17

/**
 * No message up to this size can shrink: its best case, one repeated byte, is 11 bytes of LZW at 24 bytes.
 */
const TINY = 24

/**
 * The wrapped form, whatever its size. Streams send it always.
 *
 * @category encoding
 * @since 0.1.0
 */
export const wrap = (message: Uint8Array): Uint8Array => wrapped(Lzw.compress(message) ?? message)

/**
 * The wrapped form if it is strictly smaller, else the message itself. Packets send this.
 *
 * @category encoding
 * @since 0.1.0
 */
export const wrapIfSmaller = (message: Uint8Array): Uint8Array => {
  if (message.length <= TINY) return message
  const buf = Lzw.compress(message, message.length - MIN_OVERHEAD - 1)
  if (buf === undefined) return message
  const out = wrapped(buf)
  return out.length < message.length ? out : message
}

const wrapped = (buf: Uint8Array): Uint8Array => {
  const writer = new Writer(MAX_OVERHEAD + buf.length)
  writer.start(Message.MessageType.Compress)
  Message.compressCodec.write(writer, { algo: LZW_ALGO, buf })
  return writer.end()
}

/**
 * A message that could not be decompressed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed {
  readonly rejection: Rejection.Rejection
  /** Bytes decompressed until then, to be charged like those of a success. */
  readonly produced: number
}

/**
 * The decompressed message in `bytes[start..end)`, which is a `compress` body, of at most `limit` bytes.
 *
 * @category decoding
 * @since 0.1.0
 */
export const unwrap = (
  bytes: Uint8Array,
  start: number,
  end: number,
  limit: number,
  budget?: Message.Budget
): Uint8Array | Failed => {
  const body = Message.decodeBody(Message.compressCodec, bytes, start, end, budget)
  return "reason" in body ? { rejection: body, produced: 0 } : expand(body, limit)
}

/**
 * The content of a `compress` body, of at most `limit` bytes. The details are the reference's words, because a refused
 * stream's initiator is told.
 *
 * @category decoding
 * @since 0.1.0
 */
export const expand = (body: Message.Compress, limit: number): Uint8Array | Failed =>
  unknownAlgorithm(body) ?? outcome(Lzw.decompress(body.buf, limit), limit)

/**
 * Decompresses the content of a `compress` body in portions.
 *
 * @category decoding
 * @since 0.1.0
 */
export class Expansion {
  private readonly body: Message.Compress
  private readonly limit: number
  private readonly decompressor: Lzw.Decompressor

  constructor(body: Message.Compress, limit: number) {
    this.body = body
    this.limit = limit
    this.decompressor = new Lzw.Decompressor(body.buf, limit)
  }

  /** Bytes of memory for the output so far. */
  get held(): number {
    return this.decompressor.held
  }

  /** Goes on for about `portion` bytes; `undefined` to be continued. */
  next(portion: number): Uint8Array | Failed | undefined {
    const unknown = unknownAlgorithm(this.body)
    if (unknown !== undefined) return unknown
    const out = this.decompressor.next(portion)
    return out === undefined ? undefined : outcome(out, this.limit)
  }
}

const unknownAlgorithm = ({ algo }: Message.Compress): Failed | undefined =>
  algo === LZW_ALGO ? undefined : {
    rejection: Rejection.make("InvalidCompression", `cannot decompress unknown algorithm ${algo}`),
    produced: 0
  }

const outcome = (out: Uint8Array | Lzw.Failure, limit: number): Uint8Array | Failed => {
  if (out instanceof Uint8Array) return out
  const { failure, produced } = out
  if (failure !== "TooLarge") return { rejection: failures[failure], produced }
  return {
    rejection: Rejection.make("TooLarge", `decompressed message is larger than limit (${limit})`),
    produced: limit
  }
}

const failures = {
  UnexpectedEnd: Rejection.make("InvalidCompression", "unexpected EOF"),
  InvalidCode: Rejection.make("InvalidCompression", "lzw: invalid code")
}
