/**
 * A goodbye under way: what a leave waits for.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { NewsReport, Receipt } from "../sending/Receipts.ts"

export interface Departure {
  /** The goodbye was sent as often as gossip sends any news, and to all that joins had introduced us to. */
  readonly isOver: () => boolean
  readonly wait: Effect.Effect<void>
  readonly report: () => NewsReport
}

/** Two ways that a goodbye takes: gossip, to the members, and straight, to those that joins introduced us to. */
export interface Ways {
  readonly gossip: Receipt
  readonly straight: Receipt
  readonly introduced: number
}

export const make = ({ gossip, introduced, straight }: Ways): Departure => {
  const alone = gossip.report().members === 0
  return {
    isOver: () => straight.isSettled() && (alone || gossip.isSettled()),
    wait: alone ? straight.wait : Effect.andThen(straight.wait, gossip.wait),
    report: () => {
      const report = gossip.report()
      if (alone) return { ...report, outcome: introduced === 0 ? "Alone" : straight.report().outcome }
      return report.outcome === "Sent" && !straight.isSettled() ? { ...report, outcome: "Queued" } : report
    }
  }
}
