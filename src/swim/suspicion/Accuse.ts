/**
 * What happens when a node is accused of not answering, and which accusation we make ourselves.
 */
import type { FailedProbe } from "../../Verdict.ts"
import { tellSuspect } from "../gossip/Tell.ts"
import { nameDefect, type Suspect, withAccuser } from "../membership/Claim.ts"
import type { Directive } from "../membership/Directive.ts"
import type { Entry } from "../membership/Entry.ts"
import {
  compare,
  type Env,
  get,
  ignore,
  type Membership,
  publish,
  replace,
  type Step
} from "../membership/Membership.ts"
import { decideSuspect } from "../membership/Precedence.ts"
import { refute, remind } from "../membership/Refute.ts"
import * as Findings from "./Findings.ts"
import * as Suspicion from "./Suspicion.ts"

/**
 * Someone, perhaps we, got no answer from a node. `probe`: what we tried, if it is our own accusation. memberlist:
 * `suspectNode`.
 */
export const suspect = (m: Membership, received: Suspect, env: Env, probe?: FailedProbe): Step => {
  const previous = get(m, received.node)
  if (previous === undefined) return ignore(m, nameDefect(received.node) ?? "UnknownMember", received)
  const claim = withAccuser(received)
  const ruling = decideSuspect(compare(m, previous, claim))
  switch (ruling) {
    case "Accept":
      return accuse(m, previous, claim, env, probe)
    case "Confirm":
      return confirm(m, previous, claim, env, probe)
    case "Refute":
      return refute(m, previous, claim, env)
    case "OldIncarnation":
      return claim.node === m.self ? remind(m, previous, claim, env) : ignore(m, ruling, claim)
    default:
      return ignore(m, ruling, claim)
  }
}

const broadcast = (claim: Suspect): Directive => ({
  _tag: "Broadcast",
  key: claim.node,
  claim
})

const accuse = (m: Membership, previous: Entry, claim: Suspect, env: Env, probe: FailedProbe | undefined): Step => {
  const { now, rules } = env
  const suspicion = Suspicion.start({
    incarnation: claim.incarnation,
    from: claim.from,
    now,
    n: m.entries.size,
    probeInterval: rules.probeInterval,
    suspicionMult: rules.suspicionMult,
    suspicionMaxTimeoutMult: rules.suspicionMaxTimeoutMult,
    suspicionConfirmations: rules.suspicionConfirmations,
    probe,
    health: env.health
  })
  const entry: Entry = {
    ...previous,
    incarnation: claim.incarnation,
    state: "suspect",
    stateChangedAt: now,
    suspicion
  }
  const [next, told] = tellSuspect(replace(m, entry), claim, env)
  const findings = Findings.ofSuspicion(entry.name, suspicion, m.self)
  return [next, [broadcast(claim), publish({ _tag: "Suspected", entry, from: claim.from, findings }), ...told]]
}

/**
 * The first few independent confirmations are gossiped on, so that others count them too. What we tried ourselves is
 * kept also where our word does not count any more.
 */
const confirm = (
  m: Membership,
  previous: Entry,
  claim: Suspect,
  { now }: Env,
  probe: FailedProbe | undefined
): Step => {
  if (previous.suspicion === undefined) return ignore(m, "NotAlive", claim)
  const probed = Suspicion.withProbe(previous.suspicion, probe, now)
  const suspicion = Suspicion.confirm(probed, claim.from, now)
  if (typeof suspicion === "string") {
    const known = probed === previous.suspicion
      ? m
      // it ends when it did, so there is no other deadline
      : { ...m, entries: m.entries.with(previous.name, { ...previous, suspicion: probed }) }
    return ignore(known, suspicion, claim)
  }
  return [replace(m, { ...previous, suspicion }), [broadcast(claim)]]
}

/** Our own accusation of a member, at the incarnation we know. */
export const accusationOf = (self: string, { incarnation, name }: Entry): Suspect => ({
  _tag: "Suspect",
  incarnation,
  node: name,
  from: self
})

/**
 * What a ping of this member tells it: that it is a suspect, if it is one, so that it can refute at once. Lifeguard
 * §IV-C calls it the buddy system, which the configuration may turn off.
 */
export const accusationInPing = (
  self: string,
  target: Entry | undefined,
  buddySystem: boolean
): Suspect | undefined => target?.state === "suspect" && buddySystem ? accusationOf(self, target) : undefined
