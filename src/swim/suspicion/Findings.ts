/**
 * What a rule knows about why a member's state changed: the pure part of a `Verdict`. Made with the change, and never
 * before, so that a member in good standing costs nothing.
 *
 * Bounded by what the suspicion holds: `k + 1` accusers, and one probe of our own with at most `indirectChecks`
 * helpers.
 */
import type { SuspicionReport, Verdict, VerdictReason } from "../../Verdict.ts"
import type { Entry } from "../membership/Entry.ts"
import { expiry, type Suspicion } from "./Suspicion.ts"

/** Names in the order of the suspicion, times in milliseconds since it began. */
export interface Findings
  extends Pick<Verdict, "member" | "incarnation" | "outcome" | "reason" | "from" | "suspicion" | "probe" | "health">
{
  /** When it was decided, in milliseconds on the monotonic clock. */
  readonly at: number
}

/** When a rule decides, and how far the node trusts itself then. */
export interface Moment {
  readonly now: number
  readonly health?: number | undefined
}

/** The suspicion as it is at this moment. */
const report = (suspicion: Suspicion, now: number): SuspicionReport => {
  const { accusers: [accuser = "", ...others], confirmedAfter, k, startedAt } = suspicion
  return {
    accuser,
    confirmations: others.map((from, i) => ({ from, after: confirmedAfter[i] ?? 0 })),
    hoped: k,
    due: expiry(suspicion) - startedAt,
    lasted: now - startedAt
  }
}

/** Why a suspicion began: as it was then, also when it is told later. */
export const ofSuspicion = (member: string, suspicion: Suspicion, self: string): Findings => {
  const { accusers: [from = ""], health, incarnation, startedAt } = suspicion
  const probe = suspicion.probedAfter === 0 ? suspicion.probe : undefined
  const begun: Suspicion = { ...suspicion, accusers: [from], confirmedAfter: [] }
  return {
    member,
    incarnation,
    outcome: "suspected",
    reason: from !== self ? "Accused" : probe === undefined ? "Listed" : "Unanswered",
    from,
    suspicion: report(begun, startedAt),
    probe,
    health,
    at: startedAt
  }
}

const outcomes = {
  Expired: "failed",
  Declared: "failed",
  MadePlace: "failed",
  Goodbye: "left",
  Refuted: "recovered",
  Replaced: "recovered"
} as const satisfies Partial<Record<VerdictReason, Verdict["outcome"]>>

/** Why a member is not alive any more, or not suspect: `entry` is how it is now, `ended` the suspicion it was under. */
export const ofChange = (
  reason: keyof typeof outcomes,
  { incarnation, name }: Entry,
  from: string,
  ended: Suspicion | undefined,
  { health = 0, now }: Moment
): Findings => ({
  member: name,
  incarnation,
  outcome: outcomes[reason],
  reason,
  from,
  suspicion: ended === undefined ? undefined : report(ended, now),
  probe: ended?.probe,
  health,
  at: now
})
