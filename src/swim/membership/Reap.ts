/**
 * Who is forgotten: members that have been dead, or have left, for so long that no late news about them is to be
 * feared.
 */
import * as ProbeRing from "../probing/ProbeRing.ts"
import type { Directive } from "./Directive.ts"
import { isGone } from "./Entry.ts"
import type { Env, Membership, Step } from "./Membership.ts"

/**
 * Forgets who has been gone for long enough and starts a new round. We stay, even after a leave.
 * memberlist: `resetNodes`.
 */
export const reap = (m: Membership, { now, random, rules }: Env): Step => {
  const directives: Array<Directive> = []
  const names: Array<string> = []
  let entries = m.entries
  for (const name of m.ring.names) {
    // the newest version: asking an older one in between would take the map through all that was written since, each
    // time
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
  return [{ ...m, entries, ring: ProbeRing.shuffle(names, random) }, directives]
}
