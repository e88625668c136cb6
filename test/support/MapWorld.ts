/** Replicas without a network: a world that is driven by a seed, and checks what a map promises. */
import * as Pull from "../../src/map/exchange/Pull.ts"
import * as Entry from "../../src/map/MapEntry.ts"
import { type Kept, type Lost, Replica, type Rules } from "../../src/map/Replica.ts"
import * as Seen from "../../src/map/Seen.ts"
import { Draws } from "../../src/testing/clock/Draws.ts"

const SECOND = 1_000

/** Clocks may be a second apart, and a removal lives for twenty. */
export const rules: Rules = { life: 20 * SECOND, ahead: SECOND, mostEntries: 10_000, mostBytes: 10_000_000 }

const keys = ["a", "b", "c", "d", "e", "f"]

interface Node {
  readonly name: string
  /** How far its clock is ahead. */
  readonly skew: number
  replica: Replica | undefined
  /** What it wrote to its disk last. */
  kept: Kept | undefined
  /** The latest entry of each key in this life, since its copy was replaced. */
  latest: Map<string, Entry.Entry>
  /** Its writes since it last lost its memory, as far as they were kept. */
  written: Array<Entry.Entry>
  keptWrites: ReadonlyArray<Entry.Entry>
}

export interface Settings {
  readonly seed: number
  readonly nodes?: number
  readonly steps?: number
  /** Times to live are drawn too. */
  readonly expiries?: boolean
}

export class World {
  readonly violations: Array<string> = []
  readonly counts = new Map<string, number>()
  private readonly draws: Draws
  private readonly nodes: ReadonlyArray<Node>
  private readonly lost: Array<Lost> = []
  private readonly ever: Array<Entry.Entry> = []
  private readonly deltas: Array<{ readonly at: number; readonly to: Node; readonly entry: Entry.Entry }> = []
  private readonly settings: Settings
  private time = 1_000_000_000
  /** Which nodes reach one another: those of the same group. */
  private groups = new Map<string, number>()
  private session = 0
  private content = 0
  private isCalm = false

  constructor(settings: Settings) {
    this.settings = settings
    this.draws = new Draws(settings.seed, "world")
    this.nodes = Array.from({ length: settings.nodes ?? 4 }, (_, i) => ({
      name: `n${i}`,
      skew: this.draws.between(0, rules.ahead - 100),
      replica: undefined,
      kept: undefined,
      latest: new Map(),
      written: [],
      keptWrites: []
    }))
    for (const node of this.nodes) this.begin(node, false)
  }

  /** Bad days, then calm; returns what was promised and not kept. */
  live(): ReadonlyArray<string> {
    for (let step = 0; step < (this.settings.steps ?? 150); step++) this.happen()
    this.calm()
    return this.violations
  }

  private count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  private chance(probability: number): boolean {
    return this.draws.next() < probability
  }

  private now(node: Node): number {
    return this.time + node.skew
  }

  private begin(node: Node, fromDisk: boolean): void {
    // one without a memory has another disk from then on
    if (!fromDisk) node.kept = undefined
    const { kept } = node
    node.replica = new Replica(node.name, this.now(node), rules, kept)
    node.latest = new Map()
    node.written = kept !== undefined ? [...node.keptWrites] : []
    if (kept !== undefined) this.count("began from a disk")
    this.look(node)
  }

  private keep(node: Node): void {
    if (node.replica === undefined) return
    node.kept = { ...node.replica.kept(this.now(node)), entries: node.replica.table.all() }
    node.keptWrites = [...node.written]
  }

  private reaches(a: Node, b: Node): boolean {
    return (this.groups.get(a.name) ?? 0) === (this.groups.get(b.name) ?? 0)
  }

  private running(): ReadonlyArray<Node> {
    return this.nodes.filter(({ replica }) => replica !== undefined)
  }

