/**
 * Compound messages: several messages in one packet. memberlist: `compoundMsg`.
 *
 * `07`, count, the lengths (two bytes each), the messages.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { MAX_COMPOUND_PART_BYTES, MAX_COMPOUND_PARTS, MAX_PARTS } from "../../base/Limits.ts"
import { MessageType } from "../message/Message.ts"
import * as Rejection from "../message/Rejection.ts"

export { MAX_PARTS } from "../../base/Limits.ts"

/** Bytes of the head: type and count. */
export const HEADER_OVERHEAD = 2

/** Bytes each part costs on top of itself. */
export const PART_OVERHEAD = 2

/**
 * One compound message. The caller keeps to `MAX_PARTS`; beyond 255 parts, and for parts beyond 65,535 bytes, the
 * format has no room, and they are left out.
 *
 * @category encoding
 * @since 0.1.0
 */
export const make = (parts: ReadonlyArray<Uint8Array>): Uint8Array => {
  const fitting = parts.every(fits) && parts.length <= MAX_COMPOUND_PARTS
    ? parts
    : parts.filter(fits).slice(0, MAX_COMPOUND_PARTS)
  let size = HEADER_OVERHEAD
  for (const part of fitting) size += PART_OVERHEAD + part.length
  const out = new Uint8Array(size)
  out[0] = MessageType.Compound
  out[1] = fitting.length
  let at = HEADER_OVERHEAD
  for (const part of fitting) {
    out[at++] = part.length >>> 8
    out[at++] = part.length
  }
  for (const part of fitting) {
    out.set(part, at)
    at += part.length
  }
  return out
}

const fits = (part: Uint8Array): boolean => part.length <= MAX_COMPOUND_PART_BYTES

/**
 * The messages in as few packets as `MAX_PARTS` allows, in order; one message alone stays bare.
 *
 * @category encoding
 * @since 0.1.0
 */
export const split = (parts: ReadonlyArray<Uint8Array>): ReadonlyArray<Uint8Array> => {
  const out: Array<Uint8Array> = []
  let run: Array<Uint8Array> = []
  const flush = () => {
    const [first] = run
    if (first !== undefined) out.push(run.length === 1 ? first : make(run))
    run = []
  }
  for (const part of parts) {
    if (fits(part)) {
      run.push(part)
      if (run.length === MAX_PARTS) flush()
    } else {
      // Too long for a length of two bytes: it can only travel alone.
      flush()
      out.push(part)
    }
  }
  flush()
  return out
}

/**
 * Where the parts of a compound message end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Bounds {
  /** Where the first part starts; each other one starts where the one before it ends. */
  readonly first: number
  readonly ends: ReadonlyArray<number>
  readonly rejection: Rejection.Rejection | undefined
}

/**
 * Where the parts of the compound message in `bytes[start..end)` are, up to the first that is cut short. Parts may be
 * empty; bytes left over are ignored.
 *
 * @category decoding
 * @since 0.1.0
 */
export const bounds = (bytes: Uint8Array, start: number, end: number): Bounds => {
  if (end - start < HEADER_OVERHEAD) return { first: end, ends: [], rejection: missingCount }
  const count = bytes[start + 1] as number
  const lengths = start + HEADER_OVERHEAD
  const first = lengths + count * PART_OVERHEAD
  if (first > end) return { first: end, ends: [], rejection: missingLengths }
  const ends: Array<number> = []
  let at = first
  for (let i = 0; i < count; i++) {
    const head = lengths + i * PART_OVERHEAD
    at += (bytes[head] as number) * 256 + (bytes[head + 1] as number)
    if (at > end) return { first, ends, rejection: cutShort(count, count - i) }
    ends.push(at)
  }
  return { first, ends, rejection: undefined }
}

const cutShort = (count: number, missing: number): Rejection.Rejection =>
  Rejection.make("Truncated", `${missing} of ${count} compound parts are cut short`)

const missingCount = Rejection.make("Truncated", "the compound message has no count")
const missingLengths = Rejection.make("Truncated", "the compound message has no room for its lengths")
