/**
 * The stream pipeline, both ways.
 *
 * A stream carries one message each way and is not closed in between, so where a message ends is found by parsing. The
 * decoder takes the bytes as they come, in any portions, and does a bounded amount of work for each: it never starts
 * over, and never allocates for what is only announced. Where there is more to do than a slice of work it says so, and
 * is told to resume when others have had their turn.
 *
 * @stability unstable
 * @since 0.1.0
 */
import {
  MAX_COMPRESSED_STREAM_INPUT,
  MAX_DECOMPRESSED_BYTES,
  MAX_ENCRYPTED_FRAME_BYTES,
  MAX_STREAM_BYTES,
  SLICE_BYTES
} from "../../base/Limits.ts"
import * as Compression from "../Compression.ts"
import * as Encryption from "../Encryption.ts"
import * as Label from "../Label.ts"
import * as Message from "../message/Message.ts"
import * as Rejection from "../message/Rejection.ts"
import type { Inbound } from "../packet/Packet.ts"
import { BodyParser, type Role, type StreamMessage, whole } from "./StreamBody.ts"
import { StreamBuffer } from "./StreamBuffer.ts"

export {
  encodeHeader,
  encodePushPull,
  encodeRows,
  encodeUser,
  joined,
  type PushPullState,
  type Role,
  sizeOf,
  type StreamMessage
} from "./StreamBody.ts"

/**
 * What is known after the bytes so far. `Message` and `Rejected` are final.
 *
 * @category models
 * @since 0.1.0
 */
export type Progress =
  /** `type` is the message type once it is known, inside encryption and compression. */
  | { readonly _tag: "NeedMore"; readonly type: number | undefined }
  /** There is more to do with the bytes that are there: `resume`, once others have had their turn. */
  | { readonly _tag: "Working"; readonly type: number | undefined }
  /** `size` counts the bytes received for the message, the label header included. */
  | { readonly _tag: "Message"; readonly message: StreamMessage; readonly encrypted: boolean; readonly size: number }
  /** `answer` is the text of the error message to reply with, where the reference replies. */
  | { readonly _tag: "Rejected"; readonly rejection: Rejection.Rejection; readonly answer: string | undefined }

/**
 * Decodes the one message of a stream direction.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decoder {
  readonly push: (chunk: Uint8Array) => Progress
  /** Goes on after `Working`. */
  readonly resume: () => Progress
  /** What it means that the stream ends here. */
  readonly end: () => Rejection.Rejection
  /**
   * About how many bytes of memory it holds that nobody authenticated, the message it has made included; none after it
   * opened a sealed message with one of our keys.
   */
  readonly held: () => number
  /** Gives its memory back at once when no message was made of it: for streams that are given up. */
  readonly release: () => void
}

/**
 * @category models
 * @since 0.1.0
 */
export interface DecoderOptions {
  /** Refuses longer push/pulls than the protocol's own limit of 1,048,576 node states. */
  readonly maxNodes?: number | undefined
  /**
   * The list of a push/pull that the peer gave a moment ago: rows that are the same again are not made again, which
   * takes a third of the time and no memory.
   */
  readonly known?: ReadonlyArray<Message.NodeState> | undefined
  /** Told, once, how many bytes an encrypted message announces to have, before they are there or refused. */
  readonly onEncryptedSize?: ((size: number) => void) | undefined
}

/**
 * A decoder for what the other side sends. Only a responder meets label headers, and only it answers errors.
 *
 * @category constructors
 * @since 0.1.0
 */
export const makeDecoder = (role: Role, inbound: Inbound, options: DecoderOptions = {}): Decoder =>
  new FrameDecoder(role, inbound, options)

const ENCRYPTION_HEADER_BYTES = 5

/** What a node state takes in memory beside its bytes, about: an object, a string and three arrays. */
const ROW_BYTES = 512

