/**
 * The cluster's values as the API tells them.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Base64 from "effect/encoding/Base64"
import * as Equal from "effect/Equal"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as PlainText from "../../base/PlainText.ts"
import * as SeedText from "../../base/SeedText.ts"
import type { Member } from "../../Member.ts"
import type { MemberEvent } from "../../MemberEvent.ts"
import type { JoinReport, Readiness } from "../../Memberlist.ts"
import type { JoinFailed } from "../../MemberlistError.ts"
import type { Reachability } from "../../Reachability.ts"
import type { RecoveryEvent } from "../../RecoveryEvent.ts"
import type { Verdict } from "../../Verdict.ts"
import * as AgentMeta from "../AgentMeta.ts"
import type * as Model from "../Model.ts"
import { RequestInvalid } from "../Refusal.ts"

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** Returns bytes as they are told. */
export const content = (bytes: Uint8Array): Model.Content => {
  const text = textOf(bytes)
  return { size: bytes.length, base64: Base64.encode(bytes), ...(text === undefined ? {} : { text }) }
}

/** Returns the bytes that are meant, or why there are none. */
export const bytesOf = (input: Model.Input): Result.Result<Uint8Array, RequestInvalid> => {
  if ("text" in input) return Result.succeed(encoder.encode(input.text))
  if ("json" in input) {
    return Result.try({
      try: () => encoder.encode(JSON.stringify(input.json)),
      catch: () => new RequestInvalid({ reason: "\"json\" is nested too deeply" })
    })
  }
  return Result.mapError(
    Base64.decode(input.base64),
    () => new RequestInvalid({ reason: "\"base64\" is no base64; expected letters, digits, + and /, padded with =" })
  )
}

/** What is known of a member beside itself. */
export interface Beside {
  /** The name of the agent's own node. */
  readonly self: string
  /** Since when it has its state, in milliseconds since 1970. */
  readonly since: number | undefined
  readonly reachability: Option.Option<Reachability>
  /** Where it is lost: until when that is remembered, in milliseconds since 1970. */
  readonly lostUntil?: number | undefined
}

/** Returns the ways to a member as they are told. */
export const ways = (reachability: Reachability): Model.WaysView => {
  const { impaired, likelyCause, listed, tcp, udpIn, udpOut } = reachability
  return { udpOut, udpIn, tcp, listed, impaired, ...(likelyCause === undefined ? {} : { likelyCause }) }
}

/** Returns a member as it is told. */
export const member = (member: Member, { lostUntil, reachability, self, since }: Beside): Model.MemberView => ({
  name: member.name,
  address: member.address,
  state: member.state,
  incarnation: member.incarnation,
  meta: content(AgentMeta.of(member)),
  versions: member.versions,
  self: member.name === self,
  ...(since === undefined ? {} : { since: DateTime.makeUnsafe(since) }),
  ...(Option.isNone(reachability) ? {} : { reachability: ways(reachability.value) }),
  ...(lostUntil === undefined ? {} : { lostUntil: DateTime.makeUnsafe(lostUntil) })
})

/** Returns a verdict as it is told. */
export const verdict = (verdict: Verdict): Model.VerdictView => {
  const { probe, suspicion, ...rest } = verdict
  return {
    ...rest,
    ...(suspicion === undefined ? {} : { suspicion }),
    ...(probe === undefined ? {} : { probe }),
    text: verdict.toString()
  }
}

/** Returns what a join did. */
export const join = (report: JoinReport, members: number): Model.JoinView => ({
  contacted: report.contacted,
  ourselves: report.ourselves,
  failed: report.failed.map(({ error, seed }) => ({ seed, error: error._tag, message: error.message })),
  members
})

/** Seeds that are named in one error. */
const MAX_NAMED = 8

/** Returns what is wrong with the request where none of its seeds can be one: no member is to blame for that. */
export const malformed = ({ failed }: JoinFailed): RequestInvalid | undefined => {
  if (!failed.every(({ error }) => error._tag === "SeedInvalid" || error._tag === "NodeNameRequired")) return undefined
  const [first] = failed
  const named = failed.slice(0, MAX_NAMED).map(({ seed }) => PlainText.json(seed)).join(", ")
  const more = failed.length > MAX_NAMED ? ` and ${failed.length - MAX_NAMED} more` : ""
  const expected = first?.error._tag === "NodeNameRequired"
    ? "\"name/host[:port]\", because this agent requires names"
    : SeedText.expected
  return new RequestInvalid({
    reason: `${named}${more} ${failed.length === 1 ? "is no seed" : "are no seeds"}; expected ${expected}`
  })
}

/** Returns how far the joining has come. */
export const readiness = (readiness: Readiness): Model.ReadinessView => {
  const state = readiness._tag
  switch (state) {
    case "Joined":
      return { state, ready: true }
    case "Alone":
      return {
        state,
        ready: true,
        why: readiness.reason === "NoSeeds" ? "there are no seeds" : "the seeds name this node only"
      }
    case "Left":
      return { state, ready: false }
    case "Trying":
    case "GaveUp":
      return { state, ready: false, attempts: readiness.attempts, why: readiness.why }
  }
}

/** Whether a member is in the list. */
export const isLive = ({ state }: Pick<Member, "state">): boolean => state === "alive" || state === "suspect"

type Told<Event> = Event extends { readonly data: infer Data } ? Omit<Data, "at" | "missed"> : never

/** Returns an event as it is told, without when, and without what was missed. */
export const event = (
  event: MemberEvent,
  member: Model.MemberView,
  view: (member: Member) => Model.MemberView
): Told<Model.EventView> => {
  switch (event._tag) {
    case "MemberJoined":
      return { member }
    case "MemberUpdated":
      return { member, previous: view(event.previous) }
    case "MemberSuspected":
      return { member, from: event.from, verdict: verdict(event.verdict) }
    case "MemberFailed":
      return { member, from: event.from, accusers: event.accusers, verdict: verdict(event.verdict) }
    case "MemberRecovered":
    case "MemberLeft":
      return { member, verdict: verdict(event.verdict) }
    case "MemberReachabilityChanged":
      return { member, reachability: ways(event.reachability), previous: ways(event.previous) }
    case "MemberConflict":
      return { member, other: view(event.other), replaced: event.replaced }
  }
}

/** Returns what recovery tells as it is told, without when, and without what was missed. */
export const recovery = (event: RecoveryEvent): Told<Model.EventView> => {
  switch (event._tag) {
    case "SplitSuspected":
      return { lost: event.lost, present: event.present }
    case "Healed":
      return { name: event.member.name, state: event.member.state, missing: event.missing }
    case "PutAside": {
      const { address, name, reason } = event
      return { ...(name === undefined ? {} : { name }), address, reason }
    }
  }
}

/** Whether what is told of a member is the same but for its incarnation: the marks of topics alone may differ. */
export const isSame = (a: Member, b: Member): boolean =>
  a.address === b.address && Equal.equals(a.versions, b.versions) && Equal.equals(AgentMeta.of(a), AgentMeta.of(b))
