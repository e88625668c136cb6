/**
 * Reads go-msgpack values from bytes, as tolerantly as the reference does, without exceptions and without allocating
 * from announced lengths.
 *
 * A failed read sets `failure` and returns a zero value; callers look at `failure` once per field. `Truncated` leaves
 * `wanted` behind, the least size of the input with which a retry can get any further.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { MAX_MESSAGE_ENTRIES, MAX_MSGPACK_DEPTH } from "../../base/Limits.ts"
import * as Text from "./MessagePackText.ts"

/**
 * Why a value could not be read.
 *
 * @category models
 * @since 0.1.0
 */
export type Failure = "Truncated" | "TooDeep" | "TooMany" | "Overflow" | "WrongType" | "BadKey"

/** Shared by every absent byte field: it cannot be written to, having no bytes. */
export const NO_BYTES: Uint8Array = new Uint8Array(0)

/**
 * @category models
 * @since 0.1.0
 */
export class Reader {
  bytes: Uint8Array = NO_BYTES
  pos = 0
  end = 0
  failure: Failure | undefined = undefined
  wanted = 0
  /** Values that may still be visited: fields, elements of arrays, and all that is passed over. */
  entries = MAX_MESSAGE_ENTRIES

  /** Starts over with `bytes[start..end)`. */
  reset(bytes: Uint8Array, start: number, end: number): this {
    this.bytes = bytes
    this.pos = start
    this.end = end
    this.failure = undefined
    return this
  }

  /** Lets go of the input, so that a reader that is kept does not keep it alive. */
  release(): void {
    this.bytes = NO_BYTES
  }

  fail(failure: Failure): void {
    this.failure ??= failure
  }

  /** Takes `count` values from those that may be visited; fails with `TooMany` when they are used up. */
  visit(count: number): boolean {
    this.entries -= count
    if (this.entries >= 0) return true
    this.fail("TooMany")
    return false
  }

  /** Whether `size` more bytes are there; otherwise fails with `Truncated`. */
  has(size: number): boolean {
    if (this.pos + size <= this.end) return true
    this.wanted = this.pos + size
    this.fail("Truncated")
    return false
  }

  /** The next byte, or -1. */
  byte(): number {
    if (this.pos >= this.end) {
      this.has(1)
      return -1
    }
    return this.bytes[this.pos++] as number
  }

  /** A big-endian unsigned integer of 1, 2 or 4 bytes. */
  uint(size: number): number {
    if (!this.has(size)) return 0
    let value = 0
    for (let i = 0; i < size; i++) value = value * 256 + (this.bytes[this.pos++] as number)
    return value
  }

  /** A Go unsigned integer of at most `max`: any integer form whose value fits. nil is 0. */
  unsigned(max: number): number {
    const value = this.integer()
    if (value >= 0 && value <= max) return value
    this.fail(value < 0 ? "WrongType" : "Overflow")
    return 0
  }

  /**
   * A Go `int`: any integer form. nil is 0. As in Go, an unsigned 64-bit value beyond 2^63 turns negative. (For
   * unsigned fields that is an error either way.)
   */
  integer(): number {
    const head = this.byte()
    if (head <= 0x7f) return head < 0 ? 0 : head
    if (head >= 0xe0) return head - 0x100
    switch (head) {
      case 0xc0:
        return 0
      case 0xcc:
        return this.uint(1)
      case 0xcd:
        return this.uint(2)
      case 0xce:
        return this.uint(4)
      case 0xd0:
        return this.uint(1) << 24 >> 24
      case 0xd1:
        return this.uint(2) << 16 >> 16
      case 0xd2:
        return this.uint(4) | 0
      case 0xcf:
      case 0xd3: {
        if (!this.has(8)) return 0
        const high = this.uint(4) | 0
        return high * 0x1_0000_0000 + this.uint(4)
      }
      default:
        this.fail("WrongType")
        return 0
    }
  }

  boolean(): boolean {
    const head = this.byte()
    if (head === 0xc3 || head === 1) return true
    if (head > 0 && head !== 0xc2 && head !== 0xc0) this.fail("WrongType")
    return false
  }

  /** Text in any of the string, binary or array-of-integers forms. nil is "". What is not UTF-8 is not well-formed. */
  string(): string {
    const head = this.byte()
    if (head < 0 || head === 0xc0) return ""
    if (isArrayHead(head)) {
      const bytes = this.byteArray(this.count(head))
      return this.failure === undefined ? Text.decode(bytes, 0, bytes.length) : ""
    }
    const size = this.rawLength(head)
    if (this.failure !== undefined || !this.has(size)) return ""
    const start = this.pos
    this.pos += size
    return Text.decode(this.bytes, start, this.pos)
  }

  /**
   * Bytes in any of the string, binary or array-of-integers forms; `null` for nil. As in the reference, a map counts as
   * an array of its keys and values.
   */
  nullableByteString(): Uint8Array | null {
    const head = this.byte()
    if (head === 0xc0) return null
    if (head < 0) return NO_BYTES
    if (isArrayHead(head)) return this.byteArray(this.count(head))
    if (isMapHead(head)) return this.byteArray(this.count(head) * 2)
    const size = this.rawLength(head)
    if (this.failure !== undefined || !this.has(size)) return NO_BYTES
    const start = this.pos
    this.pos += size
    return copy(this.bytes, start, this.pos)
  }

