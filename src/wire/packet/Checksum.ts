/**
 * The checksum of a packet: `0c`, CRC-32 (IEEE), payload. memberlist: `hasCrcMsg`.
 *
 * It covers what follows it, after compression and before encryption, and is looked for on the outermost layer only.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { crc32 } from "node:zlib"
import { MessageType } from "../message/Message.ts"

/** Bytes the checksum adds. */
export const OVERHEAD = 5

/**
 * The payload with its checksum in front.
 *
 * @category encoding
 * @since 0.1.0
 */
export const add = (payload: Uint8Array): Uint8Array => {
  const out = new Uint8Array(OVERHEAD + payload.length)
  const sum = crc32(payload)
  out[0] = MessageType.HasCrc
  out[1] = sum >>> 24
  out[2] = sum >>> 16
  out[3] = sum >>> 8
  out[4] = sum
  out.set(payload, OVERHEAD)
  return out
}

/**
 * Whether a checksum precedes the payload. A shorter packet of this type is an unsupported message instead.
 *
 * @category guards
 * @since 0.1.0
 */
export const isPresent = (packet: Uint8Array): boolean => packet.length >= OVERHEAD && packet[0] === MessageType.HasCrc

/**
 * The payload behind a checksum, or `undefined` if it does not match.
 *
 * @category decoding
 * @since 0.1.0
 */
export const verify = (packet: Uint8Array): Uint8Array | undefined => {
  const payload = packet.subarray(OVERHEAD)
  const [, a = 0, b = 0, c = 0, d = 0] = packet
  const expected = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
  return crc32(payload) === expected ? payload : undefined
}