class FrameDecoder implements Decoder {
  private readonly role: Role
  private readonly inbound: Inbound
  private readonly options: DecoderOptions
  private readonly buffer = new StreamBuffer()
  private received = 0
  private phase: "Label" | "Type" | "Encrypted" | "Opening" | "Compressed" | "Expanding" | "Body" = "Label"
  private opening: Encryption.Opening | undefined = undefined
  private expanding: Compression.Expansion | undefined = undefined
  /** One of our keys opened the message. */
  private authentic = false
  /** All of the message is there: what else arrives is not a part of it. */
  private complete = false
  /** More bytes arrived than one message may have. */
  private overflowing = false
  private parser: BodyParser | undefined = undefined
  private done: Progress | undefined = undefined
  /** Where a wrapper ended in the stream, once one was opened. */
  private encryptedSize: number | undefined = undefined
  private announced = false
  private compressedSize: number | undefined = undefined
  /** Bytes of the message as it was parsed, once it is there. */
  private messageSize = 0
  /** Node states in it. */
  private rows = 0

  constructor(role: Role, inbound: Inbound, options: DecoderOptions) {
    this.role = role
    this.inbound = inbound
    this.options = options
    if (role === "initiator") this.phase = "Type"
  }

  push(chunk: Uint8Array): Progress {
    if (this.done !== undefined) return this.done
    if (this.complete) return this.resume()
    const room = MAX_STREAM_BYTES - this.received
    const accepted = chunk.length > room ? chunk.subarray(0, room) : chunk
    this.received += accepted.length
    this.buffer.append(accepted)
    this.overflowing ||= chunk.length > room
    return this.settled(this.advance())
  }

  resume(): Progress {
    return this.done ?? this.settled(this.advance())
  }

  end(): Rejection.Rejection {
    if (this.done?._tag === "Rejected") return this.done.rejection
    if (this.received === 0) return Rejection.make("Empty", "the stream ended before a message")
    return this.phase === "Label"
      ? Rejection.make("LabelTruncated", "the stream ended inside the label header")
      : Rejection.make("Truncated", "the stream ended inside a message")
  }

  held(): number {
    if (this.authentic || this.done?._tag === "Rejected") return 0
    const rows = (this.parser?.rows ?? this.rows) * ROW_BYTES
    if (this.done !== undefined) return this.messageSize + rows
    // what has left the buffer of a plain stream is in the values that were made of it
    const parsed = this.complete ? 0 : this.consumed()
    return this.buffer.bytes.length + parsed + rows + (this.opening?.held ?? 0) + (this.expanding?.held ?? 0)
  }

  release(): void {
    if (this.done === undefined) this.settled(rejected(givenUp))
  }

  /** Lets go of everything once the outcome is known. */
  private settled(progress: Progress): Progress {
    if (progress._tag === "Working" || (progress._tag === "NeedMore" && !this.overflowing)) return progress
    this.done = progress._tag === "NeedMore" ? rejected(tooLong) : progress
    this.rows = this.parser?.rows ?? 0
    this.messageSize = Math.max(this.messageSize, this.received)
    this.parser = this.opening = this.expanding = undefined
    // a message may hold views of it
    if (this.done._tag === "Rejected") this.buffer.free()
    else this.buffer.replace(new Uint8Array(0))
    return this.done
  }

  private advance(): Progress {
    let progress: Progress | undefined
    while (progress === undefined) {
      switch (this.phase) {
        case "Label":
          progress = this.readLabel()
          break
        case "Type":
          progress = this.readType()
          break
        case "Encrypted":
          progress = this.readEncrypted()
          break
        case "Opening":
          progress = this.readOpening()
          break
        case "Compressed":
          progress = this.readCompressed()
          break
        case "Expanding":
          progress = this.readExpanding()
          break
        case "Body":
          progress = this.readBody()
          break
      }
    }
    return progress
  }

  private readLabel(): Progress | undefined {
    if (this.buffer.length === 0) return needMore
    const label = Label.check(this.buffer.bytes, this.buffer.end, this.inbound)
    if (typeof label !== "number") return label.reason === "LabelTruncated" ? needMore : rejected(label)
    this.buffer.start += label
    this.phase = "Type"
    return undefined
  }

