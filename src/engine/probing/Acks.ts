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

export interface Acks {
  /** The next sequence number (u32, wraps). */
  readonly next: () => number
  readonly register: (seqNo: number, handler: AckHandler) => void
  /** Ends the wait; harmless when it is over. */
  readonly forget: (seqNo: number) => void
  /** Delivers an ack and ends the wait; `false` when nobody waits for it (late, duplicated or forged). */
  readonly ack: (seqNo: number, payload: Uint8Array | null, receivedAt: number) => boolean
  /** Delivers a nack; the wait goes on. */
  readonly nack: (seqNo: number) => boolean
  readonly waiting: () => number
}

/** `start` is a random u32: an off-path attacker must guess it to forge an ack. */
export const make = (start: number): Acks => {
  const handlers = new Map<number, AckHandler>()
  let seqNo = start >>> 0
  return {
    next: () => {
      seqNo = (seqNo + 1) >>> 0
      return seqNo
    },
    register: (seqNo, handler) => void handlers.set(seqNo, handler),
    forget: (seqNo) => void handlers.delete(seqNo),
    ack: (seqNo, payload, receivedAt) => {
      const handler = handlers.get(seqNo)
      if (handler === undefined) return false
      handlers.delete(seqNo)
      handler.onAck(payload, receivedAt)
      return true
    },
    nack: (seqNo) => {
      const handler = handlers.get(seqNo)
      if (handler?.onNack === undefined) return false
      handler.onNack()
      return true
    },
    waiting: () => handlers.size
  }
}
