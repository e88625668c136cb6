/**
 * What happens when a node is accused of not answering, and when it did not refute in time.
 */
import { tellSuspect } from "../gossip/Tell.ts"
import { isOutside } from "../life/Stage.ts"
import { nameDefect, type Suspect, withAccuser } from "../membership/Claim.ts"
import { declareDead } from "../membership/Dead.ts"
import type { Directive } from "../membership/Directive.ts"
import type { Entry } from "../membership/Entry.ts"
import type { Env, Membership, Step } from "../membership/Membership.ts"
import { decideSuspect } from "../membership/Precedence.ts"
import { refute, remind } from "../membership/Refute.ts"
import { get, ignore, publish, replace } from "../membership/Table.ts"
import * as Deadlines from "./Deadlines.ts"
import * as Suspicion from "./Suspicion.ts"

/** Someone, perhaps we, got no answer from a node. memberlist: `suspectNode`. */
export const suspect = (m: Membership, received: Suspect, env: Env): Step => {
  const previous = get(m, received.node)
  if (previous === undefined) return ignore(m, nameDefect(received.node) ?? "UnknownMember", received)
  const claim = withAccuser(received)
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
      return confirm(m, previous, claim)
    case "Refute":
      return refute(m, previous, claim, env)
    case "OldIncarnation":
      return claim.node === m.self ? remind(m, previous, claim, env) : ignore(m, verdict, claim)
    default:
      return ignore(m, verdict, claim)
  }
}

const broadcast = (claim: Suspect): Directive => ({
  _tag: "Broadcast",
  key: claim.node,
  claim
})

const accuse = (m: Membership, previous: Entry, claim: Suspect, env: Env): Step => {
  const { now, rules } = env
  const suspicion = Suspicion.start({
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
  const [next, told] = tellSuspect(replace(m, entry), claim, env)
  return [next, [broadcast(claim), publish({ _tag: "Suspected", entry, from: claim.from }), ...told]]
}

/** The first few independent confirmations are gossiped on, so that others count them too. */
const confirm = (m: Membership, previous: Entry, claim: Suspect): Step => {
  if (previous.suspicion === undefined) return ignore(m, "NotAlive", claim)
  const suspicion = Suspicion.confirm(previous.suspicion, claim.from)
  if (typeof suspicion === "string") return ignore(m, suspicion, claim)
  return [replace(m, { ...previous, suspicion }), [broadcast(claim)]]
}

/**
 * The most members that one step declares dead. Those who are left follow in the next steps, so that a thousand suspicions
 * that began in one merge do not hold up probes and acks when they end together.
 */
export const MAX_EXPIRED = 256

/**
 * What is taken for over although so much is left, in milliseconds. Clocks count whole nanoseconds, and times are sums: what
 * rounding leaves cannot be waited for.
 */
export const ROUNDING = 0.001

/** When the next suspicion ends, or has to be looked for, in milliseconds on the monotonic clock; `Infinity`: never. */
export const nextExpiry = (m: Membership): number => Deadlines.next(m.deadlines)

/**
 * Declares dead, on our word, every suspect whose time is over, in the order in which it was, but at most `MAX_EXPIRED`:
 * where more are over, the next expiry stays in the past.
 */
export const expire = (m: Membership, env: Env): Step => {
  const directives: Array<Directive> = []
  let next = m
  let passed = 0
  for (const { at, name } of m.deadlines.soonest) {
    if (passed === MAX_EXPIRED || !isOver(at, env.now)) break
    passed++
    const entry = get(next, name)
    // it refuted, or is dead already, and may be suspect again until later
    if (entry?.suspicion === undefined || !isOver(Suspicion.expiry(entry.suspicion), env.now)) continue
    if (Suspicion.isDegraded(entry.suspicion)) directives.push({ _tag: "DegradedTimeout", name })
    const claim = { _tag: "Dead", incarnation: entry.incarnation, node: name, from: m.self } as const
    const [after, more] = declareDead(next, entry, claim, env)
    directives.push(...more)
    next = after
  }
  const { horizon, soonest } = m.deadlines
  const left = { soonest: soonest.slice(passed), horizon }
  return [{ ...next, deadlines: left.soonest.length === 0 && horizon < Infinity ? found(next) : left }, directives]
}

const isOver = (at: number, now: number): boolean => at - now < ROUNDING

/** The deadlines of the suspects in the table. */
const found = ({ entries }: Membership): Deadlines.Deadlines =>
  Deadlines.from((each) =>
    entries.each(({ name, suspicion }) => {
      if (suspicion !== undefined) each({ name, at: Suspicion.expiry(suspicion) })
    })
  )
