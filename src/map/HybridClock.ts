/**
 * Stamps of writes by a hybrid logical clock (Kulkarni, Demirbas, Madappa, Avva, Leone, "Logical Physical Clocks", in
 * OPODIS 2014): close to the wall clock, and above every stamp that was seen before.
 *
 * @stability unstable
 * @since 0.1.0
 */

/** What orders writes: the time in milliseconds, then the counter, then the writer's name. */
export interface Stamp {
  readonly time: number
  readonly counter: number
  /** The name of the member that wrote. */
  readonly by: string
}

/** The last stamp that was given or seen, without a name. */
export interface HybridClock {
  readonly time: number
  readonly counter: number
}

/** The largest counter; one more is the next millisecond. */
export const MAX_COUNTER = 0xffff

export const start: HybridClock = { time: 0, counter: 0 }

/** Returns the clock of the next write: above all that it has seen. */
export const next = (clock: HybridClock, now: number): HybridClock => {
  if (now > clock.time) return { time: now, counter: 0 }
  return clock.counter < MAX_COUNTER
    ? { time: clock.time, counter: clock.counter + 1 }
    : { time: clock.time + 1, counter: 0 }
}

/** Returns the clock after a stamp was seen. */
export const seen = (clock: HybridClock, { counter, time }: HybridClock): HybridClock =>
  time > clock.time || (time === clock.time && counter > clock.counter) ? { time, counter } : clock

/** Compares two stamps: below 0 where the first is the earlier one. Names are compared by UTF-16 code units. */
export const compare = (a: Stamp, b: Stamp): number => {
  if (a.time !== b.time) return a.time - b.time
  if (a.counter !== b.counter) return a.counter - b.counter
  return a.by === b.by ? 0 : a.by < b.by ? -1 : 1
}
