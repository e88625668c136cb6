/**
 * Who waits for which sequence number. The number is the only thing an ack is matched by, so it starts at a random point.
 *
 * @since 0.1.0
 */

/** What a waiting probe, ping or relay wants to hear. */
export interface AckHandler {
  readonly onAck: (payload: Uint8Array | null, receivedAt: number) => void
  readonly onNack: (() => void) | undefined
}

/** What became of an ack or a nack. */
export type Delivery =
  | "Delivered"
  /** Its number is one of those given out lately, and the wait for it is over. */
  | "Late"
  /** Nobody has waited for its number lately: it is very late, or forged. */
  | "Unexpected"

/** How many of the last numbers are told from those that were never given out: a minute's worth, and more. */
const LATELY = 4096

export interface Acks {
  /** The next sequence number (u32, wraps). */
  readonly next: () => number
  readonly register: (seqNo: number, handler: AckHandler) => void
  /** Ends the wait; harmless when it is over. */
  readonly forget: (seqNo: number) => void
  /** Delivers an ack and ends the wait. */
  readonly ack: (seqNo: number, payload: Uint8Array | null, receivedAt: number) => Delivery
  /** Delivers a nack; the wait goes on. */
  readonly nack: (seqNo: number) => Delivery
  readonly waiting: () => number
}

/** `start` is a random u32: an off-path attacker must guess it to forge an ack. */
export const make = (start: number): Acks => {
  const handlers = new Map<number, AckHandler>()
  let last = start >>> 0
  let given = 0
  // the last numbers given out are one after the other, so nothing has to be remembered
  const missed = (seqNo: number): Delivery => (last - seqNo) >>> 0 < given ? "Late" : "Unexpected"
  return {
    next: () => {
      last = (last + 1) >>> 0
      if (given < LATELY) given++
      return last
    },
    register: (seqNo, handler) => void handlers.set(seqNo, handler),
    forget: (seqNo) => void handlers.delete(seqNo),
    ack: (seqNo, payload, receivedAt) => {
      const handler = handlers.get(seqNo)
      if (handler === undefined) return missed(seqNo)
      handlers.delete(seqNo)
      handler.onAck(payload, receivedAt)
      return "Delivered"
    },
    nack: (seqNo) => {
      const handler = handlers.get(seqNo)
      if (handler === undefined) return missed(seqNo)
      if (handler.onNack === undefined) return "Unexpected"
      handler.onNack()
      return "Delivered"
    },
    waiting: () => handlers.size
  }
}
