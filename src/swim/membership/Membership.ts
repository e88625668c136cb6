/**
 * The member table, and the front of its rules, each of which has a file of its own. A rule takes the table and something that happened, and returns the next table with the
 * directives to carry out. Rules are pure and never throw; time, randomness and settings come in through `Env`.
 *
 * Everything we know is an entry, ourselves included; dead and left members stay for a while, so that late news about
 * them is not taken for a return. (SWIM §4, Lifeguard; memberlist `state.go`.)
 */
import type { PeerAddress } from "../../base/Address.ts"
import type { MemberState } from "../../Member.ts"
import type { FirstHand } from "../gossip/FirstHand.ts"
import * as Tell from "../gossip/Tell.ts"
import * as ProbeRing from "../probing/ProbeRing.ts"
import type { Suspicion } from "../suspicion/Suspicion.ts"
import * as Conflicts from "./Conflicts.ts"
import type { Directive } from "./Directive.ts"
import { isGone } from "./Table.ts"
import { VersionedMap } from "./VersionedMap.ts"

export { nextProbe, reap } from "../probing/Probe.ts"
export { suspect, suspicionExpired, type SuspicionTimer } from "../suspicion/Suspect.ts"
export { alive, announce, outbid, type Own } from "./Alive.ts"
export { dead, leave } from "./Dead.ts"
export { merge } from "./Merge.ts"
export { oldAccusation, oldNews } from "./OldNews.ts"

/** What we know about one member. */
export interface Entry {
  readonly name: string
  /** The 4 or 16 address bytes it announced. */
  readonly addr: Uint8Array
  readonly port: number
  /** The same address for people and sockets. */
  readonly endpoint: PeerAddress
  readonly meta: Uint8Array | null
  /** `[PMin, PMax, PCur, DMin, DMax, DCur]` */
  readonly vsn: Uint8Array
  readonly incarnation: number
  readonly state: MemberState
  /** When `state` last changed, in milliseconds on the monotonic clock. */
  readonly stateChangedAt: number
  /** Present exactly while the state is `suspect`. */
  readonly suspicion: Suspicion | undefined
}

export interface Membership {
  /** Our own name. */
  readonly self: string
  readonly entries: VersionedMap<Entry>
  /** The names of all entries, in probing order. */
  readonly ring: ProbeRing.ProbeRing
  /**
   * The number of entries of any state, on which every scaled limit and timeout is based. memberlist: `numNodes`.
   */
  readonly estimate: number
  /** The highest incarnation we announced, or heard about ourselves while we were not a member. */
  readonly incarnation: number
  /** We are leaving or have left: claims about us are no longer refuted. */
  readonly leaving: boolean
  /** The token of the next suspicion. */
  readonly nextToken: number
  /** The name conflicts that were told lately. */
  readonly conflicts: Conflicts.Conflicts
  /** The claims that were sent straight to a member lately. */
  readonly told: Tell.Tells
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

/** A table without any entry; `announce` adds our own. */
export const make = (self: string): Membership => ({
  self,
  entries: VersionedMap.empty(),
  ring: ProbeRing.empty,
  estimate: 0,
  incarnation: 0,
  leaving: false,
  nextToken: 1,
  conflicts: Conflicts.none,
  told: Tell.none
})

/** The member list: everybody alive or suspect, ourselves included, in no particular order. */
export const members = (m: Membership): ReadonlyArray<Entry> => {
  const present: Array<Entry> = []
  for (const entry of m.entries.values()) if (!isGone(entry)) present.push(entry)
  return present
}
