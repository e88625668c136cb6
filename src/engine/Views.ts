/**
 * From the rules' records to what users see: members and events, immutable snapshots.
 *
 * @since 0.1.0
 */
import { Member } from "../Member.ts"
import {
  type MemberEvent,
  MemberFailed,
  MemberJoined,
  MemberLeft,
  MemberRecovered,
  MemberSuspected,
  MemberUpdated
} from "../MemberEvent.ts"
import type { Change } from "../swim/Directive.ts"
import { type Entry, members, type Membership } from "../swim/Membership.ts"
import type { Delivery } from "./Hub.ts"

/** Records are immutable, so each is converted once. */
const converted = new WeakMap<Entry, Member>()
const noMeta = new Uint8Array(0)
/** The rules have checked every field already. */
const trusted = { disableChecks: true }

export const memberOf = (entry: Entry): Member => {
  const known = converted.get(entry)
  if (known !== undefined) return known
  const [min = 0, max = 0, current = 0, delegateMin = 0, delegateMax = 0, delegateCurrent = 0] = entry.vsn
  const member = new Member({
    name: entry.name,
    addr: entry.addr,
    port: entry.port,
    meta: entry.meta ?? noMeta,
    state: entry.state,
    incarnation: entry.incarnation,
    versions: { min, max, current, delegateMin, delegateMax, delegateCurrent }
  }, trusted)
  converted.set(entry, member)
  return member
}

/** The live members, this node included. */
export const viewOf = (membership: Membership): ReadonlyArray<Member> => members(membership).map(memberOf)

/** The current view told as events: everyone joined, and some are suspected. */
export const changesOf = (membership: Membership): ReadonlyArray<Change> =>
  members(membership).flatMap((entry): ReadonlyArray<Change> => {
    const joined: Change = { _tag: "Joined", entry }
    return entry.state === "suspect"
      ? [joined, { _tag: "Suspected", entry, from: entry.suspicion?.accusers[0] ?? "" }]
      : [joined]
  })

export const eventOf = ({ missed, value: change }: Delivery<Change>): MemberEvent => {
  const member = memberOf(change.entry)
  switch (change._tag) {
    case "Joined":
      return new MemberJoined({ member, missed }, trusted)
    case "Updated":
      return new MemberUpdated({ member, missed, previous: memberOf(change.previous) }, trusted)
    case "Suspected":
      return new MemberSuspected({ member, missed, from: change.from }, trusted)
    case "Recovered":
      return new MemberRecovered({ member, missed }, trusted)
    case "Failed":
      return new MemberFailed({ member, missed, from: change.from, accusers: change.accusers }, trusted)
    case "Left":
      return new MemberLeft({ member, missed }, trusted)
  }
}
