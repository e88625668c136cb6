/**
 * Why this node changed its mind about a member: who accused it, what this node tried itself and how that failed, who
 * confirmed it, and how it ended. It comes with the event, is kept in `verdicts`, and is one line of the log.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as PlainText from "./base/PlainText.ts"

/**
 * How a helper answered that was asked to ping the member for us:
 *
 * - `Nack`: it got no answer either, and said so.
 * - `Silent`: nothing came from its address.
 * - `CannotTell`: nothing came, and nothing could: it speaks a version without nacks.
 * - `TooEarly`: nothing came, and its nack was not due: its own ping has `probeTimeout`, and the probe was over before.
 *
 * @category schemas
 * @since 0.1.0
 */
export const HelperAnswer = Schema.Literals(["Nack", "Silent", "CannotTell", "TooEarly"])
/** @since 0.1.0 */
export type HelperAnswer = typeof HelperAnswer.Type

/**
 * How a TCP ping ended that the member did not answer:
 *
 * - `Refused`, `Unreachable`: the network or the host said so.
 * - `Silent`: nothing came in time.
 * - `Broken`: the stream was closed or broke.
 * - `OtherAnswer`: something came that was no ack to this ping.
 * - `NotTried`: the configuration, or the member's version, has no TCP pings.
 *
 * @category schemas
 * @since 0.1.0
 */
export const StreamAnswer = Schema.Literals(["Refused", "Unreachable", "Silent", "Broken", "OtherAnswer", "NotTried"])
/** @since 0.1.0 */
export type StreamAnswer = typeof StreamAnswer.Type

const Millis = Schema.Finite

/**
 * A probe of this node that nobody answered, path by path.
 *
 * @category schemas
 * @since 0.1.0
 */
export const FailedProbe = Schema.Struct({
  /** The ping itself: no ack came, or the network refused to send it. */
  direct: Schema.Literals(["Silent", "NotSent"]),
  /** Milliseconds that the member had for its ack before others were asked. */
  timeout: Millis,
  /** Those who were asked to ping it for us: at most `indirectChecks`. */
  helpers: Schema.Array(Schema.Struct({ name: Schema.String, answer: HelperAnswer })),
  /** Nacks from addresses that no helper is known by; some of the silent ones may have sent them. */
  strayNacks: Schema.Int,
  /** The ping over TCP. */
  stream: StreamAnswer
})
/** @since 0.1.0 */
export type FailedProbe = typeof FailedProbe.Type

/**
 * The suspicion, as this node counted it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SuspicionReport = Schema.Struct({
  /** Who accused first, as far as this node heard. */
  accuser: Schema.String,
  /** Who agreed, and how many milliseconds after the suspicion began here; at most `hoped`. */
  confirmations: Schema.Array(Schema.Struct({ from: Schema.String, after: Millis })),
  /** The confirmations that bring the time down to its least. */
  hoped: Schema.Int,
  /** Milliseconds after its beginning at which it was due to expire, with these confirmations. */
  due: Millis,
  /** Milliseconds that it has lasted. */
  lasted: Millis
})
/** @since 0.1.0 */
export type SuspicionReport = typeof SuspicionReport.Type

/**
 * Why the state changed:
 *
 * - suspected: `Unanswered`, our own probe was not answered; `Accused`, somebody says so; `Listed`, a peer's list says
 *   that it is suspect or dead, and not whose accusation that is.
 * - failed: `Expired`, the suspicion ended here without a refutation; `Declared`, somebody else says so; `MadePlace`,
 *   nothing ever came from it, and a newcomer needed its place in a full table.
 * - left: `Goodbye`, it said so itself.
 * - recovered: `Refuted`, it announced itself at a higher incarnation; `Replaced`, another node took over the name.
 *
 * @category schemas
 * @since 0.1.0
 */
export const VerdictReason = Schema.Literals([
  "Unanswered",
  "Accused",
  "Listed",
  "Expired",
  "Declared",
  "MadePlace",
  "Goodbye",
  "Refuted",
  "Replaced"
])
/** @since 0.1.0 */
export type VerdictReason = typeof VerdictReason.Type

/** A time as people read it. */
const span = (millis: number): string => millis < 1000 ? `${Math.round(millis)} ms` : `${(millis / 1000).toFixed(1)} s`

