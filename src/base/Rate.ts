/**
 * So many of something in a second, whoever asks for them.
 *
 * @since 0.1.0
 */

/** A store that fills at a constant rate and from which is taken. */
export interface Rate {
  /** Takes `amount` at `now` (monotonic milliseconds); `false`, and nothing is taken, when the store is empty. */
  readonly take: (now: number, amount?: number) => boolean
  /** Whether there is nothing to take. */
  readonly isEmpty: (now: number) => boolean
  /** Whether there is as much as there can be. */
  readonly isFull: (now: number) => boolean
}

/** `perSecond` in the long run, and `burst` at once. What was taken last may go below zero, and is paid for first. */
export const make = ({ burst, perSecond }: { readonly perSecond: number; readonly burst: number }): Rate => {
  let level = burst
  let filledAt: number | undefined
  const fill = (now: number) => {
    const since = filledAt === undefined ? 0 : Math.max(0, now - filledAt)
    level = Math.min(burst, level + since * perSecond / 1000)
    filledAt = Math.max(filledAt ?? now, now)
  }
  return {
    take: (now, amount = 1) => {
      fill(now)
      if (level <= 0) return false
      level -= amount
      return true
    },
    isEmpty: (now) => {
      fill(now)
      return level <= 0
    },
    isFull: (now) => {
      fill(now)
      return level >= burst
    }
  }
}
