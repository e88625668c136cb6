/**
 * Hashes of 52 bits, and sums of them that do not depend on an order. All members of a map must come to the same ones,
 * so they are never changed.
 *
 * @stability unstable
 * @since 0.1.0
 */

const LOW = 2 ** 32
const HIGH_BITS = 0xf_ffff

/** The largest hash. */
export const MAX_HASH = 2 ** 52 - 1

/** Returns a hash of bytes, 0 to 2⁵² − 1: two multiplicative hashes of 32 bits, mixed with one another. */
export const hash = (bytes: Uint8Array): number => {
  let a = 0xdead_beef ^ bytes.length
  let b = 0x41c6_ce57
  for (const byte of bytes) {
    a = Math.imul(a ^ byte, 0x9e37_79b1)
    b = Math.imul(b ^ byte, 0x5f35_6495)
    a ^= b >>> 15
  }
  a = Math.imul(a ^ (a >>> 16), 0x85eb_ca6b) ^ Math.imul(b ^ (b >>> 13), 0xc2b2_ae35)
  b = Math.imul(b ^ (b >>> 16), 0x85eb_ca6b) ^ Math.imul(a ^ (a >>> 13), 0xc2b2_ae35)
  return (b & HIGH_BITS) * LOW + (a >>> 0)
}

/** Adds a hash to a sum of hashes, or takes it out again: the exclusive or of both. */
export const toggle = (sum: number, hash: number): number =>
  ((Math.floor(sum / LOW) ^ Math.floor(hash / LOW)) & HIGH_BITS) * LOW + ((sum ^ hash) >>> 0)
