/**
 * LZW as Go's `compress/lzw` writes it with LSB order and 8-bit literals (the GIF variant): codes of 9 to 12 bits
 * packed least significant bit first, clear code 256, end code 257, no early change of width.
 *
 * Compression is byte-exact with Go's writer; decompression accepts what Go's reader accepts.
 *
 * @stability unstable
 * @since 0.1.0
 */

import { grown } from "./Growth.ts"

const CLEAR = 256
const END = 257
const MAX_WIDTH = 12
const MAX_CODE = 4095
const NONE = -1

// --- compression ---

/**
 * The string table: open addressing over `previous code · 256 + next byte`, 20 bits, with the 12-bit code beside it.
 * A slot of 0 is free: no string maps to code 0.
 *
 * It is scratch memory, and so is `shared` below: cleared or written by each call before it is read, and calls do not
 * overlap. Memory of its own for each call makes a gossip packet cost twice as much (300 B compressed: 6.0 to 10.5 µs
 * to make, 6.4 to 12.6 µs to read; Node.js 24, x64).
 */
const table = new Uint32Array(16_384)

/**
 * Where short input is compressed and decompressed to, before it is known how short it comes out: scratch memory as
 * well (1,000 bytes of text: 4.8 µs to compress and 8.4 µs to read, 7.0 and 11.5 µs without).
 */
const scratch = new Uint8Array(4_096)

/** A table for `length` bytes of input: at most a quarter full, as small as that allows, because it must be cleared. */
const tableMask = (length: number): number => {
  let size = 64
  while (size < table.length && size < length * 4) size *= 2
  return size - 1
}

/**
 * The compressed form of `input`, or `undefined` if it would exceed `limit` bytes.
 *
 * @category encoding
 * @since 0.1.0
 */
export const compress = (input: Uint8Array, limit: number = Number.POSITIVE_INFINITY): Uint8Array | undefined => {
  // At worst every byte becomes a 12-bit code, plus a clear code per full table.
  const worst = Math.ceil((input.length + input.length / 3_000 + 4) * 1.5) + 4
  const room = Math.min(worst, limit + 4)
  const out = room <= scratch.length ? scratch : new Uint8Array(room)
  const size = compressInto(input, out, Math.min(limit, worst))
  return size < 0 ? undefined : out.slice(0, size)
}

const compressInto = (input: Uint8Array, out: Uint8Array, limit: number): number => {
  const mask = tableMask(input.length)
  table.fill(0, 0, mask + 1)
  let width = 9
  let high = END
  let overflow = 512
  let bits = CLEAR
  let count = width
  let at = 0
  let code = input.length === 0 ? NONE : input[0] as number
  for (let i = 1; i <= input.length; i++) {
    const next = i < input.length ? input[i] as number : NONE
    const key = (code << 8) | next
    let slot = 0
    if (next !== NONE) {
      slot = (key ^ (key >>> 7)) & mask
      let entry = table[slot] as number
      while (entry !== 0 && entry >>> 12 !== key) {
        slot = (slot + 1) & mask
        entry = table[slot] as number
      }
      if (entry !== 0) {
        code = entry & MAX_CODE
        continue
      }
    }
    bits |= code << count
    count += width
    while (count >= 8) {
      out[at++] = bits
      bits >>>= 8
      count -= 8
    }
    if (at > limit) return -1
    high++
    if (high === overflow) {
      width++
      overflow *= 2
    }
    if (high === MAX_CODE) {
      bits |= CLEAR << count
      count += MAX_WIDTH
      while (count >= 8) {
        out[at++] = bits
        bits >>>= 8
        count -= 8
      }
      width = 9
      high = END
      overflow = 512
      table.fill(0, 0, mask + 1)
    } else if (next !== NONE) {
      table[slot] = (key << 12) | high
    }
    code = next
  }
  bits |= END << count
  count += width
  while (count > 0) {
    out[at++] = bits
    bits >>>= 8
    count -= 8
  }
  return at > limit ? -1 : at
}

// --- decompression ---

/**
 * Why decompression stopped.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure {
  readonly failure: "UnexpectedEnd" | "InvalidCode" | "TooLarge"
  /** Bytes decompressed until then: the work that was done for nothing. */
  readonly produced: number
}

/**
 * Every string of the table stands somewhere in the output already, because it is an earlier string and the byte that
 * followed it. So the table holds positions, and expanding a code is a copy: no chains to walk, no recursion.
 */
