/**
 * The one place that runs a rule: a synchronous critical section around the `Ref` of the state, in which the rule
 * decides, subscribers are told and broadcasts are queued. Claims sent straight to somebody follow it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Address from "../base/Address.ts"
import * as PlainText from "../base/PlainText.ts"
import type { Alive } from "../swim/membership/Claim.ts"
import type { Change, Conflict, Directive, Healed, Ignored, Refuted, Tell } from "../swim/membership/Directive.ts"
import type { Entry } from "../swim/membership/Entry.ts"
import type { Decision, Env, Membership, Step as RuleStep } from "../swim/membership/Membership.ts"
import { readsChecksum } from "../swim/membership/Versions.ts"
import { REFUTED } from "../swim/probing/LocalHealth.ts"
import * as Recovery from "../swim/recovery/Recovery.ts"
import { nextExpiry } from "../swim/suspicion/Expiry.ts"
import type { Findings } from "../swim/suspicion/Findings.ts"
import * as Message from "../wire/message/Message.ts"
import * as Hooks from "./hooks/Hooks.ts"
import { envOf, type Node } from "./Node.ts"
import * as Score from "./probing/Score.ts"
import * as Broadcasts from "./sending/Broadcasts.ts"
import type { Receipt } from "./sending/Receipts.ts"
import * as Sender from "./sending/Sender.ts"
import type { LogEntry } from "./telemetry/LogMessages.ts"

/** A rule, ready but for the state and the moment. */
export type Rule = (membership: Membership, env: Env) => RuleStep

/**
 * Runs one rule and carries out its directives. Deciding, publishing and queueing are one synchronous critical section
 * around the `Ref`; then whatever is to be told is started. Whoever runs it may be interrupted, by the end of a join or
 * of a stream: not between the two.
 */
export const run = (node: Node, rule: Rule, receipt?: Receipt): Effect.Effect<void> =>
  decide(node, (membership, env) => [...rule(membership, env), undefined], receipt)

/** Runs a rule that answers, as `run` does, and returns its answer. */
export const decide = <A>(
  node: Node,
  rule: (membership: Membership, env: Env) => Decision<A>,
  receipt?: Receipt
): Effect.Effect<A> =>
  // one operation: nothing comes between its halves
  Effect.sync(() => {
    const { ref } = node.membership
    const membership = ref.current
    const env = envOf(node)
    const [decided, decisions, answer] = rule(membership, env)
    const [next, recovered] = Recovery.follow(decided, decisions, env)
    const directives = recovered.length === 0 ? decisions : [...decisions, ...recovered]
    const tells = carryOut(node, directives, receipt)
    if (nextExpiry(next) < nextExpiry(membership)) node.sooner.notify()
    if (next.lost.peers.length > membership.lost.peers.length) node.losses.notify()
    if (next.stage !== membership.stage) {
      if (next.stage._tag === "Left") node.readiness.reset()
      node.presence.notify(next.stage)
    }
    node.memory.follow(membership, next)
    node.observer?.({ node, now: env.now, previous: membership, next, directives })
    ref.current = next
    for (const told of tells) startTelling(node, told)
    return answer
  })

/** Carries out what is done inside the step; what is to be told after it is returned in order. */
const carryOut = (
  node: Node,
  directives: ReadonlyArray<Directive>,
  receipt: Receipt | undefined
): ReadonlyArray<Tell> => {
  const tells: Array<Tell> = []
  // Nobody looks at the queue while a step is carried out, so that all of it is queued at once; see `forget`.
  let news: Array<Broadcasts.News> = []
  const queue = () => {
    if (news.length > 0) Broadcasts.queueClaims(node, news, receipt)
    news = []
  }
  const forget = (name: string) => {
    queue()
    Broadcasts.forget(node, name)
  }
  let before: Directive | undefined
  for (const directive of directives) {
    countAccepted(node, directive, before)
    node.heard.follow(directive)
    before = directive
    switch (directive._tag) {
      case "Broadcast":
        news.push(directive)
        break
      case "Publish":
        if ("findings" in directive.change) node.verdicts.keep(directive.change.findings)
        // told here, because the entry may be gone before the next write
        if (directive.change._tag === "Left") node.memory.forget(directive.change.entry.name)
        node.changes.publish(directive.change)
        noteChange(node, directive.change)
        break
      case "Ignored":
        node.counters.count("claim.ignored", directive.reason)
        noteIgnored(node, directive)
        break
      case "Conflict":
        node.counters.count("member.conflict")
        node.changes.publish(directive)
        Hooks.conflict(node, directive)
        noteConflict(node, directive)
        break
      case "Held":
        node.counters.count("verdict.held")
        node.logs.note("VerdictHeld", about(directive.entry))
        break
      case "DegradedTimeout":
        node.counters.count("degraded.timeout")
        break
      case "Reaped":
        node.counters.count("member.reaped")
        forget(directive.entry.name)
        break
      case "Evicted":
        node.counters.count("member.evicted")
        node.logs.note("MemberEvicted", { member: directive.entry.name, peer: directive.entry.endpoint })
        forget(directive.entry.name)
        break
      case "Untold":
        node.counters.count("claim.untold", directive.reason)
        break
      case "Refuted":
        if (costsHealth(node, directive)) Score.adjust(node, REFUTED)
        node.logs.note(directive.about === "ThisLife" ? "Refuted" : "EarlierLife", {
          reason: directive.by,
          // a push/pull does not say whose accusation it passes on, and then it counts as our own
          accuser: directive.from === node.name ? undefined : directive.from,
          incarnation: directive.incarnation
        })
        break
      case "Reclaimed":
        node.logs.note("AddressTaken", {
          member: directive.existing.name,
          incarnation: directive.other.incarnation,
          peer: endpointOf(directive.other),
          detail: `it was at ${Address.format(directive.existing.endpoint)}`
        })
        break
      case "SplitSuspected":
        node.recoveries.publish(directive)
        node.logs.note("SplitSuspected", { detail: `lost together: ${names(directive.lost)}` })
        break
      case "Healed":
        node.recoveries.publish(directive)
        noteHealed(node, directive)
        break
      case "Tell":
        tells.push(directive)
    }
  }
  queue()
  return tells
}

