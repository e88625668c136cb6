/**
 * When the rules of SWIM with Lifeguard say that a crash is known, with the LAN preset, and nothing else in the way: no time
 * for messages, no work, nobody slow.
 */
import { seeded } from "../../simulate/measuring/Seeded.ts"

const PROBE_INTERVAL = 1
const SUSPICION_MULT = 4
const SUSPICION_MAX_MULT = 6

/** Returns how long a suspicion lasts after its start that others confirmed so often, in seconds. */
export const suspicionSeconds = (members: number, confirmations: number): number => {
  const least = SUSPICION_MULT * Math.max(1, Math.log10(members)) * PROBE_INTERVAL
  const needed = members - 2 < SUSPICION_MULT - 2 ? 0 : SUSPICION_MULT - 2
  if (needed === 0) return least
  const most = SUSPICION_MAX_MULT * least
  return Math.max(least, most - Math.log(confirmations + 1) / Math.log(needed + 1) * (most - least))
}

/**
 * Returns when a survivor accuses the crashed member: it probes all others in turn, in an order that it draws anew for each
 * lap, one in each interval; the crash comes at any moment of a lap; and a probe fails at the end of its interval.
 */
const accusation = (members: number, random: () => number): number => {
  const lap = members - 1
  const draw = () => Math.floor(random() * lap)
  const done = draw()
  const turn = draw()
  const ticks = turn >= done ? turn - done : lap - done + draw()
  return (random() + ticks + 1) * PROBE_INTERVAL
}

/** Returns the seconds from a crash until the first survivor declares it, as often as told, by chance as the rules have it. */
export const firstKnown = (members: number, draws: number, seed = "detection"): ReadonlyArray<number> => {
  const random = seeded(seed)
  return Array.from({ length: draws }, () => {
    const accused = Array.from({ length: members - 1 }, () => accusation(members, random)).sort((a, b) => a - b)
    const [first = 0] = accused
    const needed = Math.min(accused.length - 1, SUSPICION_MULT - 2)
    return Math.min(
      ...accused.slice(0, needed + 1).map((at, confirmations) =>
        Math.max(at, first + suspicionSeconds(members, confirmations))
      )
    )
  })
}
