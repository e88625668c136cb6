/**
 * Text from bytes, fast for what names are: short, ASCII, and UTF-8 where they are not.
 *
 * memberlist never asks whether a name is UTF-8, so bytes that are not arrive as text, too, in a form that no UTF-8 decodes
 * to: bytes from 0x80 on stand as lone surrogates, U+DC80 to U+DCFF (Python's "surrogateescape"). Different bytes are
 * different text, none of it is `isWellFormed`, and `bytesOf` gives the same bytes again.
 *
 * A native call costs more than it takes to put a dozen characters together here (100 ns against 30 ns), and every
 * gossiped message carries one or two names.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { Buffer, isUtf8 } from "node:buffer"

/** Up to here text is put together in JavaScript: two groups of eight characters. */
const SHORT = 16
const GROUP = 8

/**
 * Short texts met lately, each in the slot its bytes hash to. A cluster says the same few names over and over: met again,
 * they cost no allocation, and comparing one with itself costs nothing.
 */
const SLOTS = 4096
const recent: Array<string> = Array.from({ length: SLOTS }, () => "")

const of = String.fromCharCode

/**
 * The text in `bytes[start..end)`; it is not well-formed if that is not UTF-8.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (bytes: Uint8Array, start: number, end: number): string => {
  if (end - start <= SHORT) {
    const text = short(bytes, start, end)
    if (text !== undefined) return text
  }
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const text = buffer.toString("utf8", start, end)
  // What is invalid was replaced; only then it is worth asking whether the replacement came that way.
  return text.includes("\ufffd") && !isUtf8(bytes.subarray(start, end)) ? escaped(bytes, start, end) : text
}

/** The high byte of the surrogates that stand for bytes from 0x80 on. */
const ESCAPE = 0xdc

/** Every byte as one UTF-16 unit: ASCII as itself, all others as surrogates. */
const escaped = (bytes: Uint8Array, start: number, end: number): string => {
  const units = Buffer.alloc((end - start) * 2)
  for (let i = start, at = 0; i < end; i++, at += 2) {
    const byte = bytes[i] as number
    units[at] = byte
    if (byte >= 0x80) units[at + 1] = ESCAPE
  }
  return units.toString("utf16le")
}

/**
 * The bytes of a text that is not well-formed: those it was decoded from.
 *
 * @category encoding
 * @since 0.1.0
 */
export const bytesOf = (text: string): Uint8Array => Buffer.from(text, "latin1")

/** At most sixteen characters; `undefined` if they are not all ASCII. */
const short = (bytes: Uint8Array, start: number, end: number): string | undefined => {
  let bits = 0
  let hash = 0
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number
    bits |= byte
    hash = Math.imul(hash, 31) + byte
  }
  if (bits >= 0x80) return undefined
  const slot = (hash ^ (hash >>> 12)) & (SLOTS - 1)
  const known = recent[slot] as string
  if (isText(known, bytes, start, end)) return known
  const size = end - start
  return recent[slot] = size <= GROUP
    ? group(bytes, start, size)
    : group(bytes, start, GROUP) + group(bytes, start + GROUP, size - GROUP)
}

const isText = (text: string, bytes: Uint8Array, start: number, end: number): boolean => {
  if (text.length !== end - start) return false
  for (let i = start; i < end; i++) if (text.charCodeAt(i - start) !== bytes[i]) return false
  return true
}

/** At most eight ASCII characters. The calls are written out because one with its arguments in place is what is fast. */
const group = (bytes: Uint8Array, at: number, size: number): string => {
  if (size === 0) return ""
  const a = bytes[at] as number
  if (size === 1) return of(a)
  const b = bytes[at + 1] as number
  if (size === 2) return of(a, b)
  const c = bytes[at + 2] as number
  if (size === 3) return of(a, b, c)
  const d = bytes[at + 3] as number
  if (size === 4) return of(a, b, c, d)
  const e = bytes[at + 4] as number
  if (size === 5) return of(a, b, c, d, e)
  const f = bytes[at + 5] as number
  if (size === 6) return of(a, b, c, d, e, f)
  const g = bytes[at + 6] as number
  return size === 7 ? of(a, b, c, d, e, f, g) : of(a, b, c, d, e, f, g, bytes[at + 7] as number)
}
