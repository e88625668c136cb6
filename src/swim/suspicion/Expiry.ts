/**
 * When suspicions end, and what happens to a suspect that did not refute in time.
 */
import { declareDead } from "../membership/Dead.ts"
import type { Directive } from "../membership/Directive.ts"
import { type Env, get, type Membership, replace, type Step } from "../membership/Membership.ts"
import * as Deadlines from "./Deadlines.ts"
import { holds } from "./Silence.ts"
import * as Suspicion from "./Suspicion.ts"

/**
 * The most members that one step declares dead. Those who are left follow in the next steps, so that a thousand
 * suspicions that began in one merge do not hold up probes and acks when they end together.
 */
export const MAX_EXPIRED = 256

/**
 * What is taken for over although so much is left, in milliseconds. Clocks count whole nanoseconds, and times are sums:
 * what rounding leaves cannot be waited for.
 */
export const ROUNDING = 0.001

/** When the next suspicion ends, or has to be looked for, in milliseconds on the monotonic clock; `Infinity`: never. */
export const nextExpiry = (m: Membership): number => Deadlines.next(m.deadlines)

/**
 * Declares dead, on our word, every suspect whose time is over, in the order in which it was, but at most
 * `MAX_EXPIRED`: where more are over, the next expiry stays in the past. A verdict that may be our own fault waits
 * once.
 */
export const expire = (m: Membership, env: Env): Step => {
  const directives: Array<Directive> = []
  const held: Array<Deadlines.Deadline> = []
  let next = m
  let passed = 0
  for (const { at, name } of m.deadlines.soonest) {
    if (passed === MAX_EXPIRED || !isOver(at, env.now)) break
    passed++
    const entry = get(next, name)
    // it refuted, or is dead already, and may be suspect again until later
    if (entry?.suspicion === undefined || !isOver(Suspicion.expiry(entry.suspicion), env.now)) continue
    if (holds(next, entry.suspicion, env)) {
      const suspicion = Suspicion.hold(entry.suspicion, env.now)
      next = replace(next, { ...entry, suspicion })
      held.push({ name, at: Suspicion.expiry(suspicion) })
      directives.push({ _tag: "Held", entry })
      continue
    }
    if (Suspicion.isDegraded(entry.suspicion)) directives.push({ _tag: "DegradedTimeout", name })
    const claim = { _tag: "Dead", incarnation: entry.incarnation, node: name, from: m.self } as const
    const [after, more] = declareDead(next, entry, claim, "Expired", env)
    directives.push(...more)
    next = after
  }
  const { horizon, soonest } = m.deadlines
  const left = { soonest: soonest.slice(passed), horizon }
  const deadlines = left.soonest.length === 0 && horizon < Infinity ? found(next) : held.reduce(Deadlines.add, left)
  return [{ ...next, deadlines }, directives]
}

const isOver = (at: number, now: number): boolean => at - now < ROUNDING

/** The deadlines of the suspects in the table. */
const found = ({ entries }: Membership): Deadlines.Deadlines =>
  Deadlines.from((each) => {
    for (const { name, suspicion } of entries.values()) {
      if (suspicion !== undefined) each({ name, at: Suspicion.expiry(suspicion) })
    }
  })
