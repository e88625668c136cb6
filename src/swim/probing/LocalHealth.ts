/**
 * Lifeguard's local health: a score that is 0 while we do well and rises when probes fail for reasons that may be ours.
 * A node in trouble probes more slowly and so accuses fewer others (Lifeguard §IV-A; memberlist: `awareness`).
 */

/** The score of a healthy node. */
export const HEALTHY = 0

/** The score after an event worth `delta`, kept within 0 ‥ `max − 1`. memberlist: `AwarenessMaxMultiplier` is `max`. */
export const apply = (score: number, delta: number, max: number): number =>
  Math.max(0, Math.min(score + delta, max - 1))

/** The probe interval at a score, in the unit of `interval`. */
export const scale = (interval: number, score: number): number => interval * (score + 1)
