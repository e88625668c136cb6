/**
 * What happens to our table when a push/pull brings a peer's.
 */
import { contest, contradict, isFromOtherSide } from "../recovery/Reunion.ts"
import { suspect } from "../suspicion/Accuse.ts"
import { alivePlaceless } from "./Alive.ts"
import { type RemoteEntry, RemoteState } from "./Claim.ts"
import { dead } from "./Dead.ts"
import type { Directive } from "./Directive.ts"
import { type Env, ignored, type Membership, place, type Step } from "./Membership.ts"

/**
 * Merges a peer's table, row by row. A member the peer believes dead only becomes suspect here, so that it gets the
 * chance to refute; suspicions count as ours, because the peer does not say whose they are. Versions were verified, and
 * the delegate asked, before. memberlist: `mergeState`.
 *
 * The list of somebody from the `otherSide` of a split makes nobody suspect: it holds all for dead that it did not
 * reach.
 */
export const merge = (
  m: Membership,
  remote: ReadonlyArray<RemoteEntry>,
  env: Env,
  otherSide = isFromOtherSide(m, remote, env)
): Step => {
  const directives: Array<Directive> = []
  const added: Array<string> = []
  let next = m
  for (const row of remote) {
    const [after, more] = mergeRow(next, row, env, otherSide)
    if (after.entries.size > next.entries.size) added.push(row.name)
    for (const directive of more) directives.push(directive)
    next = after
  }
  return [place(next, added, env), directives]
}

const mergeRow = (m: Membership, row: RemoteEntry, env: Env, otherSide: boolean): Step => {
  const { addr, incarnation, meta, name: node, port, vsn } = row
  switch (row.state) {
    case RemoteState.alive:
      return alivePlaceless(m, { _tag: "Alive", incarnation, node, addr, port, meta, vsn }, env)
    case RemoteState.left:
      return dead(m, { _tag: "Dead", incarnation, node, from: node }, env)
    case RemoteState.dead:
    case RemoteState.suspect:
      if (otherSide) return node === m.self ? contradict(m, row, env) : contest(m, row, env)
      return suspect(m, { _tag: "Suspect", incarnation, node, from: m.self }, env)
    default:
      return [m, [ignored("UnknownState", node)]]
  }
}