  /** Like `byteString`, but a view of the input where it can be: for what is used at once and not kept. */
  byteView(): Uint8Array {
    if (!this.has(1)) return NO_BYTES
    const head = this.bytes[this.pos] as number
    if (head === 0xc0 || isArrayHead(head) || isMapHead(head)) return this.byteString()
    this.pos++
    const size = this.rawLength(head)
    if (this.failure !== undefined || !this.has(size)) return NO_BYTES
    this.pos += size
    return this.bytes.subarray(this.pos - size, this.pos)
  }

  byteString(): Uint8Array {
    return this.nullableByteString() ?? NO_BYTES
  }

  /** The length that follows a string or binary head; fails with `WrongType` for any other. */
  rawLength(head: number): number {
    if ((head & 0xe0) === 0xa0) return head & 0x1f
    switch (head) {
      case 0xc4:
      case 0xd9:
        return this.uint(1)
      case 0xc5:
      case 0xda:
        return this.uint(2)
      case 0xc6:
      case 0xdb:
        return this.uint(4)
      default:
        this.fail("WrongType")
        return 0
    }
  }

  /** The count that follows an array head, or a map head (pairs). */
  count(head: number): number {
    if (head <= 0x9f) return head & 0x0f
    return this.uint(head === 0xdc || head === 0xde ? 2 : 4)
  }

  /** `count` integers 0‥255, each in any integer form. */
  byteArray(count: number): Uint8Array {
    // Every element takes a byte at least: an announced count that cannot be there allocates nothing.
    if (this.failure !== undefined || !this.has(count) || !this.visit(count)) return NO_BYTES
    const out = new Uint8Array(count)
    for (let i = 0; i < count; i++) {
      out[i] = this.unsigned(0xff)
      if (this.failure !== undefined) {
        this.wanted += count - i - 1
        return NO_BYTES
      }
    }
    return out
  }
}

/**
 * Bytes that are safe to keep. A view would keep all of the input alive: four address bytes in the member table would
 * hold on to the datagram, or the 40 MiB push/pull, that they came in.
 */
export const copy = (bytes: Uint8Array, start: number, end: number): Uint8Array => {
  const size = end - start
  if (size === 0) return NO_BYTES
  const out = new Uint8Array(size)
  // For an address or a version vector the loop is several times faster than a view and a native copy.
  if (size <= 32) { for (let i = 0; i < size; i++) out[i] = bytes[start + i] as number }
  else out.set(bytes.subarray(start, end))
  return out
}

/** Below this a copy costs less than it could save. */
const VIEW_FROM = 4_096

/**
 * A payload, safe to keep: a view if it is large and at least half of the memory it lies in, so that up to 20 MiB of
 * user state are not copied once more; else a copy.
 */
export const payload = (bytes: Uint8Array, start: number, end: number): Uint8Array => {
  const size = end - start
  // Memory that can be extended is not for others: much of the platform refuses it.
  const mayShare = !(bytes.buffer instanceof ArrayBuffer && bytes.buffer.resizable)
  return mayShare && size >= VIEW_FROM && size * 2 >= bytes.buffer.byteLength
    ? new Uint8Array(bytes.buffer, bytes.byteOffset + start, size)
    : copy(bytes, start, end)
}

/** fixarray, array16, array32. */
export const isArrayHead = (head: number): boolean => (head & 0xf0) === 0x90 || head === 0xdc || head === 0xdd

/** fixmap, map16, map32. */
export const isMapHead = (head: number): boolean => (head & 0xf0) === 0x80 || head === 0xde || head === 0xdf

/**
 * Passes over a value of any type: iterative, resumable after every value inside it, and bounded in depth and in the
 * number of values.
 *
 * @category models
 * @since 0.1.0
 */
export class Skipper {
  /** Values still to pass over, per open container; the first entry is the value itself. */
  private readonly open: Array<number> = [1]

  /** `true` when the value is passed; otherwise `reader.failure` says why not. After `Truncated`, call again. */
  advance(reader: Reader): boolean {
    const open = this.open
    while (open.length > 0) {
      const top = open.length - 1
      const left = open[top] as number
      if (left === 0) {
        open.pop()
        continue
      }
      const mark = reader.pos
      const inside = skipOne(reader)
      if (reader.failure !== undefined) {
        if (reader.failure === "Truncated") reader.pos = mark
        return false
      }
      if (!reader.visit(1)) return false
      open[top] = left - 1
      if (inside < 0) continue
      // The struct around us is one level, and go-msgpack refuses the level that reaches the limit.
      if (open.length + 1 >= MAX_MSGPACK_DEPTH) {
        reader.fail("TooDeep")
        return false
      }
      open.push(inside)
    }
    return true
  }
}

/** Passes over one scalar (-1), or the head of a container: the number of values inside. */
const skipOne = (reader: Reader): number => {
  const head = reader.byte()
  if (head <= 0x7f || head >= 0xe0) return -1
  if (isMapHead(head)) return reader.count(head) * 2
  if (isArrayHead(head)) return reader.count(head)
  const size = bodySize(reader, head)
  if (reader.failure === undefined && reader.has(size)) reader.pos += size
  return -1
}

const bodySize = (reader: Reader, head: number): number => {
  switch (head) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return 0
    case 0xcc:
    case 0xd0:
      return 1
    case 0xcd:
    case 0xd1:
      return 2
    case 0xca:
    case 0xce:
    case 0xd2:
      return 4
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return 8
    // Extension types carry one more byte, their tag.
    case 0xc7:
      return reader.uint(1) + 1
    case 0xc8:
      return reader.uint(2) + 1
    case 0xc9:
      return reader.uint(4) + 1
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
      return (1 << (head - 0xd4)) + 1
    default:
      return reader.rawLength(head)
  }
}