  private happen(): void {
    const kind = this.draws.next()
    if (kind < 0.3) this.write()
    else if (kind < 0.75) this.compare()
    else if (kind < 0.85) {
      const isLong = this.chance(0.3)
      this.pass(this.draws.between(0, isLong ? 30 * SECOND : 3 * SECOND), this.chance(0.8))
    } else if (kind < 0.9) this.split()
    else if (kind < 0.94) {
      const node = this.draws.pick(this.nodes)
      if (this.chance(0.5)) this.keep(node)
      else if (node.replica !== undefined) {
        this.count("crashed")
        if (this.chance(0.5)) this.keep(node)
        node.replica = undefined
      }
    } else if (kind < 0.99) {
      const down = this.nodes.filter(({ replica }) => replica === undefined)
      if (down.length > 0) this.begin(this.draws.pick(down), this.chance(0.7))
    } else {
      // everybody is shut down, one after the other, and comes back
      this.count("all were shut down")
      for (const node of this.nodes) {
        if (this.chance(0.9)) this.keep(node)
        node.replica = undefined
        this.pass(this.draws.between(0, 3 * SECOND), false)
      }
      this.pass(this.draws.between(0, 60 * SECOND), false)
      for (const node of this.nodes) if (this.chance(0.8)) this.begin(node, this.chance(0.9))
    }
    for (const node of this.running()) this.look(node)
  }

  private split(): void {
    this.count("split")
    const parts = this.draws.between(1, 3)
    for (const { name } of this.nodes) this.groups.set(name, this.draws.between(0, parts - 1))
  }

  /** Lets time go by, in which those who reach one another compare now and then. */
  private pass(millis: number, comparing: boolean): void {
    let left = millis
    while (left > 0) {
      const step = Math.min(left, SECOND)
      left -= step
      this.time += step
      for (const delta of this.deltas.filter(({ at }) => at <= this.time)) this.deliver(delta)
      for (const node of this.running()) {
        node.replica?.sweep(this.now(node))
        this.look(node)
      }
      if (comparing && this.chance(0.7)) this.compare()
    }
  }

  private deliver(delta: World["deltas"][number]): void {
    this.deltas.splice(this.deltas.indexOf(delta), 1)
    this.lost.push(...delta.to.replica?.delta([delta.entry], this.now(delta.to)).lost ?? [])
    this.look(delta.to)
  }

  private write(): void {
    const running = this.running()
    if (running.length === 0) return
    const node = this.draws.pick(running)
    const { replica } = node
    if (replica === undefined) return
    const key = this.draws.pick(keys)
    const now = this.now(node)
    const isRemoval = this.chance(0.4)
    if (isRemoval && replica.table.get(key)?.value === undefined) return
    const hasEnd = this.settings.expiries === true && !isRemoval && this.chance(0.3)
    const expires = hasEnd ? now + this.draws.between(1, 30 * SECOND) : undefined
    const value = isRemoval ? undefined : new TextEncoder().encode(String(this.content++))
    const { entry } = replica.write(key, value, expires, now)
    this.count(isRemoval ? "removed" : "written")
    node.written.push(entry)
    this.ever.push(entry)
    const bad = this.chance(0.3)
    for (const to of running) {
      if (to === node || !this.reaches(node, to) || (bad && this.chance(0.7))) continue
      this.deltas.push({ to, entry, at: this.time + this.draws.between(0, SECOND) })
    }
  }

  private compare(): void {
    const running = this.running()
    if (running.length < 2) return
    const node = this.draws.pick(running)
    const others = running.filter((other) => other !== node && this.reaches(node, other))
    if (others.length > 0) this.pull(node, this.draws.pick(others))
  }

