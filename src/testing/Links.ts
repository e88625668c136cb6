/**
 * What is wrong with the simulated network's links. Rules are directed and by host; `*` stands for every host.
 *
 * @since 0.1.0
 */

/** Which traffic a rule is about. */
export type Traffic = "packets" | "streams"

/** A range of one-way delays in milliseconds. */
export type Latency = readonly [min: number, max: number]

interface Rule {
  packets: boolean
  streams: boolean
  loss: number | undefined
  latency: Latency | undefined
}

const keyOf = (from: string, to: string) => `${from}>${to}`

/** Every rule that speaks about a link, the most specific first. */
const keysOf = (from: string, to: string) => [keyOf(from, to), keyOf(from, "*"), keyOf("*", to), keyOf("*", "*")]

export class Links {
  private readonly rules = new Map<string, Rule>()
  private groups = new Map<string, number>()
  private readonly loss: number
  private readonly latency: Latency

  constructor(defaults: { readonly loss: number; readonly latency: Latency }) {
    this.loss = defaults.loss
    this.latency = defaults.latency
  }

  private rule(from: string, to: string): Rule {
    const key = keyOf(from, to)
    const existing = this.rules.get(key)
    if (existing !== undefined) return existing
    const rule: Rule = { packets: true, streams: true, loss: undefined, latency: undefined }
    this.rules.set(key, rule)
    return rule
  }

  cut(from: string, to: string, what: Traffic | "both"): void {
    const rule = this.rule(from, to)
    if (what !== "streams") rule.packets = false
    if (what !== "packets") rule.streams = false
  }

  setLoss(from: string, to: string, probability: number): void {
    this.rule(from, to).loss = probability
  }

  setLatency(from: string, to: string, latency: Latency): void {
    this.rule(from, to).latency = latency
  }

  partition(groups: ReadonlyArray<ReadonlyArray<string>>): void {
    this.groups = new Map(groups.flatMap((hosts, index) => hosts.map((host) => [host, index] as const)))
  }

  heal(from: string | undefined, to: string | undefined): void {
    if (from !== undefined && to !== undefined) {
      this.rules.delete(keyOf(from, to))
      return
    }
    this.rules.clear()
    this.groups.clear()
  }

  private passesGroups(from: string, to: string): boolean {
    if (this.groups.size === 0) return true
    const a = this.groups.get(from)
    const b = this.groups.get(to)
    return a === undefined || b === undefined || a === b
  }

  passes(from: string, to: string, what: Traffic): boolean {
    if (!this.passesGroups(from, to)) return false
    if (this.rules.size === 0) return true
    return keysOf(from, to).every((key) => this.rules.get(key)?.[what] !== false)
  }

  lossOf(from: string, to: string): number {
    return this.first(from, to, "loss") ?? this.loss
  }

  /** The one-way delay for a random number in [0, 1). */
  delayOf(from: string, to: string, random: number): number {
    const [min, max] = this.first(from, to, "latency") ?? this.latency
    return min + random * (max - min)
  }

  private first<K extends "loss" | "latency">(from: string, to: string, field: K): Rule[K] {
    if (this.rules.size === 0) return undefined
    for (const key of keysOf(from, to)) {
      const value = this.rules.get(key)?.[field]
      if (value !== undefined) return value
    }
    return undefined
  }
}
