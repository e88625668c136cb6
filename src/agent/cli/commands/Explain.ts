/**
 * `why`: what an agent knows about a member's last change, path by path.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { HelperAnswer, StreamAnswer, VerdictReason } from "../../../Verdict.ts"
import * as Model from "../../Model.ts"
import * as AgentClient from "../AgentClient.ts"
import * as Columns from "../Columns.ts"
import { ago, stateCell, waysCell } from "../MemberText.ts"
import * as Output from "../Output.ts"

const span = (millis: number): string => millis < 1000 ? `${Math.round(millis)} ms` : `${(millis / 1000).toFixed(1)} s`

/** As the status page says it; a test compares. */
const helpers: Readonly<Record<HelperAnswer, string>> = {
  Nack: "got no answer either, and said so",
  Silent: "did not answer",
  CannotTell: "did not answer, and its version could not have said no",
  TooEarly: "had not finished its own ping"
}

const streams: Readonly<Record<StreamAnswer, string>> = {
  Refused: "refused: the host is there, and nothing listens",
  Unreachable: "no way leads there",
  Silent: "no answer in time",
  Broken: "closed without an answer",
  OtherAnswer: "answered something else: perhaps another program",
  NotTried: "not tried"
}

const reasons: Readonly<Record<VerdictReason, string>> = {
  Unanswered: "this agent's own probe was not answered",
  Accused: "another member says so",
  Listed: "the list of another member says so",
  Expired: "it did not contradict in time",
  Declared: "another member's suspicion ended first",
  MadePlace: "nothing ever came from it, and a newcomer needed its place",
  Goodbye: "it said goodbye",
  Refuted: "it contradicted: it is alive",
  Replaced: "another node took over its name"
}

/**
 * Returns a verdict, a line for each path that was tried and each word that was given.
 *
 * @category conversions
 * @since 0.1.0
 */
export const verdictPairs = (
  verdict: Model.VerdictView,
  isBack = false
): ReadonlyArray<readonly [name: string, value: Columns.Cell]> => {
  const { from, health, incarnation, member, node, probe, reason, suspicion } = verdict
  const color = { suspected: "yellow", failed: "red", left: "dim", recovered: "green" } as const
  const by = from === node ? "this agent" : from === member ? "the member itself" : from
  return [
    ["last verdict", {
      text: `${verdict.outcome}: ${reasons[reason]}${isBack ? "; it is back since" : ""}`,
      color: isBack ? undefined : color[verdict.outcome]
    }],
    ["at", { text: DateTime.formatIso(verdict.at) }],
    ["by", { text: by }],
    ...(probe === undefined
      ? [["own probe", { text: "none: this agent only heard of it" }] as const]
      : [
        ["ping by UDP", {
          text: probe.direct === "Silent" ? `no answer in ${span(probe.timeout)}` : "the network refused to send it"
        }] as const,
        ...probe.helpers.map(({ answer, name }) => [`ping through ${name}`, { text: helpers[answer] }] as const),
        ...(probe.helpers.length === 0 ? [["ping through others", { text: "nobody to ask" }] as const] : []),
        ...(probe.strayNacks === 0
          ? []
          : [["other answers", { text: `${probe.strayNacks}, from addresses that no helper is known by` }] as const]),
        ["ping by TCP", { text: streams[probe.stream] }] as const
      ]),
    ...(suspicion === undefined
      ? []
      : [
        ["accused by", { text: suspicion.accuser === node ? "this agent" : suspicion.accuser }] as const,
        ...suspicion.confirmations.map(({ after, from }) =>
          ["confirmed by", { text: `${from}, ${span(after)} after that` }] as const
        ),
        ["suspected for", {
          text: `${span(suspicion.lasted)} of ${
            span(suspicion.due)
          } (${suspicion.confirmations.length} of ${suspicion.hoped} confirmations)`
        }] as const
      ]),
    ["incarnation", { text: String(incarnation) }],
    ["local health", {
      text: health === 0 ? "0: this agent was well" : `${health}: this agent doubted itself then`,
      color: health === 0 ? undefined : "yellow"
    }]
  ]
}

/** Whether the member has come back since the verdict, which is told by no verdict of its own. */
const isBack = (member: Model.MemberView | undefined, { outcome }: Model.VerdictView): boolean =>
  member?.state === "alive" && (outcome === "failed" || outcome === "left")

const memberPairs = (
  member: Model.MemberView,
  now: number
): ReadonlyArray<readonly [name: string, value: Columns.Cell]> => [
  ["member", { text: `${member.name} (${member.address})`, color: "bold" }],
  ["state", {
    ...stateCell(member.state),
    text: member.since === undefined
      ? member.state
      : `${member.state} for ${ago(now - member.since.epochMilliseconds)}`
  }],
  ["ways now", waysCell(member)],
  ...(member.reachability?.likelyCause === undefined
    ? []
    : [["likely cause", { text: member.reachability.likelyCause, color: "red" }] as const])
]

const encodeAnswer = Schema.encodeSync(Schema.toCodecJson(
  Schema.Struct({ member: Schema.optionalKey(Model.MemberView), verdict: Schema.optionalKey(Model.VerdictView) })
))

/**
 * Prints why an agent thinks of a member as it does.
 *
 * @category commands
 * @since 0.1.0
 */
export const why = Effect.fnUntraced(function*(
  { http, json, name }: { readonly http: string; readonly json: boolean; readonly name: string }
) {
  const { call, client } = yield* AgentClient.connect(http)
  // a member that nothing happened to has no verdict, and one that was forgotten may still have one
  const [known, verdicts] = yield* Effect.all([
    Effect.result(call(client.member({ params: { name } }))),
    call(client.verdicts())
  ], { concurrency: 2 })
  const verdict = verdicts.findLast(({ member }) => member === name)
  if (Result.isFailure(known) && (known.failure.reason !== "UnknownMember" || verdict === undefined)) {
    return yield* known.failure
  }
  const member = Result.getOrUndefined(known)
  const now = yield* Clock.currentTimeMillis
  yield* Output.result(
    json,
    () => encodeAnswer({ ...(member === undefined ? {} : { member }), ...(verdict === undefined ? {} : { verdict }) }),
    (screen) =>
      Columns.pairs(screen, [
        ...(member === undefined
          ? [["member", { text: `${name}, which is not remembered any more` }] as const]
          : memberPairs(member, now)),
        ...(verdict === undefined
          ? [["verdict", { text: "none: nothing happened to it that this agent remembers" }] as const]
          : verdictPairs(verdict, isBack(member, verdict)))
      ])
  )
})
