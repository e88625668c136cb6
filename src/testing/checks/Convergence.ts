/**
 * How long a cluster may take to agree once nothing goes wrong any more, from its configuration.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import { pushPullScale, retransmitLimit, suspicionTimeout } from "../../base/Scaling.ts"
import { MemberlistConfig, type Settings } from "../../MemberlistConfig.ts"

/**
 * A bound on the time from calm (every link works, every node that will ever run again runs, and no two groups of nodes
 * have forgotten each other: the lists connect all) until every running node lists exactly the running nodes, all
 * alive. It is the sum of what the protocol may need one after the other:
 *
 * 1. A dead member is met in the probe ring: within two rounds of `n` probes. Each probe takes one `probeInterval`, or
 * up
 *    to `awarenessMaxMultiplier` of them while a node that was in trouble still doubts itself; each answered probe
 *    takes one point of doubt away, so the slow ones add up to 1 + 2 + … intervals. (SWIM §4.3, Lifeguard §IV-A.)
 * 2. Its suspicion runs out, at most `suspicionMaxTimeoutMult` times the suspicion timeout. (Lifeguard §IV-B.)
 * 3. A death that was declared wrongly becomes known to its victim: by gossip, else at its next push/pull with a member
 *    that believes it, or that met one. Partners are random, so a time that is always enough does not exist; after `3
 *    n` exchanges, and two intervals until the first, not having met one given partner has a probability of about e⁻³,
 *    and every other member would have to fail as well. The victim may be suspected once more, so 1 and 2 count twice.
 * 4. The refutation spreads: each rumour lives for `retransmitLimit` gossip rounds at each member.
 *
 * In a cluster that split for longer than `gossipToTheDeadTime`, both sides have forgotten each other, and the protocol
 * never heals that by itself (memberlist issue 222): somebody has to join again, and calm begins then.
 *
 * @category getters
 * @since 0.1.0
 */
export const bound = (settings: Settings, n: number): Duration.Duration => {
  const { awarenessMaxMultiplier: doubts, gossipInterval, probeInterval, pushPullInterval, retransmitMult } = read(
    settings
  )
  const detection = (2 * n + (doubts * (doubts + 1)) / 2) * probeInterval
  const suspicion = Duration.toMillis(longestSuspicion(settings, n))
  const exchanges = (3 * n + 2) * pushPullScale(pushPullInterval, n)
  const spreading = retransmitLimit(retransmitMult, n) * gossipInterval
  return Duration.millis(2 * (detection + suspicion) + exchanges + spreading)
}

/**
 * The longest time a suspicion can last in a cluster of `n`.
 *
 * @category getters
 * @since 0.1.0
 */
export const longestSuspicion = (settings: Settings, n: number): Duration.Duration => {
  const { probeInterval, suspicionMaxTimeoutMult, suspicionMult } = read(settings)
  return Duration.millis(suspicionMaxTimeoutMult * suspicionTimeout(suspicionMult, n, probeInterval))
}

/** The settings in milliseconds, the LAN preset where they say nothing. */
const read = (settings: Settings) => {
  const { lan } = MemberlistConfig
  const millis = (value: Duration.Input | undefined, otherwise: Duration.Duration) =>
    Duration.toMillis(value === undefined ? otherwise : Duration.fromInputUnsafe(value))
  return {
    probeInterval: millis(settings.probeInterval, lan.probeInterval),
    pushPullInterval: millis(settings.pushPullInterval, lan.pushPullInterval),
    gossipInterval: millis(settings.gossipInterval, lan.gossipInterval),
    awarenessMaxMultiplier: settings.awarenessMaxMultiplier ?? lan.awarenessMaxMultiplier,
    suspicionMult: settings.suspicionMult ?? lan.suspicionMult,
    suspicionMaxTimeoutMult: settings.suspicionMaxTimeoutMult ?? lan.suspicionMaxTimeoutMult,
    retransmitMult: settings.retransmitMult ?? lan.retransmitMult
  }
}
