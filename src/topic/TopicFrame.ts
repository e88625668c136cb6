/**
 * The bytes of a frame: what members that take part in a topic send one another. `docs/topic.md` has every field. All
 * lengths and counts are checked before anything is read for them, and no bytes make the decoder throw.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { ByteReader, BytesMalformed, ByteWriter, refuse } from "../base/Bytes.ts"
import type { Range, Ranges } from "./Ranges.ts"

/** The first two bytes: no msgpack value begins with 0xFE that memberlist or Serf send, and no text has it. */
const MAGIC = [0xfe, 0x54] as const
/** The version of all frames so far. */
const VERSION = 1

/** Bytes of a topic's name. */
export const MAX_TOPIC = 255
/** Bytes of a member's name. */
export const MAX_NAME = 4_096
/** Publishers in one list. */
export const MAX_SPANS = 4_096
/** Ranges of one publisher. */
export const MAX_RANGES = 128
/** Messages in one batch. */
export const MAX_BATCH = 1_024
/** How often a message was passed on at most. */
export const MAX_HOPS = 255

/** One message, with what identifies it: its publisher, in one of its lives, and the number it gave. */
export interface Message {
  readonly origin: string
  /** Drawn when the publisher's layer was built. */
  readonly epoch: number
  /** From 1. */
  readonly sequence: number
  readonly payload: Uint8Array
}

/** Messages of one publisher in one of its lives, by their numbers. */
export interface Span {
  readonly origin: string
  readonly epoch: number
  readonly ranges: Ranges
}

/** A message of the recent window. */
export interface Kept {
  readonly message: Message
  /** Milliseconds since it was published, as far as that is known. */
  readonly age: number
}

/** A message that is pushed along the tree. */
export interface Data {
  readonly _tag: "Data"
  readonly hops: number
  readonly message: Message
}
/** Which messages the sender has. */
export interface Have {
  readonly _tag: "Have"
  readonly spans: ReadonlyArray<Span>
}
/** Asks for messages; and for those to come, where the link is to be one of the tree. */
export interface Graft {
  readonly _tag: "Graft"
  readonly isLasting: boolean
  readonly spans: ReadonlyArray<Span>
}
/** The message was there already: the link is none of the tree. */
export interface Prune {
  readonly _tag: "Prune"
}
/** All that the sender knows of recent messages, so that it is sent what it lacks. */
export interface Digest {
  readonly _tag: "Digest"
  readonly wantsAnswer: boolean
  readonly spans: ReadonlyArray<Span>
}
/** Messages of the recent window: those that a graft asked for, or those that a digest lacks. */
export interface Batch {
  readonly _tag: "Batch"
  readonly isAsked: boolean
  readonly messages: ReadonlyArray<Kept>
}
/** A value for this member alone. */
export interface Direct {
  readonly _tag: "Direct"
  readonly payload: Uint8Array
}
export type Body = Data | Have | Graft | Prune | Digest | Batch | Direct

export interface Frame {
  readonly topic: string
  /** The name of the member that sent it, who need not have published what is in it. */
  readonly sender: string
  readonly body: Body
}

const KINDS = { Data: 1, Have: 2, Graft: 3, Prune: 4, Digest: 5, Batch: 6, Direct: 7 } as const

const utf8 = new TextEncoder()

class Writer extends ByteWriter {
  name(value: string): void {
    const bytes = utf8.encode(value)
    this.byte(bytes.length >> 8)
    this.byte(bytes.length & 255)
    this.raw(bytes)
  }

  identity({ epoch, origin }: { readonly origin: string; readonly epoch: number }): void {
    this.name(origin)
    this.uint32(epoch)
  }
}

const spansTo = (writer: Writer, spans: ReadonlyArray<Span>): void => {
  writer.varint(spans.length)
  for (const span of spans) {
    writer.identity(span)
    writer.varint(span.ranges.length)
    let last = 0
    for (const [from, to] of span.ranges) {
      writer.varint(from - last)
      writer.varint(to - from)
      last = to
    }
  }
}

/** The bytes of a frame. Names and lists must be within the bounds above; the callers see to it. */
export const encode = ({ body, sender, topic }: Frame): Uint8Array => {
  const writer = new Writer(body._tag === "Data" ? 96 + body.message.payload.length : 256)
  for (const byte of [...MAGIC, VERSION, KINDS[body._tag]]) writer.byte(byte)
  const name = utf8.encode(topic)
  writer.byte(name.length)
  writer.raw(name)
  writer.name(sender)
  switch (body._tag) {
    case "Data": {
      writer.byte(body.hops)
      writer.identity(body.message)
      writer.varint(body.message.sequence)
      writer.raw(body.message.payload)
      break
    }
    case "Have": {
      spansTo(writer, body.spans)
      break
    }
    case "Graft": {
      writer.flag(body.isLasting)
      spansTo(writer, body.spans)
      break
    }
    case "Digest": {
      writer.flag(body.wantsAnswer)
      spansTo(writer, body.spans)
      break
    }
    case "Batch": {
      writer.flag(body.isAsked)
      writer.varint(body.messages.length)
      for (const { age, message } of body.messages) {
        writer.identity(message)
        writer.varint(message.sequence)
        writer.varint(age)
        writer.bytesOf(message.payload)
      }
      break
    }
    case "Direct": {
      writer.raw(body.payload)
      break
    }
    case "Prune":
  }
  return writer.take()
}