  private readType(): Progress | undefined {
    if (this.buffer.length === 0) return needMore
    const type = this.buffer.bytes[this.buffer.start]
    const { keys, verifyIncoming } = this.inbound
    if (type === Message.MessageType.Encrypt) {
      if (keys.length === 0) return this.refuse(unexpectedlyEncrypted)
      this.phase = "Encrypted"
      return undefined
    }
    if (keys.length > 0 && verifyIncoming) return this.refuse(unexpectedlyPlain)
    if (type === Message.MessageType.Compress) {
      this.buffer.start++
      this.parser = BodyParser.compress()
      this.phase = "Compressed"
      return undefined
    }
    return this.startBody()
  }

  /** The type byte is the next one in the buffer, and whatever was around the message is gone. */
  private startBody(): Progress | undefined {
    const type = this.buffer.bytes[this.buffer.start++] as number
    const parser = BodyParser.make(type, this.role, this.options.maxNodes, this.options.known)
    if (!(parser instanceof BodyParser)) return rejected(parser)
    this.parser = parser
    this.phase = "Body"
    return undefined
  }

  private readEncrypted(): Progress | undefined {
    if (this.buffer.length < ENCRYPTION_HEADER_BYTES) return needMore
    const header = this.buffer.view(ENCRYPTION_HEADER_BYTES)
    const [, a = 0, b = 0, c = 0, d = 0] = header
    const size = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
    if (!this.announced) {
      this.announced = true
      this.options.onEncryptedSize?.(size)
    }
    if (size > MAX_ENCRYPTED_FRAME_BYTES) {
      return this.refuse(Rejection.make("TooLarge", `remote node state is larger than limit (${size})`))
    }
    if (this.buffer.length < ENCRYPTION_HEADER_BYTES + size) return needMore
    const sealed = this.buffer.view(ENCRYPTION_HEADER_BYTES + size).subarray(ENCRYPTION_HEADER_BYTES)
    this.opening = new Encryption.Opening(sealed, this.inbound.keys, additionalData(header, this.inbound.label))
    this.encryptedSize = this.consumed() + ENCRYPTION_HEADER_BYTES + size
    this.complete = true
    this.phase = "Opening"
    return undefined
  }

  private readOpening(): Progress | undefined {
    const plain = this.opening?.next(SLICE_BYTES)
    if (plain === undefined) return working
    this.opening = undefined
    this.authentic = typeof plain !== "string"
    return typeof plain === "string" ? this.refuse(Rejection.make("Undecryptable", plain)) : this.readContent(plain)
  }

  /** Bytes of the stream before the buffer's start. */
  private consumed(): number {
    return this.received - this.buffer.length
  }

  /** Goes on with a decrypted message, which is all there: nothing of it can arrive later. */
  private readContent(plain: Uint8Array): Progress | undefined {
    const [type] = plain
    if (type === undefined) return this.refuse(emptyPlaintext)
    if (type !== Message.MessageType.Compress) return this.readWhole(plain)
    const body = Message.decodeBody(Message.compressCodec, plain, 1, plain.length)
    return "reason" in body ? this.refuseUnlessTruncated(body) : this.expand(body)
  }

  private expand(body: Message.Compress): undefined {
    this.expanding = new Compression.Expansion(body, MAX_DECOMPRESSED_BYTES)
    this.complete = true
    this.phase = "Expanding"
  }

  private readCompressed(): Progress | undefined {
    const body = this.parser?.next(this.buffer)
    if (body === undefined) return needMore
    if ("reason" in body) return this.refuseUnlessTruncated(body)
    if (body._tag !== "Compress") return needMore
    this.compressedSize = this.consumed()
    return this.expand(body.body)
  }

  private readExpanding(): Progress | undefined {
    const out = this.expanding?.next(SLICE_BYTES)
    if (out === undefined) return working
    this.expanding = undefined
    if (!(out instanceof Uint8Array)) return this.refuse(out.rejection)
    return out.length === 0 ? this.refuse(emptyDecompressed) : this.readWhole(out)
  }

  /** The body of a message that was wrapped, in place of the bytes of the stream. */
  private readWhole(message: Uint8Array): Progress | undefined {
    this.messageSize = message.length
    this.buffer.replace(message)
    return this.startBody()
  }

