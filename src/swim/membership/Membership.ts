/**
 * The state that the rules decide on. A rule takes it and something that happened, and returns the next state with the
 * directives to carry out. Rules are pure and never throw; time, randomness and settings come in through `Env`.
 *
 * Everything we know is an entry, ourselves included; dead and left members stay for a while, so that late news about
 * them is not taken for a return. (SWIM §4, Lifeguard; memberlist `state.go`.)
 */
import * as Address from "../../base/Address.ts"
import { VersionedMap } from "../../base/VersionedMap.ts"
import type { FirstHand } from "../gossip/FirstHand.ts"
import * as Stage from "../life/Stage.ts"
import { isOutside } from "../life/Stage.ts"
import * as ProbeRing from "../probing/ProbeRing.ts"
import * as Hearsay from "../recovery/Hearsay.ts"
import * as LostPeers from "../recovery/LostPeers.ts"
import * as Deadlines from "../suspicion/Deadlines.ts"
import * as Findings from "../suspicion/Findings.ts"
import { expiry } from "../suspicion/Suspicion.ts"
import { MAX_INCARNATION_JUMP } from "./Claim.ts"
import * as Conflicts from "./Conflicts.ts"
import { type Change, type Directive, type Ignored, type IgnoreReason, type Publish } from "./Directive.ts"
import { type Entry, isGone } from "./Entry.ts"
import type { Comparison } from "./Precedence.ts"

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
  /** Members that failed, and are remembered for longer than their entries. */
  readonly lost: LostPeers.LostPeers
  /** What others say about unknown members, until it is verified. */
  readonly hearsay: Hearsay.Hearsay
}

/** A claim that was sent straight to a member. */
export interface Told {
  readonly member: string
  /** The node the claim was about. */
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
  /** 0: a dead member gives up its name to another address at once with `recovery`, and never without. */
  readonly deadNodeReclaimTime: number
  /** How long dead and left members are remembered. */
  readonly gossipToTheDeadTime: number
  /** The most entries the table holds, ourselves included. */
  readonly maxMembers: number
  readonly addressAllowed: (addr: Uint8Array) => boolean
  /** Who has a name that two nodes claim: the one we knew first, or the one with the higher incarnation. */
  readonly nameConflictPolicy: "keep" | "replace"
  /** Whether lost members are remembered, and whoever is held for dead is told. */
  readonly recovery: boolean
  /** Whether what others say about unknown members is believed only when a probe, or somebody else, confirms it. */
  readonly verifies: boolean
  /** How often all members of a side together try to find lost ones, on average. */
  readonly healInterval: number
  /** The most lost members remembered. */
  readonly maxLost: number
  /** How long they are remembered. */
  readonly lostTime: number
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
  /** Our score of local health; absent: 0. */
  readonly health?: number | undefined
  /**
   * When a packet last came from any member, in monotonic milliseconds; `-Infinity`: never; absent: nobody knows.
   */
  readonly heardAt?: number | undefined
  /** An equal entry for a newcomer's, with parts that are in memory already; absent: each entry has its own. */
  readonly share?: ((entry: Entry) => Entry) | undefined
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
  told: [],
  lost: LostPeers.none,
  hearsay: Hearsay.none
})

/** The member list: everybody alive or suspect, ourselves included, in no particular order. */
export const members = (m: Membership): ReadonlyArray<Entry> => {
  const present: Array<Entry> = []
  for (const entry of m.entries.values()) if (!isGone(entry)) present.push(entry)
  return present
}

export const get = (m: Membership, name: string): Entry | undefined => m.entries.get(name)

/** Replaces the entry of a known name. */
export const replace = (m: Membership, entry: Entry): Membership => ({
  ...m,
  entries: m.entries.with(entry.name, entry),
  deadlines: entry.suspicion === undefined
    ? m.deadlines
    : Deadlines.add(m.deadlines, { name: entry.name, at: expiry(entry.suspicion) })
})

/** Adds the entry of a new name. Its place in the probe ring is given by the caller, who may have many to add. */
export const insert = (m: Membership, entry: Entry): Membership => ({
  ...replace(m, entry),
  othersSince: m.othersSince ?? (entry.name === m.self ? undefined : entry.stateChangedAt)
})

