/**
 * The state that the rules decide on. A rule takes it and something that happened, and returns the next state with the
 * directives to carry out. Rules are pure and never throw; time, randomness and settings come in through `Env`.
 *
 * Everything we know is an entry, ourselves included; dead and left members stay for a while, so that late news about
 * them is not taken for a return. (SWIM §4, Lifeguard; memberlist `state.go`.)
 */
import type { FirstHand } from "../gossip/FirstHand.ts"
import * as Stage from "../life/Stage.ts"
import * as ProbeRing from "../probing/ProbeRing.ts"
import * as Deadlines from "../suspicion/Deadlines.ts"
import * as Conflicts from "./Conflicts.ts"
import type { Directive } from "./Directive.ts"
import { type Entry, isGone } from "./Entry.ts"
import { VersionedMap } from "./VersionedMap.ts"

export interface Membership {
  /** Our own name. */
  readonly self: string
  /**
   * Everybody we know, in whatever state. Their number is what every scaled limit and timeout is based on. memberlist:
   * `nodeMap`, `numNodes`.
   */
  readonly entries: VersionedMap<Entry>
  /** The names of all entries, in probing order. */
  readonly ring: ProbeRing.ProbeRing
  /** The highest incarnation we announced, or heard about ourselves while we were not a member. */
  readonly incarnation: number
  /** When we first knew of another node, in monotonic milliseconds: before that, nobody can have probed us. */
  readonly othersSince: number | undefined
  readonly stage: Stage.Stage
  /** When the suspicions end. An entry brings its own into it with its way into the table (`Table.ts`). */
  readonly deadlines: Deadlines.Deadlines
  /** The name conflicts that were told lately. */
  readonly conflicts: Conflicts.Conflicts
  /** The claims that were sent straight to a member lately. */
  readonly told: ReadonlyArray<Told>
}

/** A claim that was sent straight to a member. */
export interface Told {
  readonly member: string
  /** Whom the claim was about. */
  readonly about: string
  readonly at: number
  readonly firstHand: boolean
}

/** The settings the rules depend on; durations in milliseconds. Names as in memberlist's `Config`. */
export interface Rules {
  readonly probeInterval: number
  readonly suspicionMult: number
  readonly suspicionMaxTimeoutMult: number
  /** Lifeguard's K; `suspicionMult` − 2 when absent. */
  readonly suspicionConfirmations?: number | undefined
  /** 0: a dead member never gives up its name to another address. */
  readonly deadNodeReclaimTime: number
  /** How long dead and left members are remembered. */
  readonly gossipToTheDeadTime: number
  /** The most entries the table holds, ourselves included. */
  readonly maxMembers: number
  readonly addressAllowed: (addr: Uint8Array) => boolean
  /** Who has a name that two nodes claim: the one we knew first, or the one with the higher incarnation. */
  readonly nameConflictPolicy: "keep" | "replace"
}

/** What memberlist does where it differs from the Lifeguard paper, or what the paper says. */
export type Profile = "memberlist" | "paper"

/** What surrounds one rule. */
export interface Env {
  /** Milliseconds on the monotonic clock. */
  readonly now: number
  /** A random number in [0, 1). */
  readonly random: () => number
  readonly rules: Rules
  /** Who was heard from first-hand; absent: nobody knows. */
  readonly firstHand?: FirstHand | undefined
}

/** The next table, and what to do about the change, in the order of the change. */
export type Step = readonly [Membership, ReadonlyArray<Directive>]

/** A step with an answer to whoever asked for it. */
export type Decision<A> = readonly [Membership, ReadonlyArray<Directive>, A]

/** A table without any entry; `announce` adds our own. */
export const make = (self: string): Membership => ({
  self,
  entries: VersionedMap.empty(),
  ring: ProbeRing.empty,
  incarnation: 0,
  othersSince: undefined,
  stage: Stage.unannounced,
  deadlines: Deadlines.none,
  conflicts: Conflicts.none,
  told: []
})

/** The member list: everybody alive or suspect, ourselves included, in no particular order. */
export const members = (m: Membership): ReadonlyArray<Entry> => {
  const present: Array<Entry> = []
  for (const entry of m.entries.values()) if (!isGone(entry)) present.push(entry)
  return present
}
