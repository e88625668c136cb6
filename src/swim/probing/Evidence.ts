/**
 * What a probe that nobody answered has shown, path by path: who was asked, and what came back. Made only when a probe
 * fails; at most `indirectChecks` helpers, and as many addresses of nacks.
 */
import type { PeerAddress } from "../../base/Address.ts"
import type { FailedProbe, HelperAnswer, StreamAnswer } from "../../Verdict.ts"
import type { Helper } from "./IndirectProbe.ts"

/** A failed probe, as the prober saw it. */
export interface Seen {
  /** Our own ping was sent, and not refused by the network. */
  readonly pinged: boolean
  /** Milliseconds that the member had for its ack. */
  readonly timeout: number
  readonly helpers: ReadonlyArray<Helper>
  /** A helper whose ping was not answered either had time to say so. */
  readonly nacksDue: boolean
  /** Where nacks came from, each address once. */
  readonly nackers: ReadonlyArray<PeerAddress>
  readonly stream: StreamAnswer
}

/** Whether it is one address. */
export const isSame = (a: PeerAddress, b: PeerAddress): boolean => a.port === b.port && a.ip === b.ip

/** Returns what was tried, and how each path failed. */
export const failedProbe = ({ helpers, nackers, nacksDue, pinged, stream, timeout }: Seen): FailedProbe => ({
  direct: pinged ? "Silent" : "NotSent",
  timeout,
  helpers: helpers.map((helper) => ({ name: helper.member.name, answer: answerOf(helper, nackers, nacksDue) })),
  strayNacks: nackers.filter((from) => !helpers.some(({ member }) => isSame(member.endpoint, from))).length,
  stream
})

const answerOf = (
  { member, nack }: Helper,
  nackers: ReadonlyArray<PeerAddress>,
  nacksDue: boolean
): HelperAnswer => {
  if (nackers.some((from) => isSame(from, member.endpoint))) return "Nack"
  if (!nack) return "CannotTell"
  return nacksDue ? "Silent" : "TooEarly"
}
