/**
 * Settings by goal: which ones a cluster needs for what is wanted of it, and what they will give.
 *
 * The probe interval is the unit of all times, and nearly all of the cost. A plan takes the longest one with which
 * failures are known in time; all else follows from it, or is chosen so that loss does no harm at the least cost.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import { errors } from "./Accuracy.ts"
import type { Tuning } from "./Circumstances.ts"
import { detection } from "./Detection.ts"
import { type Forecast, forecast } from "./Forecast.ts"
import { type GoalInvalid, GoalUnreachable } from "./GoalError.ts"
import { check, type Checked, type Goals } from "./Goals.ts"
import { leavesOut, spread } from "./Spread.ts"
import { traffic } from "./Traffic.ts"

/** The settings of `Tuning` that are times. */
type TimeField = "probeInterval" | "probeTimeout" | "gossipInterval" | "pushPullInterval"

/**
 * The settings that a plan decides. What each means: `Settings`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PlannedSettings
  extends Readonly<Record<TimeField, Duration.Duration>>, Readonly<Record<Exclude<keyof Tuning, TimeField>, number>>
{}

/**
 * Settings, and what they will give.
 *
 * @category models
 * @since 0.1.0
 */
export interface Plan {
  /** For `MemberlistConfig.layer`, beside the name and all else that a plan does not decide. */
  readonly settings: PlannedSettings
  readonly forecast: Forecast
}

/**
 * The shortest probe interval that is planned, in milliseconds. The answers have 40 % of it, and an event loop that
 * does some work as well is now and then late by a part of that.
 */
const SHORTEST = 200
/** A probe has room for this many round trips: two before others are asked, and two for what they do. */
const ROUND_TRIPS = 5
/** The part of a probe before others are asked; a helper that gives up after as long still nacks in time. */
const DIRECT = 0.4
/** Gossip ticks in a probe interval, and their shortest and longest interval, in milliseconds. */
const TICKS = 5
const GOSSIP = [100, 500] as const

/** `suspicionMult`: memberlist's own, then those that leave members more of the time. */
const USUAL = [4, 5, 6, 8, 10, 12]
/** The least that has a confirmation to hope for. */
const LEAST = 3

/** What is tried, the usual first. */
const HELPERS = [3, 4, 5, 6]
const RETRANSMITS = [4, 5, 6, 8, 10, 12]
const PUSH_PULLS = [30_000, 60_000, 120_000, 300_000]

/** The part of the room for news that rumours of false suspicions may take. */
const MOST_LOAD = 0.3
/** The longest probe interval that is planned, in milliseconds: a longer one saves next to nothing. */
const LONGEST = 60_000

/** Probe intervals are multiples of 10 ms, from a second on of 50 ms, from ten on of a second. */
const stepOf = (interval: number): number => interval < 1000 ? 10 : interval < 10_000 ? 50 : 1000
const below = (interval: number): number => Math.floor(interval / stepOf(interval)) * stepOf(interval)
const above = (interval: number): number => Math.ceil(interval / stepOf(interval)) * stepOf(interval)

const tuningOf = (probeInterval: number, suspicionMult: number): Tuning => ({
  probeInterval,
  probeTimeout: Math.round(probeInterval * DIRECT),
  indirectChecks: 3,
  suspicionMult,
  suspicionMaxTimeoutMult: 6,
  retransmitMult: 4,
  gossipInterval: Math.round(Math.min(GOSSIP[1], Math.max(GOSSIP[0], probeInterval / TICKS))),
  gossipNodes: 3,
  pushPullInterval: 30_000
})

const detectionOf = (tuning: Tuning, goals: Checked) => {
  const { half, verdict } = spread(tuning, goals)
  return { ...detection(tuning, goals, half / 2), verdict }
}

/** Milliseconds within which 99 of 100 failures are known to all. */
const known = (tuning: Tuning, goals: Checked): number => {
  const { verdict, within } = detectionOf(tuning, goals)
  return within(SHARE) + verdict
}

