/**
 * Label headers: `f4`, length, label. They keep clusters that share a network apart. memberlist: `label.go`.
 *
 * Every packet carries one when the label is not empty; on a stream only the initiator writes one, first of all.
 *
 * @stability unstable
 * @since 0.1.0
 */
import { MAX_LABEL } from "../base/Limits.ts"
import { MessageType } from "./message/Message.ts"
import * as Rejection from "./message/Rejection.ts"

/**
 * Bytes a label adds to every packet.
 *
 * @category getters
 * @since 0.1.0
 */
export const overhead = (labelLength: number): number => labelLength === 0 ? 0 : 2 + labelLength

/**
 * The header of a label of at most 255 bytes; nothing for the empty label.
 *
 * @category encoding
 * @since 0.1.0
 */
export const header = (label: Uint8Array): Uint8Array => add(label, new Uint8Array(0))

/**
 * The packet with its label in front.
 *
 * @category encoding
 * @since 0.1.0
 */
export const add = (label: Uint8Array, packet: Uint8Array): Uint8Array => {
  const size = Math.min(label.length, MAX_LABEL)
  if (size === 0) return packet
  const out = new Uint8Array(2 + size + packet.length)
  out[0] = MessageType.HasLabel
  out[1] = size
  out.set(size === label.length ? label : label.subarray(0, size), 2)
  out.set(packet, 2 + size)
  return out
}

/**
 * What label handling expects of incoming bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Expected {
  readonly label: Uint8Array
  /** Set when something in front of us strips labels: then none may be left. memberlist: `SkipInboundLabelCheck`. */
  readonly skipLabelCheck: boolean
}

/**
 * The size of the acceptable label header at the start of `bytes[..end)`, or why it is not acceptable.
 * `LabelTruncated` is the only answer that more bytes can change, and `Empty` is never one.
 *
 * @category decoding
 * @since 0.1.0
 */
export const check = (bytes: Uint8Array, end: number, expected: Expected): number | Rejection.Rejection => {
  if (end === 0 || bytes[0] !== MessageType.HasLabel) {
    return expected.skipLabelCheck || expected.label.length === 0 ? 0 : mismatch
  }
  if (end < 2) return truncated
  const size = bytes[1] as number
  if (size === 0) return empty
  if (end < 2 + size) return truncated
  if (expected.skipLabelCheck) return doubled
  return equals(bytes, size, expected.label) ? 2 + size : mismatch
}

const equals = (bytes: Uint8Array, size: number, label: Uint8Array): boolean => {
  if (label.length !== size) return false
  for (let i = 0; i < size; i++) if (bytes[2 + i] !== label[i]) return false
  return true
}

const mismatch = Rejection.make("LabelMismatch", "the label is not this cluster's")
const truncated = Rejection.make("LabelTruncated", "the label header is cut short")
const empty = Rejection.make("LabelEmpty", "a label header must not hold an empty label")
const doubled = Rejection.make("DoubleLabel", "a label where labels are stripped before us")
