/**
 * How long it takes until a silent member is declared failed: when the first of the others probes it, how long that
 * probe takes, and how many agree before the suspicion ends. Exact for members that probe at even intervals, each in
 * a random order that is drawn anew for each round (SWIM §4.3, Lifeguard §IV-B); evaluated by numbers.
 *
 * @since 0.1.0
 */
import { remainingTime, suspicionTimeout } from "../../base/Scaling.ts"
import type { Circumstances, Tuning } from "./Circumstances.ts"

/**
 * The chance that one member has not begun to probe a given other after `d` rounds of its own: whether this round has
 * it behind or before it, and where the next one has it.
 */
const unprobed = (d: number): number => {
  if (d <= 0) return 1
  if (d >= 2) return 0
  return d <= 1 ? 1 - d + d ** 3 / 6 : (2 - d) ** 3 / 6
}

/** The `d` at which `unprobed` is as large as this. */
const unprobedAt = (chance: number): number => {
  if (chance <= 1 / 6) return 2 - Math.cbrt(6 * Math.max(0, chance))
  let d = 1 - chance
  for (let i = 0; i < 12; i++) d -= (1 - d + d ** 3 / 6 - chance) / (d * d / 2 - 1)
  return Math.min(1, Math.max(0, d))
}

/** The chance of fewer than `limit` successes in `tries`. */
const fewer = (limit: number, tries: number, chance: number): number => {
  if (limit <= 0) return 0
  if (chance <= 0 || tries < limit) return 1
  if (chance >= 1) return 0
  let term = Math.exp(tries * Math.log1p(-chance))
  let sum = term
  for (let i = 1; i < limit; i++) {
    term *= (tries - i + 1) / i * chance / (1 - chance)
    sum += term
  }
  return Math.min(1, sum)
}

/** The times that a suspicion has left with 0, 1, … confirmations, the longest first; one where none are hoped for. */
export const suspicions = (tuning: Tuning, members: number): ReadonlyArray<number> => {
  const min = suspicionTimeout(tuning.suspicionMult, members, tuning.probeInterval)
  const hoped = tuning.suspicionMult - 2
  const k = members - 2 < hoped ? 0 : Math.max(0, hoped)
  if (k === 0) return [min]
  const max = min * tuning.suspicionMaxTimeoutMult
  return Array.from({ length: k + 1 }, (_, confirmed) => remainingTime(confirmed, k, 0, min, max))
}

/** How many moments of the first probe stand for all of them, equally likely. */
const MOMENTS = 200

/** How the time from a member's end to the first verdict is distributed. */
export interface Detection {
  /** The chance that there is no verdict after so many milliseconds. */
  readonly none: (time: number) => number
  /** Milliseconds within which there is one, in this share of the cases. */
  readonly within: (share: number) => number
}

/** How exactly `within` is found, as a part of the probe interval. */
const EXACT = 1e-6

/** The time from a member's end to the first verdict about it; `heard`: how long a confirmation is on its way. */
export const detection = (tuning: Tuning, { members }: Circumstances, heard: number): Detection => {
  const { probeInterval } = tuning
  const others = members - 1
  const round = others * probeInterval
  const left = suspicions(tuning, members)
  const firsts = Array.from(
    { length: MOMENTS },
    (_, i) => unprobedAt(((MOMENTS - i - 0.5) / MOMENTS) ** (1 / others))
  )
  /** The chance that there is no verdict after so long. */
  const none = (time: number): number => {
    let sum = 0
    for (const first of firsts) {
      const passed = time - first * round - probeInterval
      const needed = left.findIndex((each) => each <= passed)
      if (needed < 0) sum += 1
      else if (needed > 0) {
        const more = (passed - heard) / round
        sum += fewer(needed, others - 1, 1 - unprobed(first + Math.max(0, more)) / unprobed(first))
      }
    }
    return sum / MOMENTS
  }
  const most = 2 * round + probeInterval + (left[0] ?? 0)
  return {
    none,
    within: (share) => {
      let low = probeInterval
      let high = most
      while (high - low > probeInterval * EXACT) {
        const middle = (low + high) / 2
        if (none(middle) > 1 - share) low = middle
        else high = middle
      }
      return high
    }
  }
}
