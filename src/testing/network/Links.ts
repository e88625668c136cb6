/**
 * What is wrong with the simulated network's links. Rules are directed and by host; `*` stands for every host. Beside
 * the rules there are conditions: faults that last for a while, any number at once, each of which knows whether it ever
 * hit.
 *
 * What holds for one link is worked out once and kept until a rule or a condition changes.
 *
 * @since 0.1.0
 */
import type { Bottleneck } from "./Bottleneck.ts"
import type { Latency } from "./Latency.ts"

/** Which traffic a rule is about. */
export type Traffic = "packets" | "streams"

/** Packets that are held back, so that later ones overtake them. */
export interface Reordering {
  readonly probability: number
  readonly delay: Latency
}

/** What a rule may say about a link; `undefined`: nothing. */
export interface Rule {
  packets?: boolean
  streams?: boolean
  loss?: number
  latency?: Latency
  duplicate?: number
  reorder?: Reordering
  /** Bytes. */
  mtu?: number
  /** Shared by all links of the rule. */
  bottleneck?: Bottleneck
}

/** A fault on some links for a while. */
export interface Condition extends Rule {
  readonly affects: (from: string, to: string) => boolean
  /** Delay on top of whatever else delays. */
  readonly extra?: Latency
  /** Packets or stream operations it changed so far. */
  hits: number
}

/** What holds for one directed link. */
export interface Link {
  readonly packets: boolean
  readonly streams: boolean
  readonly loss: number
  readonly latency: Latency
  readonly duplicate: number
  readonly reorder: Reordering | undefined
  readonly mtu: number
  readonly bottlenecks: ReadonlyArray<Bottleneck>
  /** The conditions that bear on the link. */
  readonly conditions: ReadonlyArray<Condition>
}

export interface Defaults {
  readonly loss: number
  readonly latency: Latency
  readonly duplicate: number
  readonly reorder: Reordering | undefined
  readonly mtu: number
}

const keyOf = (from: string, to: string) => `${from}>${to}`

/** Every rule that speaks about a link, the most specific first. */
const keysOf = (from: string, to: string) => [keyOf(from, to), keyOf(from, "*"), keyOf("*", to), keyOf("*", "*")]

const first = <K extends keyof Rule>(rules: ReadonlyArray<Rule>, field: K): Rule[K] | undefined =>
  rules.find((rule) => rule[field] !== undefined)?.[field]

/** The probability that at least one of two independent things happens. */
const either = (a: number, b: number): number => a === 0 ? b : b === 0 ? a : 1 - (1 - a) * (1 - b)

export class Links {
  private readonly rules = new Map<string, Rule>()
  private readonly conditions = new Set<Condition>()
  private groups = new Map<string, number>()
  private readonly healthy: Link
  private known = new Map<string, Map<string, Link>>()

  constructor(defaults: Defaults) {
    this.healthy = { ...defaults, packets: true, streams: true, bottlenecks: [], conditions: [] }
  }

  private get untouched(): boolean {
    return this.rules.size === 0 && this.conditions.size === 0 && this.groups.size === 0
  }

  private change(): void {
    if (this.known.size > 0) this.known = new Map()
  }

  private rule(from: string, to: string): Rule {
    this.change()
    const key = keyOf(from, to)
    const existing = this.rules.get(key)
    if (existing !== undefined) return existing
    const rule: Rule = {}
    this.rules.set(key, rule)
    return rule
  }

  /** Adds to what is known of a direction. */
  set(from: string, to: string, rule: Rule): void {
    Object.assign(this.rule(from, to), rule)
  }

  partition(groups: ReadonlyArray<ReadonlyArray<string>>): void {
    this.change()
    this.groups = new Map(groups.flatMap((hosts, index) => hosts.map((host) => [host, index] as const)))
  }

  heal(from: string | undefined, to: string | undefined): void {
    this.change()
    if (from !== undefined && to !== undefined) {
      this.rules.delete(keyOf(from, to))
      return
    }
    this.rules.clear()
    this.groups.clear()
  }

  add(condition: Condition): void {
    this.change()
    this.conditions.add(condition)
  }

  remove(condition: Condition): void {
    this.change()
    this.conditions.delete(condition)
  }

  /** What holds between two hosts now. */
  between(from: string, to: string): Link {
    if (this.untouched) return this.healthy
    let row = this.known.get(from)
    if (row === undefined) this.known.set(from, row = new Map())
    let link = row.get(to)
    if (link === undefined) row.set(to, link = this.resolve(from, to))
    return link
  }

  private sameSide(from: string, to: string): boolean {
    const a = this.groups.get(from)
    const b = this.groups.get(to)
    return a === undefined || b === undefined || a === b
  }

  private resolve(from: string, to: string): Link {
    const rules = keysOf(from, to).flatMap((key) => this.rules.get(key) ?? [])
    const conditions = [...this.conditions].filter((condition) => condition.affects(from, to))
    const all: ReadonlyArray<Rule> = [...rules, ...conditions]
    const together = this.sameSide(from, to)
    const { healthy } = this
    return {
      packets: together && all.every(({ packets }) => packets !== false),
      streams: together && all.every(({ streams }) => streams !== false),
      loss: conditions.reduce((sum, { loss = 0 }) => either(sum, loss), first(rules, "loss") ?? healthy.loss),
      latency: first(rules, "latency") ?? healthy.latency,
      duplicate: conditions.reduce(
        (sum, { duplicate = 0 }) => either(sum, duplicate),
        first(rules, "duplicate") ?? healthy.duplicate
      ),
      reorder: first(all, "reorder") ?? healthy.reorder,
      mtu: all.reduce((least, { mtu = Infinity }) => Math.min(least, mtu), healthy.mtu),
      bottlenecks: all.flatMap(({ bottleneck }) => bottleneck ?? []),
      conditions
    }
  }
}

/** Counts a hit for every condition that says something about one of these. */
export const hit = (link: Link, concerns: (condition: Condition) => boolean): void => {
  for (const condition of link.conditions) if (concerns(condition)) condition.hits++
}