  private pull(node: Node, from: Node): void {
    const { replica } = node
    const other = from.replica
    if (replica === undefined || other === undefined) return
    const pull = new Pull.Pull(this.session++, replica, rules)
    const began = this.time
    for (;;) {
      if (!this.isCalm && this.chance(0.05)) {
        this.count("comparison was interrupted")
        const giveUp = () => pull.giveUpSome(this.now(node))
        for (let some = giveUp(); some !== undefined; some = giveUp()) this.lost.push(...some.lost)
        break
      }
      const answer = Pull.answer(other, pull.question, this.now(from))
      const ended = pull.take(answer, this.now(node))
      if (ended !== undefined) {
        this.count(`comparison ended: ${ended._tag}`)
        if (ended._tag === "Replaced") node.latest = new Map()
        if (ended._tag === "Replaced" || ended._tag === "Merged") {
          this.lost.push(...ended.lost)
          for (const _ of ended.lost) this.count("was told as lost")
        }
        if (ended._tag === "Refused" || ended._tag === "ClockApart") this.violations.push(JSON.stringify(ended))
        break
      }
      if (!this.isCalm && this.chance(0.2) && this.time - began < Seen.comparisonTime(rules) - 800) {
        this.time += this.draws.between(0, 800)
        this.write()
      }
      if (this.chance(0.1)) other.sweep(this.now(from))
    }
    this.look(node)
  }

  /** What a node has of a key never becomes older. */
  private look(node: Node): void {
    const { replica } = node
    if (replica === undefined) return
    for (const key of keys) {
      const entry = replica.table.get(key)
      const latest = node.latest.get(key)
      if (entry === undefined) continue
      if (latest !== undefined && Entry.order(entry, latest) < 0) {
        const what = latest.isRemoval || latest.expires !== undefined ? "was removed, and came back" : "became older"
        this.violations.push(`${key} ${what} at ${node.name}: ${told(latest)}, then ${told(entry)}`)
      }
      if (latest === undefined || Entry.order(entry, latest) > 0) node.latest.set(key, entry)
    }
  }

  private calm(): void {
    this.count("calm")
    this.isCalm = true
    this.groups = new Map()
    this.pass(2 * SECOND, false)
    for (const node of this.nodes) if (node.replica === undefined) this.begin(node, this.chance(0.7))
    for (let round = 0; round < 25; round++) {
      this.time += 300
      for (const node of this.nodes) {
        this.pull(node, this.draws.pick(this.nodes.filter((other) => other !== node)))
        node.replica?.sweep(this.now(node))
      }
    }
    const first = this.nodes[0]
    for (const node of this.nodes) {
      for (const key of keys) {
        const [own, other] = [this.visible(node, key), first === undefined ? undefined : this.visible(first, key)]
        if (own?.id !== other?.id) this.violations.push(`${key} differs: ${told(own)} at ${node.name}, ${told(other)}`)
      }
    }
    if (first !== undefined) { for (const node of this.nodes) this.judge(node, first) }
  }

  private visible(node: Node, key: string): Entry.Entry | undefined {
    const entry = node.replica?.table.get(key)
    // all look at one moment
    return entry !== undefined && Entry.isLive(entry, this.time + 2 * rules.ahead) ? entry : undefined
  }

  /** What a survivor wrote is there, or something later is, or its loss was told. */
  private judge(node: Node, first: Node): void {
    for (const written of node.written) {
      const wasTold = this.lost.some(({ by, key, time }) =>
        by === written.by && key === written.key && time === written.time
      )
      if (wasTold) continue
      const is = this.visible(first, written.key)
      const isDead = Entry.deadFrom(written) <= this.time + 2 * rules.ahead
      // who wrote the later one may have crashed since
      const later = this.ever.some((entry) => entry.key === written.key && Entry.order(entry, written) > 0)
      if (later || (is === undefined && isDead) || is?.id === written.id) continue
      this.violations.push(`${told(written)} is gone, there is ${told(is)}, and nobody was told`)
    }
  }
}

const told = (entry: Entry.Entry | undefined): string =>
  entry === undefined
    ? "nothing"
    : `${entry.key}@${entry.time}.${entry.counter} of ${entry.by} ${entry.isRemoval ? "removed" : "written"}${
      entry.expires === undefined ? "" : ` until ${entry.expires}`
    }`