/** Gives new names their places in the probe ring. */
export const place = (m: Membership, names: ReadonlyArray<string>, env: Env): Membership => ({
  ...m,
  ring: ProbeRing.insert(
    m.ring,
    env.share === undefined ? names : names.map((name) => get(m, name)?.name ?? name),
    env.random
  )
})

/** What an alive claim, or our own announcement, tells of a member. Its bytes are kept, and never changed. */
export interface Announced {
  readonly incarnation: number
  readonly addr: Uint8Array
  readonly port: number
  readonly meta: Uint8Array | null
  readonly vsn: Uint8Array
}

/**
 * The live entry of a name, given what was announced last, and the previous entry if there is one. A new member's bytes
 * are compared with `sibling`, another member: nearly all speak the same versions, which need to be in memory only
 * once.
 */
export const aliveEntry = (
  name: string,
  announced: Announced,
  previous: Entry | undefined,
  now: number,
  sibling?: Entry
): Entry => {
  const addr = keep(announced.addr, previous?.addr)
  const moved = previous === undefined || previous.addr !== addr || previous.port !== announced.port
  return {
    name,
    addr,
    port: announced.port,
    endpoint: moved ? { ip: Address.ipText(addr) ?? "", port: announced.port, name } : previous.endpoint,
    meta: announced.meta === null ? null : keep(announced.meta, previous?.meta ?? undefined),
    vsn: keep(announced.vsn, (previous ?? sibling)?.vsn),
    incarnation: announced.incarnation,
    state: "alive",
    stateChangedAt: previous?.state === "alive" ? previous.stateChangedAt : now,
    suspicion: undefined
  }
}

/** The same bytes where they are known already, else those received. */
const keep = (received: Uint8Array, known: Uint8Array | undefined): Uint8Array =>
  known !== undefined && Address.sameBytes(received, known) ? known : received

/** The alive claim an entry stands for. */
export const claimOf = (entry: Entry) =>
  ({
    _tag: "Alive",
    incarnation: entry.incarnation,
    node: entry.name,
    addr: entry.addr,
    port: entry.port,
    meta: entry.meta,
    vsn: entry.vsn
  }) as const

/** The changes to publish when an entry became, or stayed, alive. */
export const aliveChanges = (entry: Entry, previous: Entry | undefined, env: Env): ReadonlyArray<Publish> => {
  if (previous === undefined || isGone(previous)) return [publish({ _tag: "Joined", entry })]
  const changes: Array<Publish> = []
  const moved = previous.endpoint !== entry.endpoint
  if (previous.state === "suspect") {
    const findings = Findings.ofChange(moved ? "Replaced" : "Refuted", entry, entry.name, previous.suspicion, env)
    changes.push(publish({ _tag: "Recovered", entry, findings }))
  }
  if (moved || !Address.sameBytes(previous.meta, entry.meta)) {
    changes.push(publish({ _tag: "Updated", entry, previous }))
  }
  return changes
}

export const publish = (change: Change): Publish => ({ _tag: "Publish", change })

export const ignored = (reason: IgnoreReason, node: string): Ignored => ({ _tag: "Ignored", reason, node })

/**
 * The highest incarnation of ours that is known after `heard`. What is too far above the one announced last teaches
 * nothing: peers would refuse it from us.
 */
export const learned = (m: Membership, heard: number): number => {
  const announced = get(m, m.self)?.incarnation ?? 0
  return heard - announced < MAX_INCARNATION_JUMP ? Math.max(m.incarnation, heard) : m.incarnation
}

/**
 * Ignores a claim. While we are not a member nothing is refuted, but what is said about us is remembered, so that our
 * next announcement is above it.
 */
export const ignore = (
  m: Membership,
  reason: IgnoreReason,
  claim: { readonly node: string; readonly incarnation: number }
): Step => {
  const outside = isOutside(m.stage) || get(m, m.self) === undefined
  const incarnation = claim.node === m.self && outside ? learned(m, claim.incarnation) : m.incarnation
  return [incarnation === m.incarnation ? m : { ...m, incarnation }, [ignored(reason, claim.node)]]
}

/** A claim compared with the entry of its node. */
export const compare = (
  m: Membership,
  entry: Entry,
  claim: { readonly node: string; readonly incarnation: number }
): Comparison => ({
  state: entry.state,
  order: claim.incarnation - entry.incarnation,
  self: claim.node === m.self,
  leaving: isOutside(m.stage)
})