/**
 * Whether we should doubt ourselves because we had to contradict: an obituary says that somebody was apart from us, and
 * asks for the contradiction. memberlist takes every accusation as a sign of our own trouble.
 */
const costsHealth = (node: Node, { by }: Refuted): boolean => by !== "Dead" || !node.settings.rules.recovery

/**
 * Counts claims that changed the table, as memberlist does: a confirmation of a suspicion is gossiped on, but changes
 * nothing, and the answer to a refuted accusation is our own claim.
 */
const countAccepted = (node: Node, directive: Directive, before: Directive | undefined): void => {
  switch (directive._tag) {
    case "Broadcast":
      if (directive.claim._tag === "Alive" && before?._tag !== "Refuted") node.counters.count("msg.alive")
      break
    case "Refuted":
      if (directive.by === "Alive") node.counters.count("msg.alive")
      break
    case "Publish":
      if (directive.change._tag === "Suspected") node.counters.count("msg.suspect")
      if (isDeath(node, directive.change)) node.counters.count("msg.dead")
      break
  }
}

/** Whether it is the end of a member, and not of an entry that made place for another. */
const isDeath = (node: Node, change: Change): boolean =>
  change._tag === "Left" || (change._tag === "Failed" && (change.from !== node.name || change.accusers.length > 0))

/** Our own suspicion and its end are news in the log; what others declared is in theirs, and for debugging here. */
const noteChange = (node: Node, change: Change): void => {
  switch (change._tag) {
    case "Joined":
    case "Updated":
      return
    case "Suspected":
      return noteVerdict(node, change, change.from === node.name ? "MemberSuspected" : "VerdictHeard")
    case "Recovered":
      return noteVerdict(node, change, isOurs(node, change) ? "MemberRecovered" : "VerdictHeard")
    case "Left":
      return noteVerdict(node, change, "VerdictHeard")
    case "Failed":
      // one that made place for a newcomer has an entry of its own
      if (change.findings.reason === "MadePlace") return
      return noteVerdict(node, change, change.findings.reason === "Expired" ? "MemberFailed" : "VerdictHeard")
  }
}

const MAX_NAMES = 8

/** Some names, and how many more there are. */
const names = (all: ReadonlyArray<string>): string => {
  const shown = all.slice(0, MAX_NAMES).map((name) => PlainText.name(name)).join(", ")
  return all.length > MAX_NAMES ? `${shown} and ${all.length - MAX_NAMES} more` : shown
}

/** The first that is back, and then the end, which is the last word about a split. */
const noteHealed = (node: Node, { entry: { name, state }, missing }: Healed): void =>
  missing.length > 0
    ? node.logs.note("Healed", { member: name, detail: `still missing: ${names(missing)}` })
    : node.logs.note("Whole", { member: name, detail: state === "left" ? "it said goodbye" : "it is back" })

/** Whether the suspicion that ended was in the log. */
const isOurs = (node: Node, { findings: { suspicion } }: Judged): boolean => suspicion?.accuser === node.name

type Judged = Extract<Change, { readonly findings: Findings }>

const noteVerdict = (node: Node, { entry, findings }: Judged, kind: LogEntry): void =>
  node.logs.note(kind, {
    ...about(entry),
    confirmations: findings.reason === "Expired" ? findings.suspicion?.confirmations.length : undefined,
    verdict: () => node.verdicts.of(findings).toString()
  })

const about = ({ endpoint, incarnation, name }: Entry) => ({ member: name, incarnation, peer: endpoint })

const noteConflict = (node: Node, { existing, other, replaced }: Conflict): void =>
  node.logs.note(replaced ? "NameReplaced" : "NameConflict", {
    member: existing.name,
    incarnation: other.incarnation,
    peer: endpointOf(other),
    detail: `it is known at ${Address.format(existing.endpoint)}`
  })

const endpointOf = ({ addr, port }: Alive): Address.PeerAddress => ({ ip: Address.ipText(addr) ?? "", port })

/** What was ignored for a reason that somebody should fix. */
const noteIgnored = (node: Node, { node: member, reason }: Ignored): void => {
  switch (reason) {
    case "NameInvalid":
    case "NameTooLong":
      return node.logs.note("NameRefused", { member, reason })
    case "VersionsMissing":
    case "VersionsInvalid":
      return node.logs.note("VersionsRefused", { member, reason })
    case "AddressNotAllowed":
      return node.logs.note("AddressNotAllowed", { member, reason })
    case "IncarnationJump":
      return node.logs.note("IncarnationJump", { member, reason })
    case "TableFull":
      return node.logs.note("TableFull", { member, reason })
  }
}

/** Sends a claim straight to a member. */
const tell = (node: Node, { claim, member }: Tell): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (node.config.profile === "paper") return Effect.void
    node.counters.count("claim.told")
    const sending = Sender.packet(node, member.endpoint, Message.encode(claim), readsChecksum(member))
    return Sender.orLog(node, "claim", member.endpoint, sending)
  })

/** Tells it in a fiber of its own: a transport may be slow, and nobody waits for this. */
const startTelling = (node: Node, told: Tell): void => {
  const { endpoint, name } = told.member
  const started = node.work.start("claim", tell(node, told), { peer: endpoint, member: name })
  if (!started) node.counters.count("claim.untold", "TooMany")
}
