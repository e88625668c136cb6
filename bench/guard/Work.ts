/** What the guard times, and how: in turns with a fixed piece of work of the same process. */

/** Something that is done again and again. Each call takes well under 100 ms once it is warm. */
export interface Work {
  readonly name: string
  /** Does it once, and returns something that depends on all of it. */
  readonly run: () => unknown
  /** Milliseconds until it is compiled and as fast as it gets; default: what an `Effort` says. */
  readonly warmupMillis?: number
  /** How long it is measured, in milliseconds; default: the same. */
  readonly measuredMillis?: number
}

/** What a process is to time. */
export interface Order {
  /** No limit where it is null. */
  readonly limits: Readonly<Record<string, number | null>>
  readonly factor: number
}

/** How long is measured. */
export interface Effort {
  readonly warmupMillis: number
  /** Each turn takes about so long, or one call. */
  readonly turnMillis: number
  /** All turns of the work take about so long; the reference has as many. */
  readonly measuredMillis: number
}

export const usual: Effort = { warmupMillis: 250, turnMillis: 3, measuredMillis: 250 }

/** Processor time of the process in milliseconds: what others of the machine do is no part of it. */
const processorTime = (): number => {
  const { system, user } = process.cpuUsage()
  return (system + user) / 1000
}

let sink: unknown

/** Returns the milliseconds of a call. */
type Timed = (work: Work, calls: number) => number

const timedBy = (cpu: () => number): Timed => ({ run }, calls) => {
  const before = cpu()
  for (let i = 0; i < calls; i++) sink = run()
  return (cpu() - before) / calls
}

/** With one, every other turn of a work that is made 1.5 times as slow would be as fast as it was. */
const LEAST_CALLS = 2

interface Pace {
  /** What a call takes, in milliseconds. */
  readonly once: number
  /** Calls of a turn. */
  readonly calls: number
}

/** Warms up. */
const calibrate = (work: Work, timed: Timed, { turnMillis, ...effort }: Effort): Pace => {
  const warmupMillis = work.warmupMillis ?? effort.warmupMillis
  let calls = 1
  let once = timed(work, calls)
  for (let spent = once; spent < warmupMillis; spent += once * calls) {
    calls = Math.max(1, Math.min(calls * 2, Math.round(turnMillis / Math.max(once, 1e-6))))
    once = timed(work, calls)
  }
  return { once, calls: Math.max(LEAST_CALLS, Math.round(turnMillis / Math.max(once, 1e-6))) }
}

/** Fewer would leave it to luck whether one of them was not disturbed. */
const LEAST_TURNS = 8

/** So many times the usual turns are taken while the work is above its limit. */
const PATIENCE = 4

/**
 * What the work takes for each of the reference's, both as the least of many short turns: whatever disturbs a turn
 * makes it longer, so the least is the one that was not disturbed. One that is above its limit is given more turns.
 */
export const ratio = (
  work: Work,
  reference: Work,
  { cpu = processorTime, effort = usual, limit = Number.POSITIVE_INFINITY }: {
    readonly effort?: Effort
    readonly limit?: number
    /** Milliseconds that have been used. */
    readonly cpu?: () => number
  } = {}
): number => {
  const timed = timedBy(cpu)
  const pace = { work: calibrate(work, timed, effort), reference: calibrate(reference, timed, effort) }
  const least = { work: Number.POSITIVE_INFINITY, reference: Number.POSITIVE_INFINITY }
  const millis = work.measuredMillis ?? effort.measuredMillis
  const turns = Math.max(LEAST_TURNS, Math.round(millis / (pace.work.once * pace.work.calls)))
  for (let turn = 0; turn < turns || (turn < turns * PATIENCE && least.work / least.reference > limit); turn++) {
    least.reference = Math.min(least.reference, timed(reference, pace.reference.calls))
    least.work = Math.min(least.work, timed(work, pace.work.calls))
  }
  if (sink === undefined) throw new Error(`${work.name} returned nothing`)
  return least.work / least.reference
}

/** The same work made slower on purpose, so that somebody sees the guard notice. */
export const slowed = ({ run, ...work }: Work, factor: number): Work => {
  let owed = 0
  return {
    ...work,
    run: () => {
      owed += factor - 1
      while (owed >= 1) {
        owed--
        sink = run()
      }
      return run()
    }
  }
}
