/**
 * Why bytes were refused.
 *
 * A malformed packet is an everyday event that anyone can cause, so a refusal is a small value with a code to count by
 * and a detail to log, never an exception.
 *
 * @stability unstable
 * @since 0.1.0
 */

/**
 * The codes. They are stable names for metrics:
 *
 * - `Empty`: no message type byte where one must be
 * - `LabelTruncated`, `LabelEmpty`, `LabelMismatch`, `DoubleLabel`: the label header
 * - `Undecryptable`: too short, unknown encryption version, or no key fits
 * - `FirstCipher`: a packet of encryption version 0, which only members of protocol version 1 send, while no member
 *   speaks it
 * - `Plaintext`: not encrypted though this node demands it (streams; packets cannot be told apart)
 * - `Encrypted`: an encrypted stream, and this node has no key
 * - `ChecksumMismatch`: the CRC of a packet
 * - `UnsupportedType`: a message type that is unknown or not allowed here
 * - `Truncated`: fewer bytes than announced
 * - `TooLarge`, `TooDeep`, `TooMany`: beyond a limit of `Limits`
 * - `InvalidMessage`: a body that is not this message's msgpack
 * - `InvalidCompression`: unknown algorithm, corrupt data, or empty where it must not be
 *
 * @category models
 * @since 0.1.0
 */
export type RejectionReason =
  | "Empty"
  | "LabelTruncated"
  | "LabelEmpty"
  | "LabelMismatch"
  | "DoubleLabel"
  | "Undecryptable"
  | "FirstCipher"
  | "Plaintext"
  | "Encrypted"
  | "ChecksumMismatch"
  | "UnsupportedType"
  | "Truncated"
  | "TooLarge"
  | "TooDeep"
  | "TooMany"
  | "InvalidMessage"
  | "InvalidCompression"

/**
 * One refusal.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rejection {
  readonly reason: RejectionReason
  /** For people; never contains received text. */
  readonly detail: string
}

/**
 * @category constructors
 * @since 0.1.0
 */
export const make = (reason: RejectionReason, detail: string): Rejection => ({ reason, detail })