/** Whether fewer are known in time. */
const isLate = (tuning: Tuning, goals: Checked): boolean => {
  const { none, verdict } = detectionOf(tuning, goals)
  return none(goals.detect - verdict) > 1 - SHARE
}

/** The share of failures that are known in time. */
const SHARE = 0.99

/** The least whole number of a range that `isRight`, where all above it are as well. */
const least = (from: number, to: number, isRight: (n: number) => boolean): number | undefined => {
  let [low, high] = [from, to]
  if (low > high || !isRight(high)) return undefined
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (isRight(middle)) high = middle
    else low = middle + 1
  }
  return high
}

/** The longest probe interval with which failures are known in time. */
const longest = (suspicionMult: number, goals: Checked): number => {
  const late = least(1, Math.ceil(goals.detect), (interval) => isLate(tuningOf(interval, suspicionMult), goals))
  return below(Math.min(LONGEST, late === undefined ? goals.detect : late - 1))
}

/**
 * The tuning that costs least of those with which gossip reaches everybody and false positives are rare: more helpers
 * make suspicions rarer, more retransmissions make news surer. With less push/pull where it would cost too much.
 * `undefined`: false positives are not rare enough with any.
 */
const cheapest = (tuning: Tuning, goals: Checked): Tuning | undefined => {
  let found: Tuning | undefined
  for (const pushPullInterval of PUSH_PULLS) {
    let bytes = Infinity
    for (const indirectChecks of HELPERS) {
      for (const retransmitMult of RETRANSMITS) {
        const candidate = { ...tuning, indirectChecks, retransmitMult, pushPullInterval }
        if (leavesOut(candidate, goals)) continue
        if (errors(candidate, goals).failed * DAY > goals.falsePositives) continue
        const { bytes: cost, newsLoad } = traffic(candidate, goals)
        if (newsLoad > MOST_LOAD) continue
        if (cost < bytes) [found, bytes] = [candidate, cost]
        // more of them only costs more
        break
      }
    }
    if (bytes <= goals.budget) return found
  }
  return found
}

const DAY = 86_400_000

const isPaid = (tuning: Tuning, goals: Checked): boolean => traffic(tuning, goals).bytes <= goals.budget

/** The shortest probe interval that the network and the machine allow. */
const shortest = ({ roundTrip }: Checked): number => above(Math.max(SHORTEST, ROUND_TRIPS * roundTrip))

/** The shortest probe interval up to `most` that the budget allows as well. */
const affordable = (suspicionMult: number, goals: Checked, most: number): number | undefined => {
  const found = least(shortest(goals), Math.ceil(most), (interval) => {
    const tuning = cheapest(tuningOf(interval, suspicionMult), goals)
    return tuning !== undefined && isPaid(tuning, goals)
  })
  return found === undefined ? undefined : above(found)
}

const candidateOf = (suspicionMult: number, goals: Checked): Tuning | undefined => {
  const interval = suspicionMult === LEAST ? affordable(LEAST, goals, goals.detect) : longest(suspicionMult, goals)
  if (interval === undefined || interval < shortest(goals)) return undefined
  const tuning = cheapest(tuningOf(interval, suspicionMult), goals)
  if (tuning === undefined || !isPaid(tuning, goals)) return undefined
  if (suspicionMult === LEAST && isLate(tuning, goals)) return undefined
  return tuning
}

const reached = (goals: Checked): Plan | undefined => {
  for (const suspicionMult of [...USUAL, LEAST]) {
    const tuning = candidateOf(suspicionMult, goals)
    if (tuning === undefined) continue
    const found = forecast(tuning, goals)
    if (found.pause >= goals.pause) return { settings: settingsOf(tuning), forecast: found }
  }
  return undefined
}

const settingsOf = (tuning: Tuning): PlannedSettings => ({
  ...tuning,
  probeInterval: Duration.millis(tuning.probeInterval),
  probeTimeout: Duration.millis(tuning.probeTimeout),
  gossipInterval: Duration.millis(tuning.gossipInterval),
  pushPullInterval: Duration.millis(tuning.pushPullInterval)
})