const answers: Readonly<Record<HelperAnswer, string>> = {
  Nack: "nack",
  Silent: "silent",
  CannotTell: "silent (knows no nacks)",
  TooEarly: "silent (a nack was not due)"
}

const streams: Readonly<Record<StreamAnswer, string>> = {
  Refused: "TCP refused",
  Unreachable: "TCP unreachable",
  Silent: "TCP silent",
  Broken: "TCP closed without an answer",
  OtherAnswer: "TCP answered something else",
  NotTried: "TCP not tried"
}

/** A verdict as far as its text depends on it; the class below has it all. */
type Told = Pick<Verdict, "node" | "incarnation" | "reason" | "from" | "suspicion" | "probe">

const accusation = ({ node, probe, reason, suspicion }: Told): string => {
  if (suspicion === undefined) return ""
  if (suspicion.accuser !== node) return `accused by ${PlainText.name(suspicion.accuser)}`
  return reason === "Listed" || probe === undefined ? "suspect or dead in a peer's list" : ""
}

const trial = ({ probe, suspicion }: Told): string => {
  if (probe === undefined) return suspicion === undefined ? "" : "not probed by this node"
  const ping = probe.direct === "Silent" ? `no ack in ${span(probe.timeout)}` : "ping refused by the network"
  const helpers = probe.helpers.map(({ answer, name }) => `${PlainText.name(name)} ${answers[answer]}`)
  const asked = helpers.length === 0 ? "no helpers" : `helpers: ${helpers.join(", ")}`
  const stray = probe.strayNacks === 0 ? "" : `, nacks from elsewhere: ${probe.strayNacks}`
  return `${ping}, ${asked}${stray}; ${streams[probe.stream]}`
}

const agreement = ({ suspicion }: Told): string => {
  const confirmations = (suspicion?.confirmations ?? []).map(({ after, from }) =>
    `${PlainText.name(from)} (+${(after / 1000).toFixed(1)} s)`
  )
  return confirmations.length === 0 ? "" : `confirmed by ${confirmations.join(", ")}`
}

const ending = ({ from, incarnation, reason, suspicion }: Told): string => {
  const after = suspicion === undefined ? "" : ` after ${span(suspicion.lasted)}`
  switch (reason) {
    case "Unanswered":
    case "Accused":
    case "Listed":
      return suspicion === undefined ? "" : `expires after ${span(suspicion.due)}`
    case "Expired":
      return `expired${after}`
    case "Declared":
      return `declared by ${PlainText.name(from)}${after}`
    case "MadePlace":
      return "nothing ever came from it, and it made place for another"
    case "Goodbye":
      return `said goodbye${after}`
    case "Refuted":
      return `refuted at incarnation ${incarnation}${after}`
    case "Replaced":
      return `another node took the name${after}`
  }
}

/**
 * One change of a member to suspect, failed, left or back to alive, and all that this node knows about why.
 *
 * @category models
 * @since 0.1.0
 */
export class Verdict extends Schema.Class<Verdict>("effect-memberlist/Verdict")({
  /** The node whose verdict it is. */
  node: Schema.String,
  /** The member's name. */
  member: Schema.String,
  /** The member's incarnation after the change. */
  incarnation: Schema.Int,
  outcome: Schema.Literals(["suspected", "failed", "left", "recovered"]),
  reason: VerdictReason,
  /**
   * Whose word it was: the accuser, who declared it failed, or the member itself. A name that is not UTF-8 is text that
   * is not well-formed.
   */
  from: Schema.String,
  /** When this node changed its mind. */
  at: Schema.DateTimeUtc,
  /** The suspicion that began, or ended; `undefined` where the member was not suspect here. */
  suspicion: Schema.UndefinedOr(SuspicionReport),
  /**
   * What this node tried itself, the first time in this suspicion; `undefined` where it only heard from others, and had
   * not probed the member yet.
   */
  probe: Schema.UndefinedOr(FailedProbe),
  /** This node's local health score then: above 0 it doubted itself. */
  health: Schema.Int
}) {
  /**
   * For people, in one line, such as `b failed: no ack in 500 ms, helpers: a nack, c silent; TCP refused; confirmed by
   * a (+0.3 s); expired after 4.0 s; local health 0`.
   */
  override toString(): string {
    const parts = [accusation(this), trial(this), agreement(this), ending(this), `local health ${this.health}`]
    return `${PlainText.name(this.member)} ${this.outcome}: ${parts.filter((part) => part !== "").join("; ")}`
  }
}
