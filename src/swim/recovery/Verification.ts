/**
 * Which rows of a peer's list are believed at once, and what becomes of the others. News that is first-hand needs no
 * check: a peer's row about itself, what gossip brings, and everything that a join or a heal of ours brings. A row
 * about a third member that we do not know, in an exchange that the peer began or a periodic one, is hearsay.
 */
import { alive } from "../membership/Alive.ts"
import { type Alive, aliveDefect, type RemoteEntry, RemoteState } from "../membership/Claim.ts"
import type { Directive } from "../membership/Directive.ts"
import type { Entry } from "../membership/Entry.ts"
import {
  aliveEntry,
  type Decision,
  type Env,
  get,
  ignored,
  type Membership,
  type Step
} from "../membership/Membership.ts"
import { merge } from "../membership/Merge.ts"
import * as Hearsay from "./Hearsay.ts"
import { isFromOtherSide } from "./Reunion.ts"

const claimOf = ({ addr, incarnation, meta, name: node, port, vsn }: RemoteEntry): Alive => ({
  _tag: "Alive",
  incarnation,
  node,
  addr,
  port,
  meta,
  vsn
})

/** Whether a row is hearsay. What the rules would refuse anyway is not: they say why. */
const isHearsay = (m: Membership, row: RemoteEntry, source: Hearsay.Source, { rules }: Env): boolean =>
  rules.verifies
  && row.state === RemoteState.alive
  && row !== source.own
  && row.name !== m.self
  && get(m, row.name) === undefined
  && rules.addressAllowed(row.addr)
  && aliveDefect(claimOf(row)) === undefined

/** What a list brought. */
export interface Read {
  /** Whether there is something to probe. */
  readonly unverified: boolean
  /** The rows that another source had told of before. */
  readonly confirmed: number
}

/** Merges what is believed of a list, or a slice of it, and keeps what is to be verified. */
export const mergeFrom = (
  m: Membership,
  rows: ReadonlyArray<RemoteEntry>,
  source: Hearsay.Source,
  env: Env,
  otherSide = isFromOtherSide(m, rows, env)
): Decision<Read> => {
  const reading = Hearsay.reading(m.hearsay, source.ip, env.now)
  const believed: Array<RemoteEntry> = []
  const directives: Array<Directive> = []
  let confirmed = 0
  for (const row of rows) {
    if (!isHearsay(m, row, source, env)) {
      believed.push(row)
      continue
    }
    const ruling = reading.read(row)
    if (ruling._tag === "Confirmed") {
      believed.push(ruling.row)
      confirmed++
    } else if (ruling._tag === "Dropped") directives.push(ignored(ruling.reason, row.name))
  }
  const hearsay = reading.end()
  const kept = hearsay === m.hearsay ? m : { ...m, hearsay }
  const [next, merged] = merge(kept, believed, env, otherSide)
  return [
    next,
    directives.length === 0 ? merged : [...merged, ...directives],
    { unverified: hearsay.unverified.size > 0, confirmed }
  ]
}

/**
 * The member that is to be probed next before it is let in, as it would be then. What became known in another way
 * meanwhile is not probed. (After a leave this goes on, as the prober does.)
 */
export const nextUnverified = (m: Membership, { now }: Env): Decision<Entry | undefined> => {
  let { hearsay } = m
  for (;;) {
    const [next, row] = Hearsay.take(hearsay)
    hearsay = next
    if (row === undefined || get(m, row.name) === undefined) {
      const entry = row === undefined ? undefined : aliveEntry(row.name, claimOf(row), undefined, now, get(m, m.self))
      return [hearsay === m.hearsay ? m : { ...m, hearsay }, [], entry]
    }
    hearsay = Hearsay.remove(hearsay, row.name)
  }
}

/** Lets a member in that somebody got an answer from, unless it was told to be gone meanwhile. */
export const confirm = (m: Membership, name: string, env: Env): Step => {
  const found = Hearsay.find(m.hearsay, name)
  if (found === undefined) return [m, []]
  return alive({ ...m, hearsay: Hearsay.remove(m.hearsay, name) }, claimOf(found.row), env)
}

/** Drops what is said about a member that nobody got an answer from. */
export const drop = (m: Membership, name: string, { now }: Env): Step => {
  if (Hearsay.find(m.hearsay, name) === undefined) return [m, []]
  // something else may have made it known meanwhile
  return get(m, name) === undefined
    ? [{ ...m, hearsay: Hearsay.refute(m.hearsay, name, now) }, [ignored("HearsayUnanswered", name)]]
    : [{ ...m, hearsay: Hearsay.remove(m.hearsay, name) }, []]
}
