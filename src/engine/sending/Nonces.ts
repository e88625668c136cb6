/**
 * Nonces for encryption: never used before with any key of ours.
 *
 * @since 0.1.0
 */
import * as SecureRandom from "effect/crypto/SecureRandom"

const NONCE_SIZE = 12

/** How many are drawn at once: one call for 64 is cheaper than 64 calls. */
const DRAWN = 64

/** Makes a source of nonces, which draws them from a pool. */
export const make = (): () => Uint8Array => {
  let pool: Uint8Array = new Uint8Array(0)
  let offset = 0
  return () => {
    if (offset >= pool.length) {
      pool = SecureRandom.randomBytesUnsafe(NONCE_SIZE * DRAWN)
      offset = 0
    }
    offset += NONCE_SIZE
    return pool.subarray(offset - NONCE_SIZE, offset)
  }
}
