/**
 * What the tests of the rules share: a membership in a known state, claims with defaults, and a seeded generator.
 */
import * as Option from "effect/Option"
import type { MemberState } from "../../src/Member.ts"
import * as Announcement from "../../src/swim/life/Announcement.ts"
import * as AliveRule from "../../src/swim/membership/Alive.ts"
import type { Alive, Dead, RemoteEntry, Suspect } from "../../src/swim/membership/Claim.ts"
import * as DeadRule from "../../src/swim/membership/Dead.ts"
import type { Directive } from "../../src/swim/membership/Directive.ts"
import type * as Entry from "../../src/swim/membership/Entry.ts"
import * as Membership from "../../src/swim/membership/Membership.ts"
import * as Table from "../../src/swim/membership/Membership.ts"
import type { Remembered } from "../../src/swim/recovery/LostPeers.ts"
import * as AccuseRule from "../../src/swim/suspicion/Accuse.ts"

export const SELF = "self"
export const OTHER = "other"
export const VSN = Uint8Array.of(1, 5, 2, 0, 0, 0)

/** A small generator of numbers in [0, 1) that depends on its seed alone (mulberry32). */
export const seeded = (seed: number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** memberlist's LAN defaults. */
export const lan: Membership.Rules = {
  probeInterval: 1000,
  suspicionMult: 4,
  suspicionMaxTimeoutMult: 6,
  deadNodeReclaimTime: 0,
  gossipToTheDeadTime: 30_000,
  maxMembers: 65_536,
  nameConflictPolicy: "keep",
  recovery: false,
  verifies: false,
  healInterval: 10_000,
  maxLost: 256,
  lostTime: 86_400_000,
  addressAllowed: () => true
}

export const env = (
  options: { readonly now?: number; readonly random?: () => number; readonly rules?: Partial<Membership.Rules> } = {}
): Membership.Env => ({
  now: options.now ?? 0,
  random: options.random ?? seeded(1),
  rules: { ...lan, ...options.rules }
})

export const ip = (last: number): Uint8Array => Uint8Array.of(10, 0, 0, last)

export const alive = (node: string, incarnation: number, more: Partial<Alive> = {}): Alive => ({
  _tag: "Alive",
  incarnation,
  node,
  addr: ip(1),
  port: 7946,
  meta: null,
  vsn: VSN,
  ...more
})

export const suspect = (node: string, incarnation: number, from: string): Suspect => ({
  _tag: "Suspect",
  incarnation,
  node,
  from
})

export const dead = (node: string, incarnation: number, from: string): Dead => ({
  _tag: "Dead",
  incarnation,
  node,
  from
})

export const row = (
  name: string,
  incarnation: number,
  state: number,
  more: Partial<RemoteEntry> = {}
): RemoteEntry => ({
  name,
  addr: ip(1),
  port: 7946,
  meta: null,
  incarnation,
  state,
  vsn: VSN,
  ...more
})

/** Announces us, whatever came before: at the start, anew, or by a join that is answered after a leave. */
export const announce = (m: Membership.Membership, own: Announcement.Own, env: Membership.Env): Membership.Step => {
  const [next, directives] = m.stage._tag === "Unannounced"
    ? Announcement.start(m, own, env)
    : m.stage._tag === "Present"
    ? Announcement.update(m, own, env)
    : Announcement.introduce(m, own, { join: 1 }, env)
  const [settled, more] = Announcement.settle(next, 1, true, env)
  return [settled, [...directives, ...more]]
}

/** Leaves. */
export const leave = (m: Membership.Membership, env: Membership.Env): Membership.Step => {
  const [next, directives] = Announcement.leave(m, env)
  return [next, directives]
}

/** Introduces us to a peer that knows somebody else under our name. */
export const outbid = (
  m: Membership.Membership,
  own: Announcement.Own,
  above: number,
  env: Membership.Env
): Membership.Step => {
  const [next, directives] = Announcement.introduce(m, own, { join: 1, above }, env)
  return [next, directives]
}

export const own: Announcement.Own = { addr: ip(1), port: 7946, meta: null, vsn: VSN }

/** Our own table right after the first announcement. */
export const started = (): Membership.Membership => announce(Membership.make(SELF), own, env())[0]

/** Several rules in turn: the last table, and every directive. */
export const run = (
  m: Membership.Membership,
  ...rules: ReadonlyArray<(m: Membership.Membership) => Membership.Step>
): readonly [Membership.Membership, ReadonlyArray<Directive>] => {
  const all: Array<Directive> = []
  let next = m
  for (const rule of rules) {
    const [after, directives] = rule(next)
    all.push(...directives)
    next = after
  }
  return [next, all]
}

/** A started table that also knows `names`, all alive at incarnation 1. */
export const cluster = (...names: ReadonlyArray<string>): Membership.Membership =>
  run(started(), ...names.map((name) => (m: Membership.Membership) => AliveRule.alive(m, alive(name, 1), env())))[0]

/** The entry of a name that must be there. */
export const entry = (m: Membership.Membership, name: string): Entry.Entry =>
  Option.getOrThrow(Option.fromUndefinedOr(m.entries.get(name)))

/** What is remembered of a member that was lost. */
export const remembered = (name: string, port = 7946, incarnation = 1): Remembered => ({
  name,
  addr: ip(9),
  port,
  endpoint: { ip: "10.0.0.9", port },
  meta: null,
  vsn: VSN,
  incarnation
})

export const has = (m: Membership.Membership, name: string): boolean => m.entries.has(name)

/** The table with one entry forced into a state, whatever the rules would say. */
export const force = (
  m: Membership.Membership,
  name: string,
  changes: Partial<Entry.Entry>
): Membership.Membership => Table.replace(m, { ...entry(m, name), ...changes })

/** A started table in which `other` has this state and incarnation since time 0. */
export const known = (state: MemberState, incarnation: number): Membership.Membership => {
  const [m] = AliveRule.alive(started(), alive(OTHER, incarnation), env())
  switch (state) {
    case "alive":
      return m
    case "suspect":
      return AccuseRule.suspect(m, suspect(OTHER, incarnation, "accuser"), env())[0]
    case "dead":
      return DeadRule.dead(m, dead(OTHER, incarnation, "accuser"), env())[0]
    case "left":
      return DeadRule.dead(m, dead(OTHER, incarnation, OTHER), env())[0]
  }
}

/** A directive in a word: its tag with what identifies it. */
export const word = (directive: Directive): string => {
  switch (directive._tag) {
    case "Broadcast":
      return `Broadcast ${directive.claim._tag} ${directive.key ?? "in answer"}`
    case "Publish":
      return directive.change._tag
    case "Ignored":
      return `Ignored ${directive.reason}`
    default:
      return directive._tag
  }
}

export const words = (directives: ReadonlyArray<Directive>): ReadonlyArray<string> => directives.map(word)