const atLeast = (millis: number): string => `at least ${Math.ceil(millis / 100) / 10} seconds`
const shown = (millis: number): string => Duration.format(Duration.millis(millis))
const perSecond = (bytes: number): string => `${Math.ceil(bytes)} bytes a second`

/** The tunings with which failures are known in time, each the most frugal of its kind, whatever else they do. */
const inTime = (goals: Checked): ReadonlyArray<Tuning> =>
  [LEAST, ...USUAL].flatMap((suspicionMult) => {
    const interval = longest(suspicionMult, goals)
    return interval < shortest(goals) ? [] : [tuningOf(interval, suspicionMult)]
  })

const noDetection = (goals: Checked): GoalUnreachable => {
  const { detect, members, roundTrip } = goals
  const interval = shortest(goals)
  const limit = interval > above(SHORTEST)
    ? `a probe has to last at least ${interval} ms with round trips of ${roundTrip} ms`
    : `a probe interval below ${interval} ms would take an ordinary delay of an event loop for silence`
  return new GoalUnreachable({
    goal: "detect",
    value: shown(detect),
    because: `${limit}, and a suspect is given time that grows with the logarithm of ${members} members`,
    expected: atLeast(known(tuningOf(interval, LEAST), goals))
  })
}

const noTruth = (goals: Checked, tunings: ReadonlyArray<Tuning>): GoalUnreachable => {
  const { falsePositives, loss, members } = goals
  const rates = tunings.flatMap((tuning) =>
    HELPERS.map((indirectChecks) => {
      const candidate = { ...tuning, indirectChecks, retransmitMult: Math.max(...RETRANSMITS) }
      const isClear = traffic(candidate, goals).newsLoad <= MOST_LOAD
      return isClear ? errors(candidate, goals).failed * DAY : Infinity
    })
  )
  const best = Math.min(...rates)
  return new GoalUnreachable({
    goal: "falsePositives",
    value: `${falsePositives} per member and day`,
    because: `a loss of ${Number((100 * loss).toPrecision(3))} % keeps refutations from some of ${members} members`,
    expected: best === Infinity
      ? "a longer detect, or a network that loses less"
      : `at least ${(best * 1.1).toPrecision(2)}, or a longer detect`
  })
}

/** Says which goal cannot be had, what stands in its way, and what would be right. */
const refusal = (goals: Checked): GoalUnreachable => {
  const { budget, detect, loss, members, pause } = goals
  const tunings = inTime(goals)
  if (tunings.length === 0) return noDetection(goals)
  const frugal = tunings.flatMap((tuning) => cheapest(tuning, { ...goals, budget: 0 }) ?? [])
  if (frugal.length === 0) return noTruth(goals, tunings)
  const forecasts = frugal.map((tuning) => forecast(tuning, goals))
  const calm = forecasts.filter((found) => found.pause >= pause)
  if (calm.length === 0) {
    const most = Math.max(...forecasts.map((found) => found.pause))
    return new GoalUnreachable({
      goal: "pause",
      value: shown(pause),
      because: `failures are to be known within ${shown(detect)}, so a member that is silent is not given longer`,
      expected: `at most ${Math.floor(most / 100) / 10} seconds, or a longer detect`
    })
  }
  const interval = affordable(LEAST, goals, LONGEST)
  const slower = interval === undefined ? "" : `, or detect of ${atLeast(known(tuningOf(interval, LEAST), goals))}`
  return new GoalUnreachable({
    goal: "budget",
    value: perSecond(budget),
    because: `${members} members that know of failures within ${shown(detect)}, where ${
      Number((100 * loss).toPrecision(3))
    } % of packets are lost, send more`,
    expected: `at least ${perSecond(Math.min(...calm.map((found) => found.traffic.bytes)))}${slower}`
  })
}

/** Plans: the settings that reach the goals, or which goal cannot be reached. */
export const plan = (goals: Goals): Result.Result<Plan, GoalInvalid | GoalUnreachable> =>
  Result.flatMap(check(goals), (checked) => {
    const found = reached(checked)
    return found === undefined ? Result.fail(refusal(checked)) : Result.succeed(found)
  })