class Reader extends ByteReader {
  name(): string {
    const length = (this.byte() << 8) | this.byte()
    return length === 0 || length > MAX_NAME ? refuse() : this.utf8(length)
  }

  sequence(): number {
    const value = this.varint(Number.MAX_SAFE_INTEGER)
    return value === 0 ? refuse() : value
  }

  spans(): ReadonlyArray<Span> {
    const spans: Array<Span> = []
    for (let left = this.varint(MAX_SPANS); left > 0; left--) {
      const origin = this.name()
      const epoch = this.uint32()
      const ranges: Array<Range> = []
      let last = 0
      for (let more = this.varint(MAX_RANGES); more > 0; more--) {
        // the first begins at 1 or above, and a gap has at least one number
        const step = this.varint(Number.MAX_SAFE_INTEGER - last)
        if (step < (last === 0 ? 1 : 2)) refuse()
        const from = last + step
        last = from + this.varint(Number.MAX_SAFE_INTEGER - from)
        ranges.push([from, last])
      }
      spans.push({ origin, epoch, ranges })
    }
    return spans
  }
}

const bodyOf = (kind: number, reader: Reader): Body | undefined => {
  switch (kind) {
    case KINDS.Data: {
      const hops = reader.byte()
      const origin = reader.name()
      const epoch = reader.uint32()
      const sequence = reader.sequence()
      return { _tag: "Data", hops, message: { origin, epoch, sequence, payload: reader.rest() } }
    }
    case KINDS.Have:
      return { _tag: "Have", spans: reader.spans() }
    case KINDS.Graft: {
      const isLasting = reader.flag()
      return { _tag: "Graft", isLasting, spans: reader.spans() }
    }
    case KINDS.Prune:
      return { _tag: "Prune" }
    case KINDS.Digest: {
      const wantsAnswer = reader.flag()
      return { _tag: "Digest", wantsAnswer, spans: reader.spans() }
    }
    case KINDS.Batch: {
      const isAsked = reader.flag()
      const messages: Array<Kept> = []
      for (let left = reader.varint(MAX_BATCH); left > 0; left--) {
        const origin = reader.name()
        const epoch = reader.uint32()
        const sequence = reader.sequence()
        const age = reader.varint(2 ** 32)
        const payload = reader.bytesOf(2 ** 32)
        messages.push({ message: { origin, epoch, sequence, payload }, age })
      }
      return { _tag: "Batch", isAsked, messages }
    }
    case KINDS.Direct:
      return { _tag: "Direct", payload: reader.rest() }
    default:
      return undefined
  }
}

/** What became of bytes: a frame, none of ours, one of another topic, version or kind, a refused or a broken one. */
export type Decoded =
  | { readonly _tag: "Frame"; readonly frame: Frame }
  | { readonly _tag: "Foreign" }
  | { readonly _tag: "Other"; readonly topic: string }
  | { readonly _tag: "Unknown"; readonly what: "Version" | "Kind" }
  | { readonly _tag: "Refused" }
  | { readonly _tag: "Malformed" }

/** Whether a frame of this sender is to be read on; a question is a `Graft` or a `Digest`. */
export type Admit = (sender: string, isQuestion: boolean) => boolean

const all: Admit = () => true

const FOREIGN: Decoded = { _tag: "Foreign" }
const REFUSED: Decoded = { _tag: "Refused" }
const MALFORMED: Decoded = { _tag: "Malformed" }

/** Whether bytes begin as a frame does. */
export const isOurs = (bytes: Uint8Array): boolean => bytes[0] === MAGIC[0] && bytes[1] === MAGIC[1]

/** Reads a frame of a topic. Of one that is not admitted the body, which may be large, is not read. */
export const decode = (bytes: Uint8Array, wanted: string, admit: Admit = all): Decoded => {
  if (!isOurs(bytes)) return FOREIGN
  if (bytes.length < 4) return MALFORMED
  if (bytes[2] !== VERSION) return { _tag: "Unknown", what: "Version" }
  try {
    const reader = new Reader(bytes)
    reader.raw(3)
    const kind = reader.byte()
    const topic = reader.utf8(reader.byte())
    if (topic !== wanted) return { _tag: "Other", topic }
    const sender = reader.name()
    if (!admit(sender, kind === KINDS.Graft || kind === KINDS.Digest)) return REFUSED
    const body = bodyOf(kind, reader)
    if (body === undefined) return { _tag: "Unknown", what: "Kind" }
    reader.end()
    return { _tag: "Frame", frame: { topic, sender, body } }
  } catch (error) {
    if (error instanceof BytesMalformed) return MALFORMED
    throw error
  }
}
