/**
 * From the rules' records to what users see: members and events, immutable snapshots.
 *
 * @since 0.1.0
 */
import { Member, type MemberState } from "../../Member.ts"
import {
  MemberConflict,
  type MemberEvent,
  MemberFailed,
  MemberJoined,
  MemberLeft,
  MemberRecovered,
  MemberSuspected,
  MemberUpdated
} from "../../MemberEvent.ts"
import { RemoteState } from "../../swim/membership/Claim.ts"
import type { Change, Conflict } from "../../swim/membership/Directive.ts"
import type { Entry } from "../../swim/membership/Entry.ts"
import { type Announced, members, type Membership } from "../../swim/membership/Membership.ts"
import type { Delivery } from "./Hub.ts"

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

const states: ReadonlyMap<number, MemberState> = new Map(
  (["alive", "suspect", "dead", "left"] as const).map((state) => [RemoteState[state], state])
)

/** The state that a row of a peer's list gives as a number. */
export const stateOf = (number: number): MemberState | undefined => states.get(number)

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

export const eventOf = ({ missed, value: change }: Delivery<Change | Conflict>): MemberEvent => {
  if (change._tag === "Conflict") {
    const { existing, other, replaced } = change
    return new MemberConflict(
      { member: memberOf(existing), missed, other: claimed(other, other.node, "alive"), replaced },
      trusted
    )
  }
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
