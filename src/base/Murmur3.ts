/**
 * MurmurHash3 for 32 bits (Austin Appleby, public domain): short texts that differ little get numbers that differ much,
 * the same in every process. It is no secret, and keeps nobody from choosing texts with equal numbers.
 *
 * @since 0.1.0
 */

const encoder = new TextEncoder()

const rotate = (x: number, by: number): number => (x << by) | (x >>> (32 - by))

const scramble = (k: number): number => Math.imul(rotate(Math.imul(k, 0xcc9e2d51), 15), 0x1b873593)

/** Returns a number, 0 to 2³² − 1, with all bits mixed; different ones for different numbers. Murmur3's last step. */
export const mix = (number: number): number => {
  let h = Math.imul(number ^ (number >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** Returns the number, 0 to 2³² − 1, of these bytes. */
export const ofBytes = (bytes: Uint8Array, seed: number): number => {
  const { length } = bytes
  const whole = length & ~3
  let h = seed | 0
  for (let i = 0; i < whole; i += 4) {
    const k = (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16) | ((bytes[i + 3] ?? 0) << 24)
    h = (Math.imul(rotate(h ^ scramble(k), 13), 5) + 0xe6546b64) | 0
  }
  // what is beyond the end is 0, and changes nothing
  const rest = (bytes[whole] ?? 0) | ((bytes[whole + 1] ?? 0) << 8) | ((bytes[whole + 2] ?? 0) << 16)
  return mix(h ^ scramble(rest) ^ length)
}

/** Returns the number of the text's UTF-8 bytes. */
export const ofText = (text: string, seed: number): number => ofBytes(encoder.encode(text), seed)
