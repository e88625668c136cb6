/**
 * What the agents have said about their lists, and what follows from it: who sees the same as we do, since when, and
 * how long the last change took to reach all of them. Pure; times are monotonic milliseconds of this node.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/** The list of one agent. */
export interface Seen {
  readonly digest: string
  /** How many members it has. */
  readonly members: number
  /** Since when the agent has it. */
  readonly since: number
  /** Whether it is known when that began; else it was before `since`. */
  readonly isExact: boolean
}

/** What an agent said, and when that came. */
export interface Report extends Seen {
  readonly at: number
}

/** How long a report counts. Agents are asked again every five seconds, and what is lost is lost now and then. */
export const MAX_AGE = 17_000

/** How many members are named in an answer. */
export const MAX_NAMED = 50

/**
 * What is known of the lists of all members. Each live member is one of `same`, `other`, `silent` and `unknown`. Times
 * are milliseconds.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Agreement = Schema.Struct({
  /** The digest of this node's own list, and its length. */
  digest: Schema.String,
  members: Schema.Int,
  /** How long it has not changed. */
  unchangedFor: Schema.Finite,
  /** Agents that have the same list as this node, itself included. */
  same: Schema.Int,
  /** Agents that have another one. */
  other: Schema.Int,
  /** Agents that have not said lately. */
  silent: Schema.Int,
  /** Members that are no agents: those in Go, and programs of one's own. */
  unknown: Schema.Int,
  /** Of those with another list, the ones that have had it for longest; at most 50. */
  differences: Schema.Array(Schema.Struct({
    member: Schema.String,
    digest: Schema.String,
    members: Schema.Int,
    /** How long it has had that list. */
    for: Schema.Finite
  })),
  /** The names of silent and of unknown members, at most 50 each. */
  silentNames: Schema.Array(Schema.String),
  unknownNames: Schema.Array(Schema.String),
  /**
   * How long all agents have had the same list; absent while they have not, or one is silent. At least so long, where
   * `propagation` is absent.
   */
  agreedFor: Schema.optionalKey(Schema.Finite),
  /**
   * From the first agent that had this list to the last one: how long the last change took to spread. Absent while they
   * do not agree, where there is one agent only, and where an agent does not know when its list came, because that was
   * while nobody looked.
   */
  propagation: Schema.optionalKey(Schema.Finite)
})
/** @since 0.1.0 */
export type Agreement = typeof Agreement.Type

/**
 * Concludes from the reports. `live` are the names of all live members, `agents` of those that take part, `self` in
 * both. An agent's times lack the time its report was on its way, so differences of a few milliseconds mean nothing.
 */
export const conclude = (
  reports: ReadonlyMap<string, Report>,
  own: Seen & { readonly self: string },
  live: ReadonlyArray<string>,
  agents: ReadonlySet<string>,
  now: number
): Agreement => {
  const differences: Array<Agreement["differences"][number]> = []
  const silentNames: Array<string> = []
  const unknownNames: Array<string> = []
  let [same, earliest, latest, areExact] = [1, own.since, own.since, own.isExact]
  for (const name of live) {
    if (name === own.self) continue
    const report = reports.get(name)
    const isFresh = report !== undefined && now - report.at <= MAX_AGE
    // whoever reports is an agent, though its metadata may not say so yet
    if (!isFresh) (agents.has(name) ? silentNames : unknownNames).push(name)
    else if (report.digest === own.digest && report.members === own.members) {
      same++
      earliest = Math.min(earliest, report.since)
      latest = Math.max(latest, report.since)
      areExact &&= report.isExact
    } else {
      const { digest, members, since } = report
      differences.push({ member: name, digest, members, for: Math.max(0, now - since) })
    }
  }
  const agreed = differences.length === 0 && silentNames.length === 0
  return {
    digest: own.digest,
    members: own.members,
    unchangedFor: now - own.since,
    same,
    other: differences.length,
    silent: silentNames.length,
    unknown: unknownNames.length,
    differences: differences.sort((a, b) => b.for - a.for).slice(0, MAX_NAMED),
    silentNames: silentNames.sort().slice(0, MAX_NAMED),
    unknownNames: unknownNames.sort().slice(0, MAX_NAMED),
    ...agreed ? { agreedFor: now - latest } : {},
    ...agreed && same > 1 && areExact ? { propagation: latest - earliest } : {}
  }
}