  private readBody(): Progress {
    const { parser } = this
    const body = parser?.next(this.buffer)
    if (body === undefined) {
      if (parser?.paused === true) return { _tag: "Working", type: parser.type }
      return this.complete ? rejected(endsEarly) : { _tag: "NeedMore", type: parser?.type }
    }
    if ("reason" in body) return rejected(body)
    if (body._tag === "Compress") return rejected(Rejection.make("UnsupportedType", "a compressed message in another"))
    return {
      _tag: "Message",
      message: body,
      encrypted: this.encryptedSize !== undefined,
      size: this.encryptedSize ?? this.compressedSize ?? this.consumed()
    }
  }

  /** Refuses what the reference answers with an error message. */
  private refuse(rejection: Rejection.Rejection): Progress {
    return rejected(rejection, this.role === "responder" ? rejection.detail : undefined)
  }

  /** The reference takes a message that ends too early for a closed stream, and does not answer. */
  private refuseUnlessTruncated(rejection: Rejection.Rejection): Progress {
    return rejection.reason === "Truncated" ? rejected(rejection) : this.refuse(rejection)
  }
}

const rejected = (rejection: Rejection.Rejection, answer?: string): Progress => ({
  _tag: "Rejected",
  rejection,
  answer
})

const needMore: Progress = { _tag: "NeedMore", type: undefined }
const working: Progress = { _tag: "Working", type: undefined }
const tooLong = Rejection.make("TooLarge", `a message of more than ${MAX_STREAM_BYTES} bytes`)
const givenUp = Rejection.make("Truncated", "the stream was given up")
const endsEarly = Rejection.make("Truncated", "the message ends inside a value")
const unexpectedlyEncrypted = Rejection.make(
  "Encrypted",
  "remote state is encrypted and encryption is not configured"
)
const unexpectedlyPlain = Rejection.make(
  "Plaintext",
  "encryption is configured but remote state is not encrypted"
)
const emptyPlaintext = Rejection.make("Empty", "decrypted message is empty")
const emptyDecompressed = Rejection.make("InvalidCompression", "decompressed message is empty")

/** What is authenticated beside a stream frame: its header and the label. */
const additionalData = (header: Uint8Array, label: Uint8Array): Uint8Array => {
  if (label.length === 0) return header
  const out = new Uint8Array(header.length + label.length)
  out.set(header)
  out.set(label, header.length)
  return out
}

/**
 * How this node writes to a stream. The label header is not part of it: the initiator writes that first
 * (`Label.header`), the responder never.
 *
 * @category models
 * @since 0.1.0
 */
export interface FrameOptions {
  readonly compress: boolean
  readonly encryption: Encryption.Seal | undefined
  /** The label both sides agreed on; authenticated, not sent. */
  readonly label: Uint8Array
}

/**
 * Makes a message (type byte first) into what is written to a stream. Unlike packets, streams are compressed even where
 * that makes them longer.
 *
 * @category encoding
 * @since 0.1.0
 */
export const frame = (message: Uint8Array, options: FrameOptions): Uint8Array => whole(frameSlices(message, options))

/**
 * The same in slices: it yields where others may have their turn.
 *
 * @category encoding
 * @since 0.1.0
 */
export function* frameSlices(message: Uint8Array, options: FrameOptions): Generator<undefined, Uint8Array> {
  const compress = options.compress && message.length <= MAX_COMPRESSED_STREAM_INPUT
  const content = compress ? Compression.wrap(message) : message
  if (options.encryption === undefined) return content
  const size = Encryption.sealedLength(options.encryption.version, content.length)
  const out = new Uint8Array(ENCRYPTION_HEADER_BYTES + size)
  out[0] = Message.MessageType.Encrypt
  out[1] = size >>> 24
  out[2] = size >>> 16
  out[3] = size >>> 8
  out[4] = size
  const aad = additionalData(out.subarray(0, ENCRYPTION_HEADER_BYTES), options.label)
  yield* Encryption.sealSlices(out, ENCRYPTION_HEADER_BYTES, content, options.encryption, aad, SLICE_BYTES)
  return out
}
