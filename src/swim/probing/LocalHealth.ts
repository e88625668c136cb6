/**
 * Lifeguard's local health: a score that is 0 while we do well and rises when probes fail for reasons that may be ours.
 * A node in trouble probes more slowly and so accuses fewer others (Lifeguard §IV-A; memberlist: `awareness`).
 */
import type { Profile } from "../membership/Membership.ts"
import type { Outcome } from "./Outcome.ts"

/** The score of a healthy node. */
export const HEALTHY = 0

/** What it costs that we had to refute: others could not reach us in time. */
export const REFUTED = 1

/**
 * Which part of the time that a member has for its ack we may be late ourselves before that means something: timers are
 * always late by a few milliseconds, and by some more where other work is done.
 */
const TOLERANCE = 1 / 5

/** Whether so much lateness of ours, in the unit of `probeTimeout`, may have kept answers from being read in time. */
export const isLate = (late: number, probeTimeout: number): boolean => late > probeTimeout * TOLERANCE

/**
 * What it costs at a score that a probe began late, or was judged late, in the unit of the interval: what is missing to
 * a point, and one more for each interval that was missed. 0 where the lateness means nothing, or the score says as
 * much: who is late each time by so much earns back what else probes cost.
 */
export const lateCost = (
  score: number,
  late: number,
  { probeInterval, probeTimeout }: { readonly probeInterval: number; readonly probeTimeout: number }
): number => isLate(late, probeTimeout) ? Math.max(0, 1 + Math.floor(late / probeInterval) - score) : 0

/** The score after an event worth `delta`, kept within 0 ‥ `max − 1`. memberlist: `AwarenessMaxMultiplier` is `max`. */
export const apply = (score: number, delta: number, max: number): number =>
  Math.max(0, Math.min(score + delta, max - 1))

/** The probe interval at a score, in the unit of `interval`. */
export const scale = (interval: number, score: number): number => interval * (score + 1)

/** How long to wait for a direct answer at a score, in the unit of `timeout`; only the paper stretches it. */
export const answerTime = (timeout: number, score: number, profile: Profile): number =>
  profile === "paper" ? scale(timeout, score) : timeout

/** What a probe changes in the score: below 0 it earned something, above 0 it cost something. */
export const change = (outcome: Outcome, profile: Profile): number => {
  switch (outcome._tag) {
    case "NotSent":
      return 0
    case "Answered":
      return -1
    case "Relayed":
    case "TcpOnly":
      // that the network refused our ping is not our fault, and that others got through is not our merit
      return outcome.pinged ? -1 : 0
    case "NoAnswer":
      return failureCost(outcome.nacksExpected, outcome.nacks, profile)
  }
}

/**
 * What a probe that nobody answered costs. memberlist counts the nacks that are missing, and a failure only where no
 * helper could send one; Lifeguard §IV-A counts the failure, and a missing nack on top.
 */
const failureCost = (nacksExpected: number, nacks: number, profile: Profile): number => {
  const missing = Math.max(0, nacksExpected - nacks)
  if (profile === "paper") return missing > 0 ? 2 : 1
  return nacksExpected > 0 ? missing : 1
}
