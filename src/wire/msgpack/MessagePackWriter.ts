/**
 * Writes go-msgpack's old dialect byte for byte: strings and bytes in the raw family only (never str8, never bin),
 * unsigned integers in the smallest unsigned form, Go `int` in the smallest signed form.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { Buffer } from "node:buffer"
import * as Text from "./MessagePackText.ts"

/** Nearly every message fits; a longer one makes its writer grow. */
const INITIAL_BYTES = 256
/**
 * Messages of more than 64 bytes would each have memory outside V8's heap: one of 67 bytes takes 504 bytes, and 180 in
 * a slab (measured with 400,000 of them, Node.js 24, x64). A push/pull that brings 10,000 members queues as many. So
 * small ones share slabs, which belong to the writer. A message that is kept keeps its slab: 8 KiB at most, with a
 * hundred others, where Node.js's own pool would keep 64 KiB. The first slab has room for one message, so that a writer
 * for one message is cheap.
 */
const SLAB_BYTES = 8_192
const SLAB_FROM = 64
const SLAB_UPTO = 512
/** A writer that once held a large message does not keep its memory. */
const KEEP_BYTES = 262_144

/** The most bytes of a key, and of the words it is written in. */
const MAX_KEY_BYTES = 32

/**
 * A key of a struct, as it is written: a head and a name of at most 31 bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Key {
  readonly size: number
  /** Its bytes, four in a number, with zeros at the end. */
  readonly words: ReadonlyArray<number>
}

/**
 * A key from its bytes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const keyOf = (bytes: Uint8Array): Key => {
  const padded = new DataView(new ArrayBuffer(MAX_KEY_BYTES))
  for (const [i, byte] of bytes.entries()) padded.setUint8(i, byte)
  const words = Array.from({ length: Math.ceil(bytes.length / 4) }, (_, i) => padded.getUint32(4 * i))
  return { size: bytes.length, words }
}

/**
 * A growing buffer. One writer serves any number of messages, one after the other. Nodes do not share one, so that
 * nothing that goes wrong in one node can reach another's messages.
 *
 * @category models
 * @since 0.1.0
 */
export class Writer {
  private bytes: Uint8Array
  private view: DataView
  private text: Buffer | undefined = undefined
  private pos = 0

  private slab: Uint8Array | undefined = undefined
  private slabSize = 0
  private slabPos = 0

  /** A writer with room for `size` bytes before it has to grow. */
  constructor(size: number = INITIAL_BYTES) {
    this.bytes = new Uint8Array(size)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Begins a message with its type byte. What a writing that failed has left of an earlier message is gone. */
  start(type: number): void {
    this.pos = 0
    this.byte(type)
  }

  /** What was written since the start, in memory that is not written to again. */
  finish(): Uint8Array {
    const size = this.pos
    this.pos = 0
    if (size > SLAB_FROM && size <= SLAB_UPTO) return this.fromSlab(size)
    const out = this.bytes.slice(0, size)
    if (this.bytes.length > KEEP_BYTES) this.replace(INITIAL_BYTES)
    return out
  }

  /** What was written, in the memory it was written to: the writer's last word. */
  end(): Uint8Array {
    const out = this.bytes.subarray(0, this.pos)
    this.pos = 0
    this.replace(0)
    return out
  }

  private fromSlab(size: number): Uint8Array {
    if (this.slab === undefined || this.slabPos + size > this.slab.length) {
      this.slab = new Uint8Array(Math.max(size, this.slabSize))
      this.slabSize = Math.min(Math.max(SLAB_UPTO, this.slabSize * 2), SLAB_BYTES)
      this.slabPos = 0
    }
    const out = new Uint8Array(this.slab.buffer, this.slabPos, size)
    for (let i = 0; i < size; i++) out[i] = this.bytes[i] as number
    this.slabPos += size
    return out
  }

  private replace(size: number): void {
    this.bytes = new Uint8Array(size)
    this.view = new DataView(this.bytes.buffer)
    this.text = undefined
  }

  private reserve(size: number): void {
    if (this.pos + size <= this.bytes.length) return
    const old = this.bytes
    this.replace(Math.max(this.pos + size, old.length * 2))
    this.bytes.set(old.subarray(0, this.pos))
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.pos++] = value
  }

