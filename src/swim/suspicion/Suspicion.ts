/**
 * How long a suspect has to refute, given who else accuses it. A lone accuser may itself be the one in trouble, so the
 * time starts long and shrinks with each independent confirmation (Lifeguard §IV-B; memberlist: `suspicion`).
 */
import { remainingTime, suspicionTimeout } from "../../base/Scaling.ts"
import type { FailedProbe } from "../../Verdict.ts"

export interface Suspicion {
  /** The accused incarnation. */
  readonly incarnation: number
  /** Milliseconds on the monotonic clock. */
  readonly startedAt: number
  /** How many confirmations bring the time down to `min`; 0 when the cluster is too small to hope for any. */
  readonly k: number
  /** Milliseconds, with a fraction where the probe interval and the cluster's size make one. */
  readonly min: number
  /** Milliseconds, as `min`. */
  readonly max: number
  /** First accuser first; at most `k + 1`. */
  readonly accusers: ReadonlyArray<string>
  /** When those after the first accused it, in milliseconds since the suspicion began. */
  readonly confirmedAfter: ReadonlyArray<number>
  /** Our own probe, the first that nobody answered; `undefined`: others alone accuse it. */
  readonly probe: FailedProbe | undefined
  /** When that probe ended, in milliseconds since the suspicion began. */
  readonly probedAfter: number
  /** Our score of local health when it began. */
  readonly health: number
  /** Until when the verdict waits because the fault may be ours, in monotonic ms; `undefined`: it does not. */
  readonly heldUntil: number | undefined
}

/** What a suspicion needs to know; everything about the cluster is fixed when it starts. */
export interface Options {
  readonly incarnation: number
  readonly from: string
  readonly now: number
  /** The number of members we know, whatever their state. */
  readonly n: number
  readonly probeInterval: number
  readonly suspicionMult: number
  readonly suspicionMaxTimeoutMult: number
  /** The confirmations to hope for; `suspicionMult` − 2 when absent. */
  readonly suspicionConfirmations?: number | undefined
  /** What we tried ourselves, if it is our accusation. */
  readonly probe?: FailedProbe | undefined
  readonly health?: number | undefined
}

const noTimes: ReadonlyArray<number> = []

export const start = (options: Options): Suspicion => {
  const hoped = options.suspicionConfirmations ?? options.suspicionMult - 2
  const min = suspicionTimeout(options.suspicionMult, options.n, options.probeInterval)
  return {
    incarnation: options.incarnation,
    startedAt: options.now,
    // Neither we nor the suspect confirm, hence n - 2.
    k: options.n - 2 < hoped ? 0 : Math.max(0, hoped),
    min,
    max: options.suspicionMaxTimeoutMult * min,
    accusers: [options.from],
    confirmedAfter: noTimes,
    probe: options.probe,
    probedAfter: 0,
    health: options.health ?? 0,
    heldUntil: undefined
  }
}

/** How many others agreed with the first accuser. */
export const confirmations = (suspicion: Suspicion): number => suspicion.accusers.length - 1

/** When the suspicion ends, in milliseconds on the monotonic clock. A confirmation may have moved it into the past. */
export const expiry = (suspicion: Suspicion): number => {
  const { heldUntil, k, max, min, startedAt } = suspicion
  const confirmed = confirmations(suspicion)
  // who agrees with us has seen the same without us
  if (heldUntil !== undefined && confirmed === 0) return heldUntil
  // only a time that was shortened is whole
  if (k < 1 || confirmed === 0) return startedAt + (k < 1 ? min : max)
  return startedAt + remainingTime(confirmed, k, 0, min, max)
}

/** The suspicion with one accuser more, or why this one does not count. */
export const confirm = (
  suspicion: Suspicion,
  from: string,
  now: number
): Suspicion | "EnoughConfirmations" | "DuplicateAccuser" => {
  if (confirmations(suspicion) >= suspicion.k) return "EnoughConfirmations"
  if (suspicion.accusers.includes(from)) return "DuplicateAccuser"
  return {
    ...suspicion,
    accusers: [...suspicion.accusers, from],
    confirmedAfter: [...suspicion.confirmedAfter, now - suspicion.startedAt]
  }
}

/** The suspicion with our own probe, which says the same. Only the first is kept. */
export const withProbe = (suspicion: Suspicion, probe: FailedProbe | undefined, now: number): Suspicion =>
  probe === undefined || suspicion.probe !== undefined
    ? suspicion
    : { ...suspicion, probe, probedAfter: now - suspicion.startedAt }

/** The suspicion with a verdict that waits, once, for one least time of suspicion more. */
export const hold = (suspicion: Suspicion, now: number): Suspicion => ({ ...suspicion, heldUntil: now + suspicion.min })

/** Whether fewer than the hoped-for members agreed. */
export const isDegraded = (suspicion: Suspicion): boolean => suspicion.k > 0 && confirmations(suspicion) < suspicion.k
