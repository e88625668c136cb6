/**
 * What this node says about itself: that it is there, what it is, that it goes. When it says so is decided in
 * `Stage.ts`.
 */
import type { Alive, Dead } from "../membership/Claim.ts"
import { dead } from "../membership/Dead.ts"
import type { Directive } from "../membership/Directive.ts"
import {
  aliveChanges,
  aliveEntry,
  claimOf,
  type Decision,
  type Env,
  get,
  insert,
  learned,
  type Membership,
  place,
  replace,
  type Step
} from "../membership/Membership.ts"
import { nextIncarnation } from "../membership/Refute.ts"
import * as Stage from "./Stage.ts"

/** What we announce about ourselves. */
export interface Own {
  /** 4 or 16 address bytes. */
  readonly addr: Uint8Array
  readonly port: number
  /** At most 512 bytes. */
  readonly meta: Uint8Array | null
  /** Six bytes. */
  readonly vsn: Uint8Array
}

/** A join's introduction of us to somebody. */
export interface Introduction {
  /** Names the join; `settle` is told the same. */
  readonly join: number
  /** The incarnation at which another node has our name, where we are to take it over. */
  readonly above?: number | undefined
  /** The node joins by itself, which is no way back for one that has left. */
  readonly byItself?: boolean | undefined
}

/** A step, and why nothing happened. */
type Decided = Decision<Stage.Refused | undefined>

/**
 * Announces us for the first time, above `floor`: the highest incarnation that we may have announced before a restart.
 * memberlist: `setAlive`, which knows no earlier life.
 */
export const start = (m: Membership, own: Own, env: Env, floor = 0): Decided =>
  live({ ...m, incarnation: Math.max(m.incarnation, floor) }, { _tag: "Start" }, own, env)

/** Announces new metadata, unless we left. memberlist: `UpdateNode`. */
export const update = (m: Membership, own: Own, env: Env): Decided => live(m, { _tag: "Update" }, own, env)

/**
 * Introduces us to a peer that a join is about to send our list to. After a leave it announces us again, with the
 * metadata we had. With `above` it announces us above that incarnation, so that members with the policy `replace` give
 * us the name; we never give ours away: a node that is replaced goes on, and is told of the conflict.
 */
export const introduce = (
  m: Membership,
  own: Omit<Own, "meta">,
  { above, byItself, join }: Introduction,
  env: Env
): Decided => {
  const whole = { ...own, meta: get(m, m.self)?.meta ?? null }
  const call: Stage.Call = { _tag: "Introduce", join, byItself }
  if (above === undefined) return live(m, call, whole, env)
  const knowing = { ...m, incarnation: learned(m, above) }
  const [next, directives, refused] = live(knowing, call, whole, env)
  // not announced by that already: only who returns is
  return refused !== undefined || directives.length > 0
    ? [next, directives, refused]
    : [...alive(next, whole, env), refused]
}

/**
 * Announces us above the incarnation at which another node has our name, unless we are outside or above it already. A
 * join that introduced us above what it was told may find more when it reads the peer's list again.
 */
export const takeName = (m: Membership, own: Omit<Own, "meta">, above: number, env: Env): Step => {
  const entry = get(m, m.self)
  if (entry === undefined || Stage.isOutside(m.stage) || entry.incarnation > above) return [m, nothing]
  return alive({ ...m, incarnation: learned(m, above) }, { ...own, meta: entry.meta }, env)
}

/** Ends an introduction. When none after a leave was answered, we say goodbye again. */
export const settle = (m: Membership, join: number, answered: boolean, env: Env): Decided =>
  live(m, { _tag: "Settle", join, answered }, undefined, env)

/** Leaves the cluster: says goodbye, and refutes nothing from now on. A join is the way back. memberlist: `Leave`. */
export const leave = (m: Membership, env: Env): Decided => live(m, { _tag: "Leave" }, undefined, env)

/** Ends our life. Answers the goodbye; nobody needs one who was never announced. */
export const close = (m: Membership, env: Env): Decision<Dead | undefined> => {
  const [next, directives] = live(m, { _tag: "Close" }, undefined, env)
  return [next, directives, m.stage._tag === "Unannounced" ? undefined : goodbye(next)]
}

/** The claim that we left. */
export const goodbye = (m: Membership): Dead => ({
  _tag: "Dead",
  incarnation: get(m, m.self)?.incarnation ?? m.incarnation,
  node: m.self,
  from: m.self
})

/** Does what the state machine decides. */
const live = (
  m: Membership,
  call: Stage.Call,
  own: Own | undefined,
  env: Env
): Decided => {
  const { refused, says, stage } = Stage.decide(m.stage, call)
  const next = stage === m.stage ? m : { ...m, stage }
  switch (says) {
    case "Alive":
      return own === undefined ? [next, nothing, refused] : [...alive(next, own, env), refused]
    case "Goodbye":
      return [...dead(next, goodbye(m), env), refused]
    case "Nothing":
      return [next, nothing, refused]
  }
}

const nothing: ReadonlyArray<Directive> = []

/** Says that we are alive, with an incarnation above everything known of us. The table always has room for us. */
const alive = (m: Membership, own: Own, env: Env): Step => {
  const previous = get(m, m.self)
  const incarnation = nextIncarnation(m, previous?.incarnation ?? 0)
  const entry = aliveEntry(m.self, { ...own, incarnation }, previous, env.now)
  const known = previous === undefined ? place(insert(m, entry), [m.self], env) : replace(m, entry)
  const claim: Alive = claimOf(entry)
  return [
    { ...known, incarnation },
    [{ _tag: "Broadcast", key: m.self, claim }, ...aliveChanges(entry, previous, env)]
  ]
}
