/**
 * How a probe of a live member goes where packets are lost independently of each other: the ping, the helpers, and the
 * TCP ping. SWIM §3.2, with what memberlist does beside it.
 *
 * @since 0.1.0
 */
import type { Circumstances, Tuning } from "./Circumstances.ts"

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
  let sum = 0
  const data = segment(loss, spare, roundTrip)
  for (const [opened, a] of handshake(loss, spare)) {
    for (const [asked, b] of data) {
      if (opened + asked > spare) break
      for (const [answered, c] of data) {
        if (opened + asked + answered > spare) break
        sum += a * b * c
      }
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

/** Datagrams that a probe takes, by what they are, on average: of all that take part in it. */
export interface Datagrams {
  readonly pings: number
  readonly acks: number
  readonly requests: number
  readonly nacks: number
}

/** The datagrams of a probe. */
export const datagrams = (tuning: Tuning, circumstances: Circumstances): Datagrams => {
  const { helpers, unanswered } = probe(tuning, circumstances)
  const through = 1 - circumstances.loss
  const requests = unanswered * helpers
  const relayed = requests * through
  return {
    pings: 1 + relayed,
    // each ping's, and those that helpers pass on
    acks: through + relayed * through + relayed * through ** 2,
    requests,
    nacks: relayed * (1 - through ** 2)
  }
}

/** All datagrams of a probe. */
export const packets = (tuning: Tuning, circumstances: Circumstances): number => {
  const { acks, nacks, pings, requests } = datagrams(tuning, circumstances)
  return pings + acks + requests + nacks
}
