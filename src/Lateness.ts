/**
 * How late this process is. A node that was blocked, stopped or starved finds its deadlines passed and the answers to
 * its probes unread; it should then doubt itself before it accuses others.
 *
 * Nothing is sampled: the node asks with the timers that it has anyway, a few times a second. `NodeTransport.layer`
 * brings an answer with it that also knows how busy the event loop was (`NodeLateness.layer`). What follows from it is
 * in `docs/recovery.md`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"

/**
 * What a process knows about its own delays. Synchronous, and cheap: it is asked inside the protocol's loops.
 *
 * @category models
 * @since 0.1.0
 */
export interface Lateness {
  /**
   * Returns how late the process is, in milliseconds: a timer that was due at `due` fires at `now`, both in monotonic
   * milliseconds.
   */
  readonly measure: (due: number, now: number) => number
  /**
   * Returns the share of the last second or more, 0 to 1, in which the event loop was busy, asked when a timer was
   * late; `undefined` where that is not known. It tells a program that blocks its own loop from a process that did not
   * run.
   */
  readonly busy: () => number | undefined
}

/**
 * The answer in force; by default that of the timers alone, by the clock of Effect.
 *
 * @category services
 * @since 0.1.0
 */
export const Lateness = Context.Reference<Lateness>("effect-memberlist/Lateness", {
  defaultValue: () => ({ measure: (due, now) => Math.max(0, now - due), busy: () => undefined })
})
