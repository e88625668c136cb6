/**
 * How fast news spreads by gossip, and how surely: an epidemic in which each member that knows tells others at a steady
 * rate (SWIM §5; a pure birth process, as in Demers et al. 1987), with ticks, pings and acks as the occasions.
 *
 * @since 0.1.0
 */
import { retransmitLimit } from "../../base/Scaling.ts"
import type { Circumstances, Tuning } from "./Circumstances.ts"

/** Euler's constant. */
const GAMMA = 0.577_215_664_9

/** 1 + 1/2 + … + 1/m. */
const harmonic = (m: number): number => m < 1 ? 0 : Math.log(m) + GAMMA + 1 / (2 * m) - 1 / (12 * m * m)

/** Packets with room for news that a member sends in a millisecond: those of its ticks, and its pings and acks. */
export const occasions = ({ gossipInterval, gossipNodes, probeInterval }: Tuning, members: number): number =>
  Math.min(gossipNodes, members - 1) / gossipInterval + 2 / probeInterval

/**
 * Members that one who knows tells in a millisecond. What is on its way tells nobody yet, which slows an epidemic that
 * grows as r to r = rate · e^(−r·delay).
 */
const contacts = (tuning: Tuning, { loss, members, roundTrip }: Circumstances): number => {
  const rate = occasions(tuning, members) * (1 - loss)
  const delay = roundTrip / 2
  let r = rate
  for (let i = 0; i < 8; i++) {
    r = (rate * Math.exp(-r * delay) * (1 + r * delay)) / (1 + rate * delay * Math.exp(-r * delay))
  }
  return r
}

/** Milliseconds until `known` members know, on average, and by how much that varies (standard deviation). */
const until = (known: number, members: number, rate: number): readonly [mean: number, deviation: number] => {
  const m = known - 1
  const mean = (members - 1) / members * (harmonic(m) + harmonic(members - 1) - harmonic(members - 1 - m)) / rate
  // both ends of the epidemic, where few know and where few do not, are as uncertain
  const squares = (x: number) => x < 1 ? 0 : Math.PI ** 2 / 6 - 1 / (x + 0.5)
  const end = squares(members - 1) - squares(members - 1 - m)
  return [mean, Math.sqrt(squares(m) + Math.max(0, end)) / rate]
}

/** Milliseconds until news is known. */
export interface Spread {
  /** To half of the members, on average. */
  readonly half: number
  /** To all of them, on average. */
  readonly all: number
  /** To all of them, in 99 of 100 cases. */
  readonly most: number
  /** From the first verdict about a member until all have one, on average. */
  readonly verdict: number
}

/** How many standard deviations above the mean the 99 % quantile is: the sum of two Gumbel distributions. */
const SIGMAS = 2.6

/**
 * From the first verdict to the last. Each member has a suspicion of its own, which began when it heard the first one
 * and ends as much later; meanwhile the verdict spreads as well. With the share x that heard the suspicion so long
 * after the first, the share y that has a verdict grows by (1 − y)(x + y). In units of 1/rate.
 */
const verdictLag = (members: number): number => {
  const step = 0.02
  let x = 1 / members
  let y = x
  let time = 0
  const last = 1 - Math.exp(-GAMMA) / members
  while (y < last && time < 100) {
    y += (1 - y) * (x + y) * step
    x += (1 - x) * x * step
    time += step
  }
  return time
}

/** How fast news spreads in a cluster where nothing else is to be told. */
export const spread = (tuning: Tuning, circumstances: Circumstances): Spread => {
  const { members } = circumstances
  const rate = contacts(tuning, circumstances)
  const [half] = until(Math.ceil(members / 2), members, rate)
  const [all, deviation] = until(members, members, rate)
  return { half, all, most: all + SIGMAS * deviation, verdict: members < 3 ? 0 : verdictLag(members) / rate }
}

/** The chance that gossip never tells a given member of a given piece of news: all that told others missed it. */
export const missed = ({ retransmitMult }: Tuning, { loss, members }: Circumstances): number =>
  (1 - (1 - loss) / (members - 1)) ** ((members - 1) * retransmitLimit(retransmitMult, members))
