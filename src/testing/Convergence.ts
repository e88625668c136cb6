/**
 * How long a cluster may take to agree once nothing goes wrong any more, from its configuration.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import { MemberlistConfig, type Settings } from "../MemberlistConfig.ts"
import { pushPullScale, retransmitLimit, suspicionTimeout } from "../swim/Timing.ts"

/**
 * A bound on the time from calm (every link works, every node that will ever run again runs, knows at least one of the
 * others as a live member and is known by it) until every running node lists exactly the running nodes, all alive. It is
 * the sum of what the protocol may need one after the other:
 *
 * 1. A dead member is met in the probe ring: within two rounds of `n` probes. Each probe takes one `probeInterval`, or up
 *    to `awarenessMaxMultiplier` of them while a node that was in trouble still doubts itself; each answered probe takes
 *    one point of doubt away, so the slow ones add up to 1 + 2 + … intervals. (SWIM §4.3, Lifeguard §IV-A.)
 * 2. Its suspicion runs out, at most `suspicionMaxTimeoutMult` times the suspicion timeout. (Lifeguard §IV-B.)
 * 3. A death that was declared wrongly becomes known to its victim, or a suspicion that was missed to its accused: by
 *    gossip, else at the victim's own next exchange with a member that believes it. That happens at the latest when a round
 *    of push/pulls has met everybody, which is likely but not certain after `n` of them; they start within two intervals.
 *    The victim may then be suspected and refute once more, which 1 and 2 have allowed for once; they are counted twice.
 * 4. The refutation spreads: each rumour lives for `retransmitLimit` gossip rounds at each member.
 *
 * In a cluster that split for longer than `gossipToTheDeadTime`, both sides have forgotten each other, and the protocol
 * never heals that by itself (memberlist issue 222): the condition above then asks somebody to join again.
 *
 * @category getters
 * @since 0.1.0
 */
export const bound = (settings: Settings, n: number): Duration.Duration => {
  const { lan } = MemberlistConfig
  const millis = (value: Duration.Input | undefined, otherwise: Duration.Duration) =>
    Duration.toMillis(value === undefined ? otherwise : Duration.fromInputUnsafe(value))
  const probeInterval = millis(settings.probeInterval, lan.probeInterval)
  const doubts = settings.awarenessMaxMultiplier ?? lan.awarenessMaxMultiplier
  const detection = (2 * n + (doubts * (doubts + 1)) / 2) * probeInterval
  const suspicion = (settings.suspicionMaxTimeoutMult ?? lan.suspicionMaxTimeoutMult) *
    suspicionTimeout(settings.suspicionMult ?? lan.suspicionMult, n, probeInterval)
  const exchanges = (n + 2) * pushPullScale(millis(settings.pushPullInterval, lan.pushPullInterval), n)
  const spreading = retransmitLimit(settings.retransmitMult ?? lan.retransmitMult, n) *
    Math.max(millis(settings.gossipInterval, lan.gossipInterval), 1)
  return Duration.millis(2 * (detection + suspicion) + exchanges + spreading)
}
