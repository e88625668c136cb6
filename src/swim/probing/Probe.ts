/**
 * Whom to probe at this tick, and who is forgotten when a round of probing is over.
 */
import type { Directive } from "../membership/Directive.ts"
import type { Entry } from "../membership/Entry.ts"
import { isGone } from "../membership/Entry.ts"
import type { Decision, Env, Membership, Step } from "../membership/Membership.ts"
import { get } from "../membership/Table.ts"
import * as ProbeRing from "./ProbeRing.ts"

/**
 * The next member to probe, if this tick has one: the first in the ring that is neither we nor gone. At the end of a round
 * the members that have been gone for longer than `gossipToTheDeadTime` are forgotten and the ring is shuffled.
 * memberlist: `probe`.
 */
export const nextProbe = (m: Membership, env: Env): Decision<Entry | undefined> => {
  const directives: Array<Directive> = []
  let next = m
  // The wrap counts as a look, as in the reference: a tick ends without a probe rather than start a round it cannot finish.
  for (let looks = 0; looks < next.ring.names.length; looks++) {
    const name = next.ring.names[next.ring.index]
    if (name === undefined) {
      const [reaped, forgotten] = reap(next, env)
      directives.push(...forgotten)
      next = reaped
      continue
    }
    next = { ...next, ring: ProbeRing.advance(next.ring) }
    const entry = get(next, name)
    if (entry !== undefined && name !== m.self && !isGone(entry)) return [next, directives, entry]
  }
  return [next, directives, undefined]
}

/**
 * Forgets who has been gone for long enough and starts a new round. We stay, even after a leave.
 * memberlist: `resetNodes`.
 */
export const reap = (m: Membership, { now, random, rules }: Env): Step => {
  const directives: Array<Directive> = []
  const names: Array<string> = []
  let entries = m.entries
  for (const name of m.ring.names) {
    // the newest version: asking an older one in between would take the map through all that was written since, each time
    const entry = entries.get(name)
    if (entry === undefined) continue
    const expired = isGone(entry) && now - entry.stateChangedAt > rules.gossipToTheDeadTime
    if (name === m.self || !expired) {
      names.push(name)
      continue
    }
    entries = entries.with(name, undefined)
    directives.push({ _tag: "Reaped", entry })
  }
  return [{ ...m, entries, estimate: names.length, ring: ProbeRing.shuffle(names, random) }, directives]
}
