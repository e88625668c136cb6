/**
 * The alive messages met lately, by their bytes. Everyone hears each piece of news a dozen times, byte for byte: met
 * again it costs a comparison instead of a decoding and its allocations, and who passes it on needs no bytes of its own.
 *
 * What is remembered is shared by everybody in the process, so neither a message nor its bytes may be changed.
 */
import type { Alive } from "./Message.ts"

/** Each message has one slot, by its hash, and loses it to the next that hashes there. */
const SLOTS = 4096
/** Longer messages are not remembered. */
const MAX_BYTES = 256

/** One piece of memory for the bytes of all slots: a megabyte in all. */
const memory = new Uint8Array(SLOTS * MAX_BYTES)
const sizes = new Uint16Array(SLOTS)
const messages: Array<Alive | undefined> = Array.from({ length: SLOTS }, () => undefined)
/** The bytes of those that were passed on. */
const passedOn: Array<Uint8Array | undefined> = Array.from({ length: SLOTS }, () => undefined)

/** Where `bytes[start..end)` would be remembered; -1 when they are too long. */
export const slotOf = (bytes: Uint8Array, start: number, end: number): number => {
  if (end - start > MAX_BYTES) return -1
  // FNV-1a over four bytes at a time
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

/** The message whose bytes are `bytes[start..end)`, if their slot remembers them. */
export const find = (slot: number, bytes: Uint8Array, start: number, end: number): Alive | undefined =>
  remembers(slot, bytes, start, end) ? messages[slot] : undefined

/** Remembers what `bytes[start..end)` say. */
export const remember = (slot: number, bytes: Uint8Array, start: number, end: number, message: Alive): void => {
  if (slot < 0) return
  const base = slot * MAX_BYTES - start
  for (let i = start; i < end; i++) memory[base + i] = bytes[i] as number
  sizes[slot] = end - start
  messages[slot] = message
  passedOn[slot] = undefined
}

/** The bytes of a remembered message, for everybody who passes it on: those that were written, if it is one. */
export const bytesOf = (written: Uint8Array, size: number): Uint8Array | undefined => {
  const slot = slotOf(written, 0, size)
  if (!remembers(slot, written, 0, size)) return undefined
  return passedOn[slot] ??= written.slice(0, size)
}

const remembers = (slot: number, bytes: Uint8Array, start: number, end: number): boolean => {
  if (slot < 0 || sizes[slot] !== end - start) return false
  const base = slot * MAX_BYTES - start
  for (let i = start; i < end; i++) if (memory[base + i] !== bytes[i]) return false
  return true
}
