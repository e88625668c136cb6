/**
 * From the rules' records to what users see: members and events, immutable snapshots.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import { Member, type MemberState } from "../../Member.ts"
import {
  MemberConflict,
  type MemberEvent,
  MemberFailed,
  MemberJoined,
  MemberLeft,
  MemberReachabilityChanged,
  MemberRecovered,
  MemberSuspected,
  MemberUpdated
} from "../../MemberEvent.ts"
import { type Listed, Reachability, type Way } from "../../Reachability.ts"
import { Healed, PutAside, type RecoveryEvent, SplitSuspected } from "../../RecoveryEvent.ts"
import { RemoteState } from "../../swim/membership/Claim.ts"
import { type Entry, isGone } from "../../swim/membership/Entry.ts"
import { type Announced, members, type Membership } from "../../swim/membership/Membership.ts"
import * as Paths from "../../swim/probing/Paths.ts"
import * as LostPeers from "../../swim/recovery/LostPeers.ts"
import * as Findings from "../../swim/suspicion/Findings.ts"
import { Verdict } from "../../Verdict.ts"
import type { Delivery } from "./Hub.ts"
import type { News, Recovery } from "./Subscriptions.ts"

/** Records are immutable, so each is converted once. */
const converted = new WeakMap<Entry, Member>()
const noMeta = new Uint8Array(0)
/** The rules have checked every field already. */
const trusted = { disableChecks: true }

export const memberOf = (entry: Entry): Member => {
  const known = converted.get(entry)
  if (known !== undefined) return known
  const member = claimed(entry, entry.name, entry.state)
  converted.set(entry, member)
  return member
}

/** A claim, or a row of a peer's list, as the member it describes. */
export const claimed = (said: Announced, name: string, state: MemberState): Member => {
  const [min = 0, max = 0, current = 0, delegateMin = 0, delegateMax = 0, delegateCurrent = 0] = said.vsn
  return new Member({
    name,
    // copies: what users hold, they may change
    addr: new Uint8Array(said.addr),
    port: said.port,
    meta: said.meta === null ? noMeta : new Uint8Array(said.meta),
    state,
    incarnation: said.incarnation,
    versions: { min, max, current, delegateMin, delegateMax, delegateCurrent }
  }, trusted)
}

/**
 * A member that was declared failed and never said goodbye: this node, and others of its side, try to find it again
 * (`docs/recovery.md`).
 */
export interface LostMember {
  /** As it was known last; its state is `dead`. */
  readonly member: Member
  /** When this node learned that it failed. */
  readonly since: DateTime.Utc
  /** When it is forgotten, unless it is back before (`lostPeerTime`). */
  readonly until: DateTime.Utc
  /** How often this node itself has asked for it in vain since. */
  readonly tries: number
}

const lost = new WeakMap<LostPeers.LostPeer, Member>()

/** Those that are lost, as users see them; `now` is monotonic, and `epoch` the same moment since 1970. */
export const lostOf = (
  all: LostPeers.LostPeers,
  limits: LostPeers.Limits,
  now: number,
  epoch: number
): ReadonlyArray<LostMember> => {
  const when = (time: number) => DateTime.makeUnsafe(Math.round(epoch + time - now))
  return LostPeers.recent(all, now, limits).peers.map((peer) => {
    const { lostAt, misses, name } = peer
    let member = lost.get(peer)
    if (member === undefined) lost.set(peer, member = claimed(peer, name, "dead"))
    return { member, since: when(lostAt), until: when(lostAt + limits.lostTime), tries: misses }
  })
}

const states: ReadonlyMap<number, MemberState> = new Map(
  (["alive", "suspect", "dead", "left"] as const).map((state) => [RemoteState[state], state])
)

/** The state that a row of a peer's list gives as a number. */
export const stateOf = (number: number): MemberState | undefined => states.get(number)

/** The live members, this node included. */
export const viewOf = (membership: Membership): ReadonlyArray<Member> => members(membership).map(memberOf)

