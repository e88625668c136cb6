/**
 * Which member is probed at this tick, and when a round of probing is over.
 */
import type { Directive } from "../membership/Directive.ts"
import type { Entry } from "../membership/Entry.ts"
import { isGone } from "../membership/Entry.ts"
import { type Decision, type Env, get, type Membership } from "../membership/Membership.ts"
import { reap } from "../membership/Reap.ts"
import * as ProbeRing from "./ProbeRing.ts"

/**
 * The next member to probe, if this tick has one: the first in the ring that is neither we nor gone. At the end of a
 * round the members that have been gone for longer than `gossipToTheDeadTime` are forgotten and the ring is shuffled.
 * memberlist: `probe`.
 */
export const nextProbe = (m: Membership, env: Env): Decision<Entry | undefined> => {
  const directives: Array<Directive> = []
  let next = m
  // The wrap counts as a look, as in the reference: a tick ends without a probe rather than start a round it cannot
  // finish.
  for (let looks = 0; looks < next.ring.names.length; looks++) {
    const name = next.ring.names.at(next.ring.index)
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