interface Strings {
  readonly positions: Int32Array
  readonly lengths: Uint32Array
}

const makeStrings = (): Strings => ({
  positions: new Int32Array(MAX_CODE + 1),
  lengths: new Uint32Array(MAX_CODE + 1)
})

/**
 * For input that is decompressed without a pause; who pauses takes what it has so far along. Memory of its own for each
 * would cost more than the work on a short message (1,000 bytes of text: 12 µs with these, 27 µs without).
 */
const shared = makeStrings()

/**
 * Decompresses at most `limit` bytes, in portions. The output grows as it is produced and is never larger than twice
 * what the input has yielded.
 *
 * @category decoding
 * @since 0.1.0
 */
export class Decompressor {
  private readonly input: Uint8Array
  private readonly limit: number
  private strings = shared
  private out = scratch
  private size = 0
  private width = 9
  private high = END
  private overflow = 512
  private last = NONE
  private lastAt = 0
  private lastLength = 0
  private bits = 0
  private count = 0
  private at = 0

  constructor(input: Uint8Array, limit: number) {
    this.input = input
    this.limit = limit
    // what will hardly fit is not written twice
    if (input.length * 2 > scratch.length) this.out = new Uint8Array(Math.min(limit, input.length * 4))
  }

  /** Bytes of memory for the output so far. */
  get held(): number {
    return this.out.length
  }

  /**
   * Goes on for about `portion` bytes, read or written: the output, why there is none, or `undefined` to be continued.
   */
  next(portion: number): Uint8Array | Failure | undefined {
    const { input, limit } = this
    const { lengths, positions } = this.strings
    let { at, bits, count, high, last, lastAt, lastLength, out, overflow, size, width } = this
    const pauseAt = at + portion
    const pauseSize = size + portion
    for (;;) {
      if (at >= pauseAt || size >= pauseSize) break
      while (count < width) {
        if (at === input.length) return { failure: "UnexpectedEnd", produced: size }
        bits |= (input[at++] as number) << count
        count += 8
      }
      const code = bits & ((1 << width) - 1)
      bits >>>= width
      count -= width
      if (code === END) return exact(out, size)
      if (code === CLEAR) {
        width = 9
        high = END
        overflow = 512
        last = NONE
        continue
      }
      let from = 0
      let length = 1
      if (code > CLEAR) {
        if (code > high) return { failure: "InvalidCode", produced: size }
        if (code === high && last !== NONE) {
          from = lastAt
          length = lastLength + 1
        } else {
          from = positions[code] as number
          length = lengths[code] as number
        }
      }
      if (size + length > limit) return { failure: "TooLarge", produced: size }
      if (size + length > out.length) out = grown(out, size, size + length, limit)
      if (code < CLEAR) out[size] = code
      else copy(out, from, size, length)
      if (last !== NONE) {
        // The last string and the first byte of this one stand together where the last one was written.
        positions[high] = lastAt
        lengths[high] = lastLength + 1
      }
      last = code
      lastAt = size
      lastLength = length
      size += length
      high++
      if (high >= overflow) {
        if (width === MAX_WIDTH) {
          // The table is full; it stays as it is until a clear code.
          last = NONE
          high--
        } else {
          width++
          overflow *= 2
        }
      }
    }
    Object.assign(this, { at, bits, count, high, last, lastAt, lastLength, out, overflow, size, width })
    if (this.strings === shared) this.strings = { positions: positions.slice(), lengths: lengths.slice() }
    if (this.out === scratch) this.out = scratch.slice()
    return undefined
  }
}

/**
 * The decompressed bytes, at most `limit` of them.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decompress = (input: Uint8Array, limit: number): Uint8Array | Failure => {
  const decompressor = new Decompressor(input, limit)
  for (;;) {
    const out = decompressor.next(Number.POSITIVE_INFINITY)
    if (out !== undefined) return out
  }
}

/** Copies forward byte by byte where short or overlapping: a string may repeat its own first byte at its end. */
const copy = (out: Uint8Array, from: number, to: number, length: number): void => {
  if (length < 24 || from + length > to) { for (let i = 0; i < length; i++) out[to + i] = out[from + i] as number }
  else out.copyWithin(to, from, from + length)
}

/** Without the slack, unless there is hardly any. */
const exact = (out: Uint8Array, size: number): Uint8Array =>
  out !== scratch && size * 2 > out.length ? out.subarray(0, size) : out.slice(0, size)
