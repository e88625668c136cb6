/**
 * What must be true of all nodes together once every fault has ended. Each judge is told what was seen and says what is
 * wrong with it; none of them knows of nodes or clocks.
 */
import type { MemberEvent } from "effect-memberlist"
import type { Change } from "../../src/swim/membership/Directive.ts"

/** How long agreement must last, in milliseconds. */
export const STEADY = 10_000
/** The probe interval, one second, times `awarenessMaxMultiplier`, and a second more. */
export const LONGEST_PROBE = 9_000

/** A member as a node lists it. */
export interface Listed {
  readonly name: string
  readonly state: string
  readonly metaText: string
}

const describe = (members: ReadonlyArray<Listed>): string =>
  members.map(({ name, state }) => state === "alive" ? name : `${name} (${state})`).sort().join(" ")

/**
 * How a node's view differs from the truth, if it does: what each running node says of itself, but for those that have left.
 */
export const disagreement = (
  name: string,
  members: ReadonlyArray<Listed>,
  truth: ReadonlyMap<string, string>
): string | undefined => {
  const seen = describe(members)
  const expected = [...truth.keys()].sort().join(" ")
  if (seen !== expected) return `${name} sees ${seen} instead of ${expected}`
  const stale = members.find((member) => member.metaText !== truth.get(member.name))
  return stale === undefined
    ? undefined
    : `${name} has metadata "${stale.metaText}" of ${stale.name} instead of "${truth.get(stale.name)}"`
}

/** Liveness: all agree within the bound, and keep agreeing. All times are in milliseconds. */
export class Agreement {
  private since: number | undefined = undefined
  private readonly calmAt: number
  private readonly bound: number

  constructor(calmAt: number, bound: number) {
    this.calmAt = calmAt
    this.bound = bound
  }

  /** How long after calm all agreed, if they do now. */
  get after(): number | undefined {
    return this.since === undefined ? undefined : this.since - this.calmAt
  }

  /** Takes in who disagrees now. `Kept`: all have agreed for long enough. `Broken`: they do not agree in time. */
  look(now: number, disagreements: ReadonlyArray<string>): "Open" | "Kept" | "Broken" {
    this.since = disagreements.length > 0 ? undefined : this.since ?? now
    if ((this.since ?? now) - this.calmAt > this.bound) return "Broken"
    return this.since !== undefined && now - this.since >= STEADY ? "Kept" : "Open"
  }
}

/**
 * Whether somebody is declared dead who is there. In the calm, who suspects a running node tells it so at its next probe
 * at the latest, and the node refutes, unless the accuser has an older incarnation in mind: that is not refuted (nor in
 * memberlist), and left to push/pulls. Two rounds of probes, slowed down by doubts, are more than enough.
 */
export class FalseDeaths {
  private calm: { readonly at: number; readonly running: ReadonlyArray<string> } | undefined
  private readonly suspectedAt = new Map<string, number>()
  private readonly incarnations = new Map<string, number>()
  private readonly patience: number
  private readonly isOutside: (name: string) => boolean

  /** In a cluster of so many nodes; who has left refutes nothing. */
  constructor(nodes: number, isOutside: (name: string) => boolean = () => false) {
    this.isOutside = isOutside
    this.patience = (2 * nodes + 8) * 1_000
  }

  /** From now on these nodes run, and every link works. */
  begin(at: number, running: ReadonlyArray<string>): void {
    this.calm = { at, running }
  }

  /** What a node has announced of itself. */
  announced(name: string, incarnation: number): void {
    this.incarnations.set(name, incarnation)
  }

  /** Takes in a change that a node has published; what is wrong with it, if anything. */
  take(node: string, change: Change, now: number): string | undefined {
    const { entry } = change
    const key = `${node} ${entry.name}`
    if (change._tag === "Suspected") this.suspectedAt.set(key, now)
    if (change._tag !== "Failed" || change.from !== node) return undefined
    const since = this.suspectedAt.get(key)
    if (this.calm === undefined || since === undefined) return undefined
    if (entry.incarnation < (this.incarnations.get(entry.name) ?? 0)) return undefined
    if (since <= this.calm.at + LONGEST_PROBE || now - since < this.patience) return undefined
    if (!this.calm.running.includes(entry.name) || this.isOutside(entry.name)) return undefined
    return `${node} declared ${entry.name} dead, which was there and did not refute for ${now - since} ms`
  }
}

/** A subscriber's own member list, kept from the events it was given. */
export class Subscriber {
  private readonly members = new Map<string, string>()
  private lost = 0
  private readonly seen: Array<MemberEvent> = []
  private isWatched: (event: MemberEvent) => boolean = () => false

  /** Keeps certain events from now on. */
  watch(isWatched: (event: MemberEvent) => boolean): void {
    this.isWatched = isWatched
  }

  get watched(): ReadonlyArray<MemberEvent> {
    return this.seen
  }

  take(event: MemberEvent): void {
    if (this.isWatched(event)) this.seen.push(event)
    this.lost += event.missed
    if (event._tag === "MemberFailed" || event._tag === "MemberLeft") this.members.delete(event.member.name)
    else this.members.set(event.member.name, event.member.metaText)
  }

  /** How its list differs from its node's, if it does. */
  differs(name: string, members: ReadonlyArray<Listed>): string | undefined {
    const view = lines(members.map((member) => [member.name, member.metaText]))
    const own = lines([...this.members])
    return this.lost === 0 && own === view
      ? undefined
      : `${name}'s events give "${own}" (${this.lost} lost); its view is "${view}"`
  }
}

const lines = (members: ReadonlyArray<readonly [string, string]>): string =>
  members.map(([name, meta]) => `${name}=${meta}`).sort().join(" ")

/** Nodes that are connected by at least one of two listing the other. */
export const components = (
  views: ReadonlyArray<readonly [string, ReadonlyArray<{ readonly name: string }>]>
): ReadonlyArray<ReadonlyArray<string>> => {
  const groups: Array<Set<string>> = []
  for (const [name, members] of views) {
    const own = new Set([name, ...members.map((member) => member.name)])
    const met = groups.filter((group) => [...own].some((other) => group.has(other)))
    for (const group of met) {
      groups.splice(groups.indexOf(group), 1)
      for (const other of group) own.add(other)
    }
    groups.push(own)
  }
  const running = new Set(views.map(([name]) => name))
  return groups.map((group) => [...group].filter((name) => running.has(name)).sort())
}
