/**
 * How fast news spreads by gossip, and how surely: an epidemic in which each member that knows tells others at a steady
 * rate (SWIM §5; a pure birth process, as in Demers et al. 1987), with ticks, pings and acks as the occasions.
 *
 * @since 0.1.0
 */
import { pushPullScale, retransmitLimit } from "../../base/Scaling.ts"
import { packets } from "./Chances.ts"
import type { Circumstances, Tuning } from "./Circumstances.ts"

/** Packets with room for news that a member sends in a millisecond: those of its ticks, and its pings and acks. */
export const occasions = (tuning: Tuning, circumstances: Circumstances): number => {
  const { gossipInterval, gossipNodes, probeInterval } = tuning
  return Math.min(gossipNodes, circumstances.members - 1) / gossipInterval +
    packets(tuning, circumstances) / probeInterval
}

/** A packet is on its way for about this part of the longest round trip, in a network whose delays vary. */
const TYPICAL = 0.3

/**
 * How fast the number of those who know grows, in a millisecond. What is on its way tells nobody yet: with `rate`
 * tellings it grows as r = rate · e^(−r·delay).
 */
const growth = (rate: number, delay: number): number => {
  let r = rate / (1 + rate * delay)
  for (let i = 0; i < 8; i++) {
    const next = rate * Math.exp(-r * delay)
    r = (next + next * delay * r) / (1 + next * delay)
  }
  return r
}

/**
 * How much faster the last are told than by as many tellings at random: those of one tick go to different members. With
 * few members that says everything.
 */
const distinct = (gossipNodes: number, members: number): number => {
  const part = gossipNodes / (members - 1)
  return part >= 1 ? MOST_DISTINCT : Math.min(MOST_DISTINCT, -Math.log1p(-part) / part)
}
const MOST_DISTINCT = 5

/** Milliseconds until news is known. */
export interface Spread {
  /** To half of the members. */
  readonly half: number
  /** To all of them: half of the times are shorter. */
  readonly all: number
  /** To all that gossip reaches: 99 of 100 are shorter. */
  readonly gossip: number
  /** To all of them: 99 of 100 are shorter. */
  readonly most: number
  /** From the first verdict about a member until all have one. */
  readonly verdict: number
}

/**
 * How far the start of an epidemic is behind its mean growth, in units of 1/growth: measured with 3 to 300 members. It
 * would be 0.58 for tellings at random (Euler's constant); those of a tick come together.
 */
const START = 0.3
/** The Gumbel distribution, of when the last one is told: its median, and its 99 % quantile. */
const MEDIAN = -Math.log(Math.LN2)
const P99 = -Math.log(-Math.log(0.99))
/** How far the 99 % quantile of the start is from its median; measured as well. */
const START_P99 = 1

/**
 * From the first verdict to the last. Each member has a suspicion of its own, which began when it heard the first one
 * and ends as much later; meanwhile the verdict spreads as well. With the share x that heard the suspicion so long
 * after the first, the share y that has a verdict grows by (1 − y)(x + y). In units of 1/growth.
 */
const verdictLag = (members: number): number => {
  const step = 0.02
  let x = 1 / members
  let y = x
  let time = 0
  const last = 1 - Math.LN2 / members
  while (y < last && time < 100) {
    y += (1 - y) * (x + y) * step
    x += (1 - x) * x * step
    time += step
  }
  return time
}

/** How fast news spreads in a cluster where nothing else is to be told. */
export const spread = (tuning: Tuning, circumstances: Circumstances): Spread => {
  const { loss, members, roundTrip } = circumstances
  const rate = occasions(tuning, circumstances) * (1 - loss)
  const r = growth(rate, roundTrip * TYPICAL)
  const faster = distinct(tuning.gossipNodes, members)
  const half = members < 3 ? 0 : (Math.log(members - 1) + START) / r
  const last = rate * faster
  const all = (members < 3 ? START / r : half) + (Math.log(members) + MEDIAN) / last
  // those that gossip leaves out are told by the next push/pull
  const left = leavesOut(tuning, circumstances) ? pushPullScale(tuning.pushPullInterval, members) : 0
  const gossip = all + Math.hypot((P99 - MEDIAN) / last, START_P99 / r)
  return { half, all, gossip, most: gossip + left, verdict: members < 3 ? 0 : verdictLag(members) / r }
}

/**
 * The chance that gossip never tells a given member of a given piece of news: all that told others missed it. What one
 * tells in a tick goes to different members.
 */
export const missed = ({ gossipNodes, retransmitMult }: Tuning, { loss, members }: Circumstances): number => {
  const others = members - 1
  const times = retransmitLimit(retransmitMult, members)
  const together = Math.min(gossipNodes, others, times)
  return (1 - (1 - loss) * together / others) ** (others * times / together)
}

/** Whether gossip leaves a member out more than once in a hundred pieces of news. */
export const leavesOut = (tuning: Tuning, circumstances: Circumstances): boolean =>
  (circumstances.members - 1) * missed(tuning, circumstances) > 0.01
