/**
 * What a rule asks for. The rules only compute values; the engine carries out their directives, in the order given,
 * which is the order the state changed.
 */

import type { Findings } from "../suspicion/Findings.ts"
import type { Alive, AliveDefect, Claim } from "./Claim.ts"
import type { Entry } from "./Entry.ts"

export type Directive =
  | Broadcast
  | Publish
  | Refuted
  | Conflict
  | DegradedTimeout
  | Held
  | Reclaimed
  | Reaped
  | Evicted
  | Tell
  | Untold
  | Ignored
  | SplitSuspected
  | Healed
  | Departed

/** Gossip a claim. A queued broadcast with the same key is replaced. */
export interface Broadcast {
  readonly _tag: "Broadcast"
  /**
   * The node's name; `undefined` for a refutation, whose key is no name, so that it does not push an older announcement
   * of ours out of the queue before that was gossiped. (memberlist does the same with the text of our address, which
   * may be a member's name.)
   */
  readonly key: string | undefined
  readonly claim: Claim
}

/** Tell subscribers about a change of the member list. */
export interface Publish {
  readonly _tag: "Publish"
  readonly change: Change
}

/** A claim about us was wrong, and we answered with a higher incarnation. Costs one point of local health. */
export interface Refuted {
  readonly _tag: "Refuted"
  /** The kind of claim that was refuted. */
  readonly by: "Alive" | "Suspect" | "Dead"
  /** Which life of ours it was about: the one since our first announcement, or what somebody remembers from before. */
  readonly about: "ThisLife" | "EarlierLife"
  /** The accuser; an alive claim names none. */
  readonly from: string | undefined
  readonly accusedIncarnation: number
  /** Our new incarnation. Not above the accused one when that is out of reach, or when incarnations are exhausted. */
  readonly incarnation: number
}

/**
 * Tell subscribers and the delegate that two nodes claim one name from different addresses. Asked for once in a while,
 * not with every claim (`Conflicts.ts`).
 */
export interface Conflict {
  readonly _tag: "Conflict"
  /** The member as it was before. */
  readonly existing: Entry
  readonly other: Alive
  /** The name went over to the other one; else the existing one keeps it. */
  readonly replaced: boolean
}

/** A suspicion ran its full time although more confirmations had been hoped for. memberlist: `degraded.timeout`. */
export interface DegradedTimeout {
  readonly _tag: "DegradedTimeout"
  readonly name: string
}

/** The name of a member that had left, or has been dead for long enough, moved to another address. */
export interface Reclaimed {
  readonly _tag: "Reclaimed"
  readonly existing: Entry
  readonly other: Alive
}

/** A dead or left member was forgotten. */
export interface Reaped {
  readonly _tag: "Reaped"
  readonly entry: Entry
}

/** A member that nothing ever came from made place for a newcomer in a full table. */
export interface Evicted {
  readonly _tag: "Evicted"
  readonly entry: Entry
}

/** Send a claim to a member, in a packet of its own. */
export interface Tell {
  readonly _tag: "Tell"
  readonly member: Entry
  readonly claim: Claim
}

/** A claim was not sent to a member: gossip must do. */
export interface Untold {
  readonly _tag: "Untold"
  /** `TooSoon`: the member was told of the same node within the interval; `TooMany`: as many as may be were told. */
  readonly reason: "TooSoon" | "TooMany"
}

/** A claim changed nothing. */
export interface Ignored {
  readonly _tag: "Ignored"
  readonly reason: IgnoreReason
  /** The node it was about. */
  readonly node: string
}

/** Tell subscribers that several members were lost together: they may be on the other side of a split. */
export interface SplitSuspected {
  readonly _tag: "SplitSuspected"
  readonly lost: ReadonlyArray<string>
  /** Who is left, ourselves included. */
  readonly present: ReadonlyArray<string>
}

/** Count and log that a verdict waits, because the fault may be ours. */
export interface Held {
  readonly _tag: "Held"
  readonly entry: Entry
}

/** A member that is remembered as lost has said goodbye. */
export interface Departed {
  readonly _tag: "Departed"
  readonly name: string
}

/** Tell subscribers that the first of those lost together is back, or that the last of them is not missing any more. */
export interface Healed {
  readonly _tag: "Healed"
  /** Who is back; the last may also have said goodbye. */
  readonly entry: Entry
  /** The others that were lost with it, and are not back. */
  readonly missing: ReadonlyArray<string>
}

/** Why a claim changed nothing. */
export type IgnoreReason =
  | AliveDefect
  /** The claim raises a known incarnation by more than `MAX_INCARNATION_JUMP` allows: nobody counts so far. */
  | "IncarnationJump"
  /** The claim is about an older incarnation. */
  | "OldIncarnation"
  /** The alive claim is about the incarnation we know. */
  | "SameIncarnation"
  /** Our own announcement came back to us. */
  | "OwnEcho"
  /** The claim says we are alive, but we are leaving or have left. */
  | "Leaving"
  /** We asked to leave a second time. */
  | "AlreadyLeft"
  /** The claim says we are alive, but we have not announced ourselves yet. */
  | "NotAnnounced"
  /** Suspect and dead claims do not introduce members. */
  | "UnknownMember"
  /** Only a member that is alive can become suspect. */
  | "NotAlive"
  /** Dead stays dead and left stays left. */
  | "AlreadyGone"
  /** This accuser has been counted. */
  | "DuplicateAccuser"
  /** The suspicion has all the confirmations it counts. */
  | "EnoughConfirmations"
  /** The name belongs to a member at another address. */
  | "AddressConflict"
  /** The allow-list does not contain the address. */
  | "AddressNotAllowed"
  /** The member table holds `maxMembers` entries. */
  | "TableFull"
  /** The list of somebody that we were apart from has it as dead: it was told, and may contradict. */
  | "Contested"
  /** The push/pull row has a state that does not exist. */
  | "UnknownState"
  /** A push/pull row about an unknown member was probed, and nobody got an answer. */
  | "HearsayUnanswered"
  /** The same was found wrong lately, and is not probed again so soon. */
  | "HearsayRefuted"
  /** Something else about the same name, at another address, is being verified. */
  | "HearsayElsewhere"
  /** As many rows as are kept wait to be verified. */
  | "HearsayTooMuch"

/** What happened to a member, with the entry right after it. */
export type Change = Joined | Updated | Suspected | Recovered | Failed | Left

/** New, back from dead or left, or moved. */
export interface Joined {
  readonly _tag: "Joined"
  readonly entry: Entry
}

/** Its metadata changed, or its address, when another node was allowed to replace it. */
export interface Updated {
  readonly _tag: "Updated"
  readonly entry: Entry
  readonly previous: Entry
}

/** It was alive and is accused of not answering. */
export interface Suspected {
  readonly _tag: "Suspected"
  readonly entry: Entry
  readonly from: string
  readonly findings: Findings
}

/** It was suspect and refuted. */
export interface Recovered {
  readonly _tag: "Recovered"
  readonly entry: Entry
  readonly findings: Findings
}

/** It was declared dead. */
export interface Failed {
  readonly _tag: "Failed"
  readonly entry: Entry
  readonly from: string
  /** Who had accused it, as far as we counted, first accuser first; empty when it was never suspect here. */
  readonly accusers: ReadonlyArray<string>
  readonly findings: Findings
}

/** It said goodbye. */
export interface Left {
  readonly _tag: "Left"
  readonly entry: Entry
  readonly findings: Findings
}
