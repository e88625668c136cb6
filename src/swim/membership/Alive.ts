/**
 * What happens when a node is said to be alive.
 */
import * as Address from "../../base/Address.ts"
import { isOutside } from "../life/Stage.ts"
import { tellDead } from "../recovery/Reunion.ts"
import { makePlace } from "./Capacity.ts"
import { type Alive, aliveDefect, VERSIONS_LENGTH } from "./Claim.ts"
import * as Conflicts from "./Conflicts.ts"
import type { Directive } from "./Directive.ts"
import type { Entry } from "./Entry.ts"
import {
  aliveChanges,
  aliveEntry,
  claimOf,
  type Env,
  get,
  ignore,
  ignored,
  insert,
  type Membership,
  place,
  replace,
  type Step
} from "./Membership.ts"
import { type AliveComparison, decideAlive, decideNewcomer } from "./Precedence.ts"
import { refute } from "./Refute.ts"

/** Someone claims a node is alive. The caller has replaced port 0 and asked the delegate. memberlist: `aliveNode`. */
export const alive = (m: Membership, claim: Alive, env: Env): Step => {
  const [next, directives] = alivePlaceless(m, claim, env)
  return [next.entries.size > m.entries.size ? place(next, [claim.node], env) : next, directives]
}

/**
 * The same, but a new node does not get its place in the probe ring: a merge gives all of them their places at once,
 * because each change of the ring copies it.
 */
export const alivePlaceless = (m: Membership, claim: Alive, env: Env): Step => {
  const defect = aliveDefect(claim)
  if (defect !== undefined) return [m, [ignored(defect, claim.node)]]
  const previous = get(m, claim.node)
  return previous === undefined
    ? meet(m, firstVersions(claim), env)
    : hear(m, previous, firstVersions(claim), env)
}

const firstVersions = (claim: Alive): Alive =>
  claim.vsn.length === VERSIONS_LENGTH ? claim : { ...claim, vsn: claim.vsn.subarray(0, VERSIONS_LENGTH) }

/** The first we hear of a node. */
const meet = (m: Membership, claim: Alive, env: Env): Step => {
  const ruling = decideNewcomer({
    self: claim.node === m.self,
    leaving: isOutside(m.stage),
    allowed: env.rules.addressAllowed(claim.addr),
    full: isFull(m, env)
  })
  const made = ruling === "TableFull" ? makePlace(m, claim.node, env) : undefined
  if (ruling !== "Insert" && made === undefined) return ignore(m, ruling, claim)
  const own = aliveEntry(claim.node, claim, undefined, env.now, get(m, m.self))
  const entry = env.share?.(own) ?? own
  if (made === undefined) return [insert(m, entry), accepted(entry, undefined, env)]
  const [next, evicted] = made
  return [insert(next, entry), [...evicted, ...accepted(entry, undefined, env)]]
}

/** News of a node we know. */
const hear = (m: Membership, previous: Entry, claim: Alive, env: Env): Step => {
  const ruling = decideAlive(compare(m, previous, claim, env))
  switch (ruling) {
    case "Accept":
    case "TakeOver":
    case "Replace": {
      const entry = aliveEntry(claim.node, claim, previous, env.now)
      const directives = accepted(entry, previous, env)
      switch (ruling) {
        case "Accept":
          return [replace(m, entry), directives]
        case "TakeOver":
          return [replace(m, entry), [{ _tag: "Reclaimed", existing: previous, other: claim }, ...directives]]
        case "Replace":
          return [
            replace({ ...m, conflicts: Conflicts.note(m.conflicts, claim.node, previous, claim, env.now)[0] }, entry),
            [{ _tag: "Conflict", existing: previous, other: claim, replaced: true }, ...directives]
          ]
      }
    }
    case "Refute":
      return refute(m, previous, claim, env)
    case "AddressConflict": {
      const [next, directives] = ignore(m, ruling, claim)
      const [conflicts, untold] = Conflicts.note(m.conflicts, claim.node, previous, claim, env.now)
      if (!untold) return [next, directives]
      const told: Directive = { _tag: "Conflict", existing: previous, other: claim, replaced: false }
      return [{ ...next, conflicts }, [told, ...directives]]
    }
    default: {
      const [next, ignored] = ignore(m, ruling, claim)
      const [after, told] = tellDead(next, claim.node, env)
      return [after, [...ignored, ...told]]
    }
  }
}

const compare = (m: Membership, previous: Entry, claim: Alive, { now, rules }: Env): AliveComparison => {
  const sameAddress = previous.port === claim.port && Address.sameBytes(previous.addr, claim.addr)
  const self = claim.node === m.self
  return {
    state: previous.state,
    order: claim.incarnation - previous.incarnation,
    self,
    leaving: isOutside(m.stage),
    sameAddress,
    allowed: sameAddress || rules.addressAllowed(claim.addr),
    replaceable: rules.nameConflictPolicy === "replace",
    reclaimable: rules.deadNodeReclaimTime > 0
      ? now - previous.stateChangedAt > rules.deadNodeReclaimTime
      : rules.recovery,
    // asked of ourselves alone, and most claims are about others
    identical: self && Address.sameBytes(previous.meta, claim.meta) && Address.sameBytes(previous.vsn, claim.vsn)
  }
}

const accepted = (entry: Entry, previous: Entry | undefined, env: Env): ReadonlyArray<Directive> => [
  { _tag: "Broadcast", key: entry.name, claim: claimOf(entry) },
  ...aliveChanges(entry, previous, env)
]

/** A place is kept for ourselves while we are not in the table. */
const isFull = (m: Membership, env: Env): boolean =>
  m.entries.size + (get(m, m.self) === undefined ? 1 : 0) >= env.rules.maxMembers
