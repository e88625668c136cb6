/**
 * What the rules share: reading and changing entries of the table, always as new values.
 */
import * as Address from "../../base/Address.ts"
import { isOutside } from "../life/Stage.ts"
import * as ProbeRing from "../probing/ProbeRing.ts"
import * as Deadlines from "../suspicion/Deadlines.ts"
import { expiry } from "../suspicion/Suspicion.ts"
import { MAX_INCARNATION_JUMP } from "./Claim.ts"
import type { Change, Ignored, IgnoreReason, Publish } from "./Directive.ts"
import { type Entry, isGone } from "./Entry.ts"
import type { Env, Membership, Step } from "./Membership.ts"

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
  ring: ProbeRing.insert(m.ring, names, env.random)
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
 * The live entry of a name, given what was announced last, and the previous entry if there is one. A new member's bytes are
 * compared with `sibling`, another member: nearly all speak the same versions, which need to be in memory only once.
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
export const aliveChanges = (entry: Entry, previous: Entry | undefined): ReadonlyArray<Publish> => {
  if (previous === undefined || isGone(previous)) return [publish({ _tag: "Joined", entry })]
  const changes: Array<Publish> = []
  if (previous.state === "suspect") changes.push(publish({ _tag: "Recovered", entry }))
  const moved = previous.endpoint !== entry.endpoint
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
