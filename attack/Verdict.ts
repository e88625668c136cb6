/** What is measured of an attack, and what of it breaks a promise. */

/** `undefined` is what was not, or could not be, measured. */
export interface Figures {
  /** The longest time any attacked node's event loop stood still, in milliseconds. */
  readonly longestStop?: number | undefined
  /** Processor seconds of the attacked node, from the attack's start until rest. */
  readonly cpuSeconds?: number | undefined
  /** The most memory the attacked node had, in MiB. */
  readonly peakMemory?: number | undefined
  /** Its memory before the attack, in MiB. */
  readonly memoryBefore?: number | undefined
  /** Its memory some time after the attack, in MiB. */
  readonly memoryAfter?: number | undefined
  /** Pings of an honest prober during the attack, and how many were answered within a second. */
  readonly pings?: number | undefined
  readonly answered?: number | undefined
  /** Honest push/pulls during the attack, and how many were answered in time. */
  readonly pushPulls?: number | undefined
  readonly exchanged?: number | undefined
  /** Live members declared failed, as "observer: member". */
  readonly failed?: ReadonlyArray<string> | undefined
  /** Live members suspected, as "observer: member". */
  readonly suspected?: ReadonlyArray<string> | undefined
  /** Seconds from the attack's end until the cluster was at rest; Infinity when it was not while that was watched. */
  readonly restAfter?: number | undefined
  /** Attacked processes that ended. */
  readonly ended?: ReadonlyArray<string> | undefined
}

/** What may not be exceeded. */
export interface Limits {
  readonly longestStop?: number
  readonly restAfter?: number
  /** How much more memory, in MiB, than before the attack. */
  readonly memoryGrowth?: number
  /** How much more memory, in MiB, may be left some time after. */
  readonly memoryKept?: number
  /** Every honest push/pull must be answered in time. */
  readonly everyPushPull?: boolean
}

/** A ping answered later than this is a sign of unrest, in milliseconds; so is a longer stop of the event loop. */
export const REST_MILLIS = 50

/** Why the promise is broken. That live members fail, or processes end, breaks any. */
export const breaches = (figures: Figures, limits: Limits): ReadonlyArray<string> => {
  const { ended = [], failed = [] } = figures
  const found: Array<string> = []
  if (ended.length > 0) found.push(`ended: ${ended.join(", ")}`)
  if (failed.length > 0) found.push(`declared failed: ${failed.join(", ")}`)
  if (exceeds(figures.longestStop, limits.longestStop)) {
    found.push(`stood still for ${whole(figures.longestStop)} ms, more than ${limits.longestStop}`)
  }
  if (exceeds(figures.restAfter, limits.restAfter)) {
    found.push(
      figures.restAfter === Infinity
        ? "not at rest"
        : `at rest after ${tenths(figures.restAfter)} s, not ${limits.restAfter}`
    )
  }
  const growth = difference(figures.peakMemory, figures.memoryBefore)
  if (exceeds(growth, limits.memoryGrowth)) {
    found.push(`took ${whole(growth)} MiB, more than ${limits.memoryGrowth}`)
  }
  const kept = difference(figures.memoryAfter, figures.memoryBefore)
  if (exceeds(kept, limits.memoryKept)) found.push(`kept ${whole(kept)} MiB, more than ${limits.memoryKept}`)
  const { exchanged = 0, pushPulls = 0 } = figures
  if (limits.everyPushPull === true && exchanged < pushPulls) {
    found.push(`${pushPulls - exchanged} of ${pushPulls} push/pulls not answered in time`)
  }
  return found
}

const exceeds = (figure: number | undefined, limit: number | undefined): boolean =>
  figure !== undefined && limit !== undefined && figure > limit

const difference = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? undefined : a - b

const whole = (figure: number | undefined): string => (figure ?? 0).toFixed(0)
const tenths = (figure: number | undefined): string => (figure ?? 0).toFixed(1)

/** A moment at which the cluster was looked at, in seconds after the attack's end. */
export interface Look {
  readonly at: number
  readonly isCalm: boolean
}

/** When the calm began that lasted until the last look; Infinity when that one was not calm. */
export const restOf = (looks: ReadonlyArray<Look>): number => {
  const last = looks.findLastIndex((look) => !look.isCalm)
  return looks[last + 1]?.at ?? Infinity
}

/** Whether the last `seconds` of looks were all calm. */
export const isSettled = (looks: ReadonlyArray<Look>, seconds: number): boolean => {
  const began = restOf(looks)
  return began !== Infinity && (looks.at(-1)?.at ?? 0) - began >= seconds
}
