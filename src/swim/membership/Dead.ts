/**
 * What happens when a node is declared dead, or says goodbye.
 */
import * as Hearsay from "../recovery/Hearsay.ts"
import * as LostPeers from "../recovery/LostPeers.ts"
import * as Findings from "../suspicion/Findings.ts"
import { type Dead, nameDefect, withAccuser } from "./Claim.ts"
import type { Change } from "./Directive.ts"
import type { Entry } from "./Entry.ts"
import { compare, type Env, get, ignore, type Membership, publish, replace, type Step } from "./Membership.ts"
import { decideDead } from "./Precedence.ts"
import { refute, remind } from "./Refute.ts"

/** Someone claims a node is dead or, when it is its own claim, has left. memberlist: `deadNode`. */
export const dead = (m: Membership, received: Dead, env: Env): Step => {
  const [next, directives] = decide(m, received, env)
  // also of a member that was held for dead before, or is forgotten
  if (!env.rules.recovery || !LostPeers.departed(m.lost, received)) return [next, directives]
  return [next, [{ _tag: "Departed", name: received.node }, ...directives]]
}

const decide = (m: Membership, received: Dead, env: Env): Step => {
  const previous = get(m, received.node)
  if (previous === undefined) {
    return ignore(withoutHearsay(m, received, env), nameDefect(received.node) ?? "UnknownMember", received)
  }
  const claim = withAccuser(received)
  const ruling = decideDead(compare(m, previous, claim))
  switch (ruling) {
    case "Accept":
      return declareDead(m, previous, claim, "Declared", env)
    case "Refute":
      return refute(m, previous, claim, env)
    case "OldIncarnation":
      return claim.node === m.self ? remind(m, previous, claim, env) : ignore(m, ruling, claim)
    default:
      return ignore(m, ruling, claim)
  }
}

/** Whoever says that it is gone knows more than who says that it is there, unless it has come back since. */
const withoutHearsay = (m: Membership, { incarnation, node }: Dead, { now }: Env): Membership => {
  const found = Hearsay.find(m.hearsay, node)
  return found === undefined || found.row.incarnation > incarnation
    ? m
    : { ...m, hearsay: Hearsay.refute(m.hearsay, node, now) }
}

/** Makes a member dead, or left if it is its own claim. */
export const declareDead = (
  m: Membership,
  previous: Entry,
  claim: Dead,
  why: "Declared" | "Expired",
  env: Env
): Step => {
  const left = claim.from === claim.node
  const entry: Entry = {
    ...previous,
    incarnation: claim.incarnation,
    state: left ? "left" : "dead",
    stateChangedAt: env.now,
    suspicion: undefined
  }
  const { suspicion } = previous
  const findings = Findings.ofChange(left ? "Goodbye" : why, entry, claim.from, suspicion, env)
  const change: Change = left
    ? { _tag: "Left", entry, findings }
    : { _tag: "Failed", entry, from: claim.from, accusers: suspicion?.accusers ?? [], findings }
  return [
    replace(m, entry),
    [{ _tag: "Broadcast", key: entry.name, claim }, publish(change)]
  ]
}
