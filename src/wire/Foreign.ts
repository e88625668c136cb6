/**
 * What else may answer at a port that was taken for a member's.
 *
 * @since 0.1.0
 */
const CONTENT_TYPES = { first: 0x14, last: 0x17 }
const TLS_MAJOR = 3
const HTTP = "HTTP/"

const isBetween = (byte: number, first: number, last: number) => byte >= first && byte <= last

/**
 * Names the protocol that the first bytes of an answer are of: `undefined` when they may be ours, whose message types
 * are neither letters nor the record types of TLS, or are of nothing known.
 *
 * @category decoding
 * @since 0.1.0
 */
export const protocolOf = (bytes: Uint8Array): "HTTP" | "TLS" | "text" | undefined => {
  const [type = 0, version] = bytes
  if (isBetween(type, CONTENT_TYPES.first, CONTENT_TYPES.last)) return version === TLS_MAJOR ? "TLS" : undefined
  if (!isBetween(type, 0x20, 0x7e)) return undefined
  return String.fromCharCode(...bytes.subarray(0, HTTP.length)) === HTTP ? "HTTP" : "text"
}
