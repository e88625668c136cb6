/**
 * Which ways lead to a member and back, judged by what is sent anyway. Nothing is judged by one lost packet, and
 * nothing at all while nobody reaches the member: that is a suspicion.
 *
 * Each rule returns the same value when nothing changed, and the values of members in good standing are shared, so that
 * they cost neither memory nor time.
 */
import type { Listed, Way } from "../../Reachability.ts"

/** What is known of the ways, and what is not certain yet. */
export interface Paths {
  /** Our packets to the member. */
  readonly udpOut: Way
  /** Its packets to us. */
  readonly udpIn: Way
  /** Our streams to it. */
  readonly tcp: Way
  /** Whether we are on its list. */
  readonly listed: Listed
  /** Probes in a row that it did not answer itself, although it is there. */
  readonly missed: number
  /** Pings that were not answered since then: ours, and those of helpers. */
  readonly unanswered: number
  /** When the first of these was sent, in monotonic milliseconds; `Infinity` when there is none. */
  readonly missedSince: number
  /** When a stream failed, and UDP has not told yet whether the member was there; `Infinity` when none did. */
  readonly streamFailedAt: number
}

/**
 * Pings in a row that have to be lost before UDP is said to fail. Losses come in bursts, and nothing is in a hurry: the
 * member is reached in another way meanwhile.
 */
export const CERTAIN = 5

const settled = (udp: Way, tcp: Way, listed: Listed): Paths => ({
  udpOut: udp,
  udpIn: udp,
  tcp,
  listed,
  missed: 0,
  unanswered: 0,
  missedSince: Infinity,
  streamFailedAt: Infinity
})

/** Nothing is known. */
export const unknown: Paths = settled("unknown", "unknown", "unknown")

const acknowledgedAs = (listed: Listed): Readonly<Record<Way, Paths>> => ({
  unknown: settled("works", "unknown", listed),
  works: settled("works", "works", listed),
  fails: settled("works", "fails", listed)
})

const acknowledged: Readonly<Record<Listed, Readonly<Record<Way, Paths>>>> = {
  unknown: acknowledgedAs("unknown"),
  yes: acknowledgedAs("yes"),
  no: acknowledgedAs("no")
}

/** Whether nothing is uncertain since the member answered. */
const isSettled = (paths: Paths): boolean => paths === acknowledged[paths.listed][paths.tcp]

/** A probe of the member that somebody got an answer to. */
export interface Probe {
  /** When it began, in monotonic milliseconds. */
  readonly sent: number
  /** When the member became alive, as far as we know: before that it may have been down. */
  readonly aliveSince: number
}

/** Whether a stream failed while the member was there: `undefined` when it was not, or it cannot be told yet. */
const streamsOf = ({ streamFailedAt, tcp }: Paths, { aliveSince, sent }: Probe): Way =>
  streamFailedAt <= sent && aliveSince < streamFailedAt ? "fails" : tcp

/** The member answered our ping itself. */
export const acked = (paths: Paths, probe: Probe): Paths => {
  if (isSettled(paths)) return paths
  const { listed, streamFailedAt } = paths
  const next = acknowledged[listed][streamsOf(paths, probe)]
  // a stream that failed while the ping was under way: the next ack tells
  return streamFailedAt > probe.sent && streamFailedAt < Infinity ? { ...next, streamFailedAt } : next
}

/**
 * Only helpers got through to it. `packetAt`: when a packet of its own last came. After some probes without a direct
 * answer one way fails: ours, if its packets come, else its own, which hides whether ours does.
 */
export const relayed = (paths: Paths, probe: Probe, packetAt: number): Paths => {
  const next = miss(paths, probe, 1)
  const known = { ...next, tcp: streamsOf(paths, probe), streamFailedAt: Infinity }
  return known.missed < CERTAIN ? known : { ...known, ...ways(known, packetAt, "unknown") }
}

/** Only a ping over TCP got through; `helpers` were asked, and had no more luck than we. */
export const tcpOnly = (paths: Paths, probe: Probe, helpers: number, packetAt: number): Paths => {
  const next = { ...miss(paths, probe, 1 + helpers), tcp: "works", streamFailedAt: Infinity } as const
  return next.unanswered < CERTAIN ? next : { ...next, ...ways(next, packetAt, "fails") }
}

const miss = (paths: Paths, { sent }: Probe, unanswered: number): Paths => ({
  ...paths,
  missed: paths.missed + 1,
  unanswered: paths.unanswered + unanswered,
  missedSince: Math.min(paths.missedSince, sent)
})

/** The ways of UDP where direct pings fail. That no packet came means something only after several probes. */
const ways = (
  { missed, missedSince }: Paths,
  packetAt: number,
  silent: Way
): { readonly udpOut: Way; readonly udpIn: Way } =>
  packetAt > missedSince
    ? { udpOut: "fails", udpIn: "works" }
    : { udpOut: silent, udpIn: missed < CERTAIN ? "unknown" : "fails" }

/** It answered on a stream that we opened. */
export const streamAnswered = (paths: Paths): Paths => {
  if (paths.tcp === "works" && paths.streamFailedAt === Infinity) return paths
  if (paths === unknown) return streamOnly
  if (isSettled(paths)) return acknowledged[paths.listed].works
  return { ...paths, tcp: "works", streamFailedAt: Infinity }
}

const streamOnly: Paths = settled("unknown", "works", "unknown")

/** A stream to it failed: TCP does, if UDP shows that it is there. */
export const streamFailed = (paths: Paths, now: number): Paths =>
  paths.tcp === "fails" ? paths : { ...paths, streamFailedAt: now }

/** The member told us its list, and we are on it or not. */
export const told = (paths: Paths, isListed: boolean): Paths => {
  const listed = isListed ? "yes" : "no"
  if (paths.listed === listed) return paths
  return isSettled(paths) ? acknowledged[listed][paths.tcp] : { ...paths, listed }
}

/** Whether something fails, or we are not on its list. */
export const isImpaired = ({ listed, tcp, udpIn, udpOut }: Paths): boolean =>
  udpOut === "fails" || udpIn === "fails" || tcp === "fails" || listed === "no"

/** Whether both say the same of every way, and of whether the member leaves us out. */
export const isAlike = (a: Paths, b: Paths): boolean =>
  a.udpOut === b.udpOut && a.udpIn === b.udpIn && a.tcp === b.tcp
  && (a.listed === "no") === (b.listed === "no")
