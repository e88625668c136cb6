/**
 * Which update wins. Everything that decides whether a claim changes what we know is here, and nothing else is: a
 * ruling depends only on how the claim compares with the entry of its node, so that every case can be listed and
 * tested.
 */
import type { MemberState } from "../../Member.ts"
import { MAX_INCARNATION_JUMP } from "./Claim.ts"

/** A claim compared with the entry of its node. */
export interface Comparison {
  /** The state of the entry. */
  readonly state: MemberState
  /** The claim's incarnation against the entry's: below 0 when older, 0 when equal, above 0 when newer. */
  readonly order: number
  /** The claim is about ourselves. */
  readonly self: boolean
  /** We are leaving or have left. */
  readonly leaving: boolean
}

/** An alive claim compared with the entry of its node. */
export interface AliveComparison extends Comparison {
  /** The claim has the address bytes and the port of the entry. */
  readonly sameAddress: boolean
  /** The allow-list contains the claim's address. */
  readonly allowed: boolean
  /** The entry has been dead for long enough to give up its name. */
  readonly reclaimable: boolean
  /** The policy gives the name of a member to whoever claims it with a higher incarnation. */
  readonly replaceable: boolean
  /** The claim, about ourselves, has the metadata and the versions of the entry. */
  readonly identical: boolean
}

/** An alive claim about a node that has no entry. */
export interface Newcomer {
  readonly self: boolean
  readonly leaving: boolean
  readonly allowed: boolean
  /** The table has no room for one more. */
  readonly full: boolean
}

/** An alive claim about a node that has no entry: `Insert`, or why it is ignored. */
export const decideNewcomer = ({ allowed, full, leaving, self }: Newcomer) => {
  if (self) return leaving ? "Leaving" : "NotAnnounced"
  if (!allowed) return "AddressNotAllowed"
  return full ? "TableFull" : "Insert"
}

/**
 * An alive claim about a node we know: `Accept`, `TakeOver` (accept at another address, because the name is free),
 * `Replace` (the same, although it is not), `Refute`, or why it is ignored.
 */
export const decideAlive = (comparison: AliveComparison) => {
  const { allowed, order, reclaimable, replaceable, sameAddress, self, state } = comparison
  if (self) return decideAliveSelf(comparison)
  if (!sameAddress) {
    if (!allowed) return "AddressNotAllowed"
    // Whoever comes with a name that is free to take need not know the incarnation its last owner had reached.
    if (state === "left" || (state === "dead" && reclaimable)) return "TakeOver"
    // Only a higher incarnation: at an equal one each of the two would replace the other, forever, at every member.
    if (!replaceable || order <= 0) return "AddressConflict"
    if (order > MAX_INCARNATION_JUMP) return "IncarnationJump"
    return state === "dead" ? "TakeOver" : "Replace"
  }
  if (order > MAX_INCARNATION_JUMP) return "IncarnationJump"
  if (order > 0) return "Accept"
  return order === 0 ? "SameIncarnation" : "OldIncarnation"
}

const decideAliveSelf = ({ allowed, identical, leaving, order, sameAddress }: AliveComparison) => {
  if (leaving) return "Leaving"
  if (!sameAddress) return allowed ? "AddressConflict" : "AddressNotAllowed"
  if (order < 0) return "OldIncarnation"
  // At equal incarnation the claim may come from our life before a restart, with other metadata or versions.
  return order === 0 && identical ? "OwnEcho" : "Refute"
}

/**
 * A suspect claim about a node we know: `Accept`, `Confirm` (one more who accuses a suspect), `Refute`, or why it is
 * ignored.
 */
export const decideSuspect = ({ order, self, state }: Comparison) => {
  if (order < 0) return "OldIncarnation"
  if (state === "dead" || state === "left") return "NotAlive"
  if (self && state === "alive") return "Refute"
  if (order >= MAX_INCARNATION_JUMP) return "IncarnationJump"
  return state === "suspect" ? "Confirm" : "Accept"
}

/** A dead claim about a node we know: `Accept`, `Refute`, or why it is ignored. */
export const decideDead = ({ leaving, order, self, state }: Comparison) => {
  if (order < 0) return "OldIncarnation"
  if (state === "dead" || state === "left") return "AlreadyGone"
  if (self && !leaving) return "Refute"
  return order >= MAX_INCARNATION_JUMP ? "IncarnationJump" : "Accept"
}