  /** The key of a field, four bytes at a time: what that writes too much is written over, or left out in the end. */
  key({ size, words }: Key): void {
    this.reserve(MAX_KEY_BYTES)
    const { view } = this
    let at = this.pos
    for (let i = 0; i < words.length; i++, at += 4) view.setUint32(at, words[i] as number)
    this.pos += size
  }

  /** Bytes as they are, without a head. */
  raw(value: Uint8Array): void {
    const size = value.length
    this.reserve(size)
    if (size <= 32) {
      const bytes = this.bytes
      let pos = this.pos
      for (let i = 0; i < size; i++) bytes[pos++] = value[i] as number
      this.pos = pos
    } else {
      this.bytes.set(value, this.pos)
      this.pos += size
    }
  }

  private uint16(head: number, value: number): void {
    this.reserve(3)
    this.bytes[this.pos++] = head
    this.bytes[this.pos++] = value >>> 8
    this.bytes[this.pos++] = value
  }

  private uint32(head: number, value: number): void {
    this.reserve(5)
    this.bytes[this.pos++] = head
    this.word(value)
  }

  private word(value: number): void {
    this.bytes[this.pos++] = value >>> 24
    this.bytes[this.pos++] = value >>> 16
    this.bytes[this.pos++] = value >>> 8
    this.bytes[this.pos++] = value
  }

  unsigned(value: number): void {
    if (value <= 0x7f) this.byte(value)
    else if (value <= 0xff) {
      this.byte(0xcc)
      this.byte(value)
    } else if (value <= 0xffff) this.uint16(0xcd, value)
    else this.uint32(0xce, value)
  }

  integer(value: number): void {
    if (value <= 0x7f && value >= -0x20) this.byte(value & 0xff)
    else if (value < 0 && value >= -0x80) {
      this.byte(0xd0)
      this.byte(value & 0xff)
    } else if (value <= 0x7fff && value >= -0x8000) this.uint16(0xd1, value)
    else if (value <= 0x7fff_ffff && value >= -0x8000_0000) this.uint32(0xd2, value)
    else {
      this.reserve(9)
      this.bytes[this.pos++] = 0xd3
      this.word(Math.floor(value / 0x1_0000_0000))
      this.word(value % 0x1_0000_0000)
    }
  }

  private rawHead(size: number): void {
    if (size <= 31) this.byte(0xa0 | size)
    else if (size <= 0xffff) this.uint16(0xda, size)
    else this.uint32(0xdb, size)
  }

  byteString(value: Uint8Array | null): void {
    if (value === null) return this.byte(0xc0)
    this.rawHead(value.length)
    this.raw(value)
  }

  string(value: string): void {
    const size = value.length
    if (size > 31 || !this.shortAscii(value, size)) this.longString(value)
  }

  /** Writes text of at most 31 ASCII characters; `false`, with nothing written, for any other. */
  private shortAscii(value: string, size: number): boolean {
    this.reserve(size + 1)
    const bytes = this.bytes
    let pos = this.pos
    bytes[pos++] = 0xa0 | size
    for (let i = 0; i < size; i++) {
      const unit = value.charCodeAt(i)
      if (unit >= 0x80) return false
      bytes[pos++] = unit
    }
    this.pos = pos
    return true
  }

  private longString(value: string): void {
    const size = Buffer.byteLength(value, "utf8")
    // as many bytes as units are ASCII
    if (size !== value.length && !value.isWellFormed()) return this.byteString(Text.bytesOf(value))
    this.rawHead(size)
    this.reserve(size)
    this.text ??= Buffer.from(this.bytes.buffer)
    this.text.write(value, this.pos, size, "utf8")
    this.pos += size
  }
}
