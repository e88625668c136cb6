/**
 * How often a live member is suspected, and declared failed, where packets are lost independently of each other. SWIM
 * §3.2, with the TCP ping of memberlist, and with refutations that may be missed.
 *
 * @since 0.1.0
 */
import { pushPullScale } from "../../base/Scaling.ts"
import { probe } from "./Chances.ts"
import type { Circumstances, Tuning } from "./Circumstances.ts"
import { suspicions } from "./Detection.ts"
import { missed } from "./Spread.ts"

/** How often others are wrong about a live member, in a millisecond. */
export interface Errors {
  /** Probes of it that nobody got an answer to. */
  readonly suspected: number
  /** Verdicts about it, counted at each member that came to one. */
  readonly failed: number
}

/**
 * How often others are wrong about a live member. Each is probed once in an interval, on average. A suspicion is
 * refuted in time, unless a member misses the refutation: by gossip, by its own pings of the suspect, which answers
 * them with it, and by push/pull, until its suspicion ends. Only that member then declares it failed.
 */
export const errors = (tuning: Tuning, circumstances: Circumstances): Errors => {
  const { probeInterval, pushPullInterval } = tuning
  const { loss, members } = circumstances
  if (members < 2) return { suspected: 0, failed: 0 }
  const suspected = probe(tuning, circumstances).failed / probeInterval
  const [time = 0] = suspicions(tuning, members)
  const others = members - 1
  const through = 1 - loss
  const ownPings = time / (others * probeInterval)
  const exchanges = pushPullInterval === 0 ? 0 : 2 * time / pushPullScale(pushPullInterval, members)
  const unrefuted = missed(tuning, circumstances) * (1 - through ** 3) ** ownPings * Math.exp(-exchanges)
  // a suspect that gossip leaves out, and that hears of it by no ping either, cannot refute at all
  const deaf = missed(tuning, circumstances) * loss ** (time / probeInterval)
  return { suspected, failed: suspected * others * Math.min(1, unrefuted + deaf) }
}
