/**
 * What happens when a node is accused of not answering, and when it did not refute in time.
 */
import { tellSuspect } from "../gossip/Tell.ts"
import { isOutside } from "../life/Stage.ts"
import { accusationDefect, type Suspect } from "../membership/Claim.ts"
import { declareDead } from "../membership/Dead.ts"
import type { Directive } from "../membership/Directive.ts"
import type { Entry } from "../membership/Entry.ts"
import type { Env, Membership, Step } from "../membership/Membership.ts"
import { decideSuspect } from "../membership/Precedence.ts"
import { refute } from "../membership/Refute.ts"
import { get, ignore, ignored, publish, replace } from "../membership/Table.ts"
import * as Suspicion from "./Suspicion.ts"

/** Someone, perhaps we, got no answer from a node. memberlist: `suspectNode`. */
export const suspect = (m: Membership, claim: Suspect, env: Env): Step => {
  const previous = get(m, claim.node)
  if (previous === undefined) return ignore(m, "UnknownMember", claim)
  const defect = accusationDefect(claim)
  if (defect !== undefined) return ignore(m, defect, claim)
  const verdict = decideSuspect({
    state: previous.state,
    order: claim.incarnation - previous.incarnation,
    self: claim.node === m.self,
    leaving: isOutside(m.stage)
  })
  switch (verdict) {
    case "Accept":
      return accuse(m, previous, claim, env)
    case "Confirm":
      return confirm(m, previous, claim, env)
    case "Refute":
      return refute(m, previous, claim, env)
    default:
      return ignore(m, verdict, claim)
  }
}

const broadcast = (claim: Suspect): Directive => ({
  _tag: "Broadcast",
  key: claim.node,
  claim
})

const startTimer = (name: string, suspicion: Suspicion.Suspicion, now: number): Directive => ({
  _tag: "StartSuspicion",
  name,
  token: suspicion.token,
  delay: Suspicion.delay(suspicion, now)
})

const accuse = (m: Membership, previous: Entry, claim: Suspect, env: Env): Step => {
  const { now, rules } = env
  const suspicion = Suspicion.start({
    token: m.nextToken,
    incarnation: claim.incarnation,
    from: claim.from,
    now,
    n: m.estimate,
    probeInterval: rules.probeInterval,
    suspicionMult: rules.suspicionMult,
    suspicionMaxTimeoutMult: rules.suspicionMaxTimeoutMult,
    suspicionConfirmations: rules.suspicionConfirmations
  })
  const entry: Entry = {
    ...previous,
    incarnation: claim.incarnation,
    state: "suspect",
    stateChangedAt: now,
    suspicion
  }
  const [next, told] = tellSuspect({ ...replace(m, entry), nextToken: m.nextToken + 1 }, claim, env)
  return [
    next,
    [
      broadcast(claim),
      startTimer(entry.name, suspicion, now),
      publish({ _tag: "Suspected", entry, from: claim.from }),
      ...told
    ]
  ]
}

/** The first few independent confirmations are gossiped on, so that others count them too. */
const confirm = (m: Membership, previous: Entry, claim: Suspect, { now }: Env): Step => {
  if (previous.suspicion === undefined) return ignore(m, "NotAlive", claim)
  const suspicion = Suspicion.confirm(previous.suspicion, claim.from)
  if (typeof suspicion === "string") return ignore(m, suspicion, claim)
  return [
    replace(m, { ...previous, suspicion }),
    [broadcast(claim), startTimer(previous.name, suspicion, now)]
  ]
}

/** Which timer ran out, as `StartSuspicion` named it. */
export interface SuspicionTimer {
  readonly name: string
  readonly token: number
}

/**
 * A suspicion timer ran out: the member is dead, on our word. A timer that belongs to an older suspicion is ignored. The
 * timer is spent, so it is not cancelled.
 */
export const suspicionExpired = (m: Membership, timer: SuspicionTimer, env: Env): Step => {
  const entry = get(m, timer.name)
  const suspicion = entry?.suspicion
  if (entry === undefined || suspicion?.token !== timer.token) return [m, [ignored("StaleTimer", timer.name)]]
  const claim = { _tag: "Dead", incarnation: entry.incarnation, node: entry.name, from: m.self } as const
  const [next, directives] = declareDead(m, entry, claim, env)
  return [
    next,
    Suspicion.isDegraded(suspicion) ? [{ _tag: "DegradedTimeout", name: entry.name }, ...directives] : directives
  ]
}