const reachabilities = new Map<string, Reachability>()

/** What recovery tells, as users see it. */
export const recoveryOf = ({ missed, value }: Delivery<Recovery>): RecoveryEvent => {
  switch (value._tag) {
    case "SplitSuspected":
      return new SplitSuspected({ lost: value.lost, present: value.present, missed }, trusted)
    case "Healed":
      return new Healed({ member: memberOf(value.entry), missing: value.missing, missed }, trusted)
    case "PutAside":
      return new PutAside({ name: value.name, address: value.address, reason: value.reason, missed }, trusted)
  }
}

const ways = (udpOut: Way, udpIn: Way, tcp: Way, listed: Listed): Reachability => {
  const key = `${udpOut} ${udpIn} ${tcp} ${listed}`
  let known = reachabilities.get(key)
  if (known === undefined) reachabilities.set(key, known = new Reachability({ udpOut, udpIn, tcp, listed }, trusted))
  return known
}

/** What is known of the ways to a member: one of 81 values, each made once. */
export const reachabilityOf = ({ listed, tcp, udpIn, udpOut }: Paths.Paths): Reachability =>
  ways(udpOut, udpIn, tcp, listed)

/** The verdict of the node `node` that these findings are, reached at `at`, in milliseconds since the epoch. */
export const verdictOf = ({ at: _, ...findings }: Findings.Findings, node: string, at: number): Verdict =>
  new Verdict({ ...findings, node, at: DateTime.makeUnsafe(at) }, trusted)

/** The current view told as events: everyone joined, some are suspected, and some ways fail. */
export const newsOf = (
  membership: Membership,
  impaired: ReadonlyArray<readonly [name: string, paths: Paths.Paths]>
): ReadonlyArray<News> => {
  const present = members(membership).flatMap((entry): ReadonlyArray<News> => {
    const joined: News = { _tag: "Joined", entry }
    const { name, suspicion } = entry
    if (suspicion === undefined) return [joined]
    const findings = Findings.ofSuspicion(name, suspicion, membership.self)
    return [joined, { _tag: "Suspected", entry, from: findings.from, findings }]
  })
  const rerouted = impaired.flatMap(([name, paths]): ReadonlyArray<News> => {
    const entry = membership.entries.get(name)
    return entry === undefined || isGone(entry) ? [] : [{ _tag: "Rerouted", entry, previous: Paths.unknown, paths }]
  })
  return [...present, ...rerouted]
}

/** News as an event; `verdict` makes the verdict of findings. */
export const eventOf =
  (verdict: (findings: Findings.Findings) => Verdict) => ({ missed, value: news }: Delivery<News>): MemberEvent => {
    if (news._tag === "Conflict") {
      const { existing, other, replaced } = news
      return new MemberConflict(
        { member: memberOf(existing), missed, other: claimed(other, other.node, "alive"), replaced },
        trusted
      )
    }
    const member = memberOf(news.entry)
    switch (news._tag) {
      case "Joined":
        return new MemberJoined({ member, missed }, trusted)
      case "Updated":
        return new MemberUpdated({ member, missed, previous: memberOf(news.previous) }, trusted)
      case "Suspected":
        return new MemberSuspected({ member, missed, from: news.from, verdict: verdict(news.findings) }, trusted)
      case "Recovered":
        return new MemberRecovered({ member, missed, verdict: verdict(news.findings) }, trusted)
      case "Failed": {
        const { accusers, findings, from } = news
        return new MemberFailed({ member, missed, from, accusers, verdict: verdict(findings) }, trusted)
      }
      case "Left":
        return new MemberLeft({ member, missed, verdict: verdict(news.findings) }, trusted)
      case "Rerouted":
        return new MemberReachabilityChanged({
          member,
          missed,
          previous: reachabilityOf(news.previous),
          reachability: reachabilityOf(news.paths)
        }, trusted)
    }
  }
