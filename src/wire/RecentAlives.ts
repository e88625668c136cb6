/**
 * The alive messages met lately, by their bytes. Everyone hears each piece of news a dozen times, byte for byte: met
 * again it costs a comparison instead of a decoding and its allocations, and who passes it on needs no bytes of its own.
 *
 * What is remembered is shared by everybody in the process, so neither the bytes nor the message may be changed.
 */
import type { Alive } from "./Message.ts"

export interface RecentAlive {
  /** Type byte and body. */
  readonly bytes: Uint8Array
  readonly message: Alive
}

/** Each message has one slot, by its hash, and loses it to the next that hashes there. */
const SLOTS = 4096
/** Longer messages are not remembered, which keeps all of them below two megabytes. */
const MAX_BYTES = 256

const slots: Array<RecentAlive | undefined> = Array.from({ length: SLOTS }, () => undefined)

/** The message whose bytes are `bytes[start..end)`, if it was met lately. */
export const find = (bytes: Uint8Array, start: number, end: number): RecentAlive | undefined => {
  if (end - start > MAX_BYTES) return undefined
  const found = slots[slotOf(bytes, start, end)]
  return found !== undefined && isSame(found.bytes, bytes, start, end) ? found : undefined
}

/** Remembers what `bytes[start..end)` say. */
export const remember = (bytes: Uint8Array, start: number, end: number, message: Alive): void => {
  if (end - start > MAX_BYTES) return
  slots[slotOf(bytes, start, end)] = { bytes: new Uint8Array(bytes.subarray(start, end)), message }
}

/** FNV-1a over four bytes at a time, folded. */
const slotOf = (bytes: Uint8Array, start: number, end: number): number => {
  let hash = 0x811c9dc5
  let at = start
  for (; at + 4 <= end; at += 4) {
    const four = (bytes[at] as number) | (bytes[at + 1] as number) << 8 | (bytes[at + 2] as number) << 16 |
      (bytes[at + 3] as number) << 24
    hash = Math.imul(hash ^ four, 0x01000193)
    // a product's low bits know nothing of the high bits that went in
    hash ^= hash >>> 15
  }
  for (; at < end; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193)
  return (hash ^ (hash >>> 16)) & (SLOTS - 1)
}

const isSame = (known: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean => {
  if (known.length !== end - start) return false
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[start + i]) return false
  return true
}
