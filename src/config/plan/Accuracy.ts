/**
 * How often a live member is suspected, and declared failed, where packets are lost independently of each other. SWIM
 * §3.2, with the TCP ping of memberlist, and with refutations that may be missed.
 *
 * @since 0.1.0
 */
import { pushPullScale } from "../../base/Scaling.ts"
import type { Circumstances, Tuning } from "./Circumstances.ts"
import { suspicions } from "./Detection.ts"
import { missed } from "./Spread.ts"

/**
 * TCP as Linux has it: a SYN is sent again after 1 s, then 2 s; a segment after 0.2 s, then 0.4 s, or two round
 * trips.
 */
const SYN_AGAIN = 1000
const SEGMENT_AGAIN = 200

/** The chances that something came through at each of its tries, with the time of the try. */
type Tries = ReadonlyArray<readonly [at: number, chance: number]>

const handshake = (loss: number, time: number): Tries => {
  const tries: Array<readonly [number, number]> = []
  let unknown = 1
  let known = 0
  for (let at = 0, pause = SYN_AGAIN; at <= time; at += pause, pause *= 2) {
    known += unknown * (1 - loss)
    unknown *= loss
    tries.push([at, known * (1 - loss)])
    known *= loss
  }
  return tries
}

const segment = (loss: number, time: number, roundTrip: number): Tries => {
  const tries: Array<readonly [number, number]> = []
  let chance = 1 - loss
  for (let at = 0, pause = Math.max(SEGMENT_AGAIN, 2 * roundTrip); at <= time; at += pause, pause *= 2) {
    tries.push([at, chance])
    chance *= loss
  }
  return tries
}

/** The chance that a TCP ping is answered within `time` ms: the connection, the ping, and the ack. */
const answeredOnStream = (time: number, { loss, roundTrip }: Circumstances): number => {
  const spare = time - 2 * roundTrip
  if (spare < 0) return 0
  const data = segment(loss, spare, roundTrip)
  let sum = 0
  for (const [opened, a] of handshake(loss, spare)) {
    for (const [asked, b] of data) {
      for (const [answered, c] of data) if (opened + asked + answered <= spare) sum += a * b * c
    }
  }
  return Math.min(1, sum)
}

/** How a probe of a live member may go. */
export interface Probe {
  /** The chance that our own ping is not answered. */
  readonly unanswered: number
  /** The members that are asked to ping it then. */
  readonly helpers: number
  /** The chance that nobody gets an answer. */
  readonly failed: number
}

/** How probes of live members go. */
export const probe = (tuning: Tuning, circumstances: Circumstances): Probe => {
  const { indirectChecks, probeInterval, probeTimeout } = tuning
  const { loss, members, roundTrip } = circumstances
  const through = 1 - loss
  const unanswered = 1 - through ** 2
  const helpers = Math.min(indirectChecks, members - 2)
  const helped = probeTimeout + 2 * roundTrip <= probeInterval
  const nobodyHelped = helped ? (1 - through ** 4) ** helpers : 1
  const noStream = 1 - answeredOnStream(probeInterval - probeTimeout, circumstances)
  return { unanswered, helpers, failed: unanswered * nobodyHelped * noStream }
}

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
