/**
 * Checks every step of every node of one cluster. What is checked is said in `Invariants`, which is what users see of
 * it.
 *
 * @since 0.1.0
 */
import type { ObservedNode, ObservedStep, Observer } from "../../engine/StepObserver.ts"
import type { MemberState } from "../../Member.ts"
import { isOutside } from "../../swim/life/Stage.ts"
import type { Directive } from "../../swim/membership/Directive.ts"
import type { Entry } from "../../swim/membership/Entry.ts"
import { isGone } from "../../swim/membership/Entry.ts"
import type { Membership } from "../../swim/membership/Membership.ts"
import * as Suspicion from "../../swim/suspicion/Suspicion.ts"
import * as Bounds from "./Bounds.ts"
import { Mirror } from "./Mirror.ts"
import type { Invariant, Violation } from "./Violation.ts"

const MAX_VIOLATIONS = 100
/** Clocks and timers round to this, in milliseconds. */
const TOLERANCE = 1
/**
 * A sleep does not end sooner when the clock leaps: this is as far as clocks may leap during one, in milliseconds. A
 * program that stood still is no later than its first step after that.
 */
const LEAPS = 20_000

const successors: Readonly<Record<MemberState, ReadonlyArray<MemberState>>> = {
  alive: ["alive", "suspect", "dead", "left"],
  suspect: ["suspect", "alive", "dead", "left"],
  dead: ["dead", "alive"],
  left: ["left", "alive"]
}

const hex = (bytes: Uint8Array | null): string => {
  let text = ""
  if (bytes !== null) { for (const byte of bytes) text += byte.toString(16).padStart(2, "0") }
  return text
}

/** Everything an alive claim says, but for the incarnation. */
const said = (entry: Entry): string => `${hex(entry.addr)}:${entry.port} ${hex(entry.vsn)} ${hex(entry.meta)}`

const show = (entry: Entry | undefined): string =>
  entry === undefined ? "unknown" : `${entry.state} at incarnation ${entry.incarnation}`

/** One run of one node's program. */
interface Life {
  /** What the node said of itself, by incarnation. */
  readonly announced: Map<number, string>
  readonly mirror: Mirror
  /** When the suspicions that it has end, and the first step after that. */
  readonly suspects: Map<string, { readonly expiry: number; overSince: number | undefined }>
  /** The most members it ever knew at once, and the names it ever knew. */
  mostMembers: number
  readonly names: Set<string>
  /** When it was first seen. */
  readonly since: number
  /** The bounds that were broken, each of which is told once. */
  readonly exceeded: Set<string>
}

/** The checks for one cluster: one observer for all of its nodes. */
export class Checker {
  readonly violations: Array<Violation> = []
  steps = 0
  private readonly lives = new Map<ObservedNode, Life>()
  /** What each name said of itself in all of its lives: `incarnation what`. */
  private readonly said = new Map<string, Set<string>>()
  /** Declarations of death, `name incarnation accuser`, and goodbyes, `name incarnation`. */
  private readonly deaths = new Set<string>()
  private readonly goodbyes = new Set<string>()

  readonly observe: Observer = (step) => {
    this.steps++
    const life = this.lifeOf(step)
    if (step.next !== step.previous) {
      this.changes(step, life)
      this.published(step, life)
    }
    this.overdue(step, life)
    this.bounds(step, life)
  }

  private lifeOf({ node, now }: ObservedStep): Life {
    const known = this.lives.get(node)
    if (known !== undefined) return known
    const life: Life = {
      announced: new Map(),
      mirror: new Mirror(),
      suspects: new Map(),
      mostMembers: 0,
      names: new Set(),
      since: now,
      exceeded: new Set()
    }
    this.lives.set(node, life)
    return life
  }

  private report(invariant: Invariant, { node, now }: ObservedStep, message: string): void {
    if (this.violations.length >= MAX_VIOLATIONS) return
    this.violations.push({ invariant, node: node.name, at: now, message })
  }

  private changes(step: ObservedStep, life: Life): void {
    const { next, node, previous } = step
    for (const entry of next.entries.values()) {
      const before = previous.entries.get(entry.name)
      if (before !== entry || next.deadlines !== previous.deadlines) this.awaited(step, entry)
      if (before === entry) continue
      life.names.add(entry.name)
      if (entry.suspicion === undefined) life.suspects.delete(entry.name)
      else life.suspects.set(entry.name, { expiry: Suspicion.expiry(entry.suspicion), overSince: undefined })
      if (entry.name === node.name) this.own(step, entry, life)
      this.entry(step, before, entry)
    }
    for (const entry of previous.entries.values()) {
      if (next.entries.has(entry.name)) continue
      life.suspects.delete(entry.name)
      this.forgotten(step, entry)
    }
    if (next.incarnation < previous.incarnation) {
      this.report("IncarnationWentBack", step, `its own went from ${previous.incarnation} to ${next.incarnation}`)
    }
  }

  /** A suspicion ends because the node waits for it, or will look for it. */
  private awaited(step: ObservedStep, { name, suspicion }: Entry): void {
    if (suspicion === undefined) return
    const { horizon, soonest } = step.next.deadlines
    const expiry = Suspicion.expiry(suspicion)
    if (expiry >= horizon || soonest.some((deadline) => deadline.name === name && deadline.at === expiry)) return
    this.report("OverdueSuspicion", step, `${name} is suspect until ${expiry}, which nobody waits for`)
  }

  private overdue(step: ObservedStep, { suspects }: Life): void {
    for (const [name, suspect] of suspects) {
      const { expiry } = suspect
      if (step.now <= expiry) continue
      suspect.overSince ??= step.now
      if (step.now - suspect.overSince <= LEAPS) continue
      suspects.delete(name)
      this.report("OverdueSuspicion", step, `${name} is suspect ${step.now - expiry} ms after its time was over`)
    }
  }

  /** What a node believes of itself it says to others. */
  private own(step: ObservedStep, entry: Entry, life: Life): void {
    if (entry.state !== "alive") {
      if (!isOutside(step.next.stage)) this.report("SelfDead", step, `it believes itself ${show(entry)}`)
      if (entry.state === "left") this.goodbyes.add(`${entry.name} ${entry.incarnation}`)
      return
    }
    const now = said(entry)
    const earlier = life.announced.get(entry.incarnation)
    if (earlier === undefined) life.announced.set(entry.incarnation, now)
    else if (earlier !== now) {
      this.report("MetadataOfIncarnation", step, `it says two things at incarnation ${entry.incarnation}`)
    }
    let all = this.said.get(entry.name)
    if (all === undefined) this.said.set(entry.name, all = new Set())
    all.add(`${entry.incarnation} ${now}`)
  }

  private entry(step: ObservedStep, before: Entry | undefined, entry: Entry): void {
    const changedHands = step.directives.some((directive) =>
      (directive._tag === "Reclaimed" || (directive._tag === "Conflict" && directive.replaced)) &&
      directive.existing.name === entry.name
    )
    const legal = before === undefined ? entry.state === "alive" : successors[before.state].includes(entry.state)
    if (!legal || (entry.state === "suspect") !== (entry.suspicion !== undefined)) {
      this.report("IllegalChange", step, `${entry.name} went from ${show(before)} to ${show(entry)}`)
    }
    if (entry.suspicion !== undefined && entry.suspicion.accusers.length > entry.suspicion.k + 1) {
      const { accusers, k } = entry.suspicion
      this.report("Bounds", step, `${accusers.length} accusers of ${entry.name}, at most ${k + 1} are allowed`)
    }
    if (before !== undefined && !changedHands) {
      if (entry.incarnation < before.incarnation) {
        this.report("IncarnationWentBack", step, `${entry.name} went from ${show(before)} to ${show(entry)}`)
      } else if (isGone(before) && !isGone(entry) && entry.incarnation === before.incarnation) {
        this.report("Resurrection", step, `${entry.name} went from ${show(before)} to ${show(entry)}`)
      }
    }
    if (entry.state === "alive" && this.said.get(entry.name)?.has(`${entry.incarnation} ${said(entry)}`) === false) {
      this.report("NeverSaid", step, `${entry.name} never said what is believed of it at ${entry.incarnation}`)
    }
    if (entry.state === "left" && before?.state !== "left") this.departure(step, entry)
  }

  private departure(step: ObservedStep, entry: Entry): void {
    if (this.said.has(entry.name) && !this.goodbyes.has(`${entry.name} ${entry.incarnation}`)) {
      this.report("NeverSaid", step, `${entry.name} never said goodbye at incarnation ${entry.incarnation}`)
    }
  }

  private forgotten(step: ObservedStep, entry: Entry): void {
    if (entry.name !== step.node.name && evicts(step.directives, entry.name)) return
    const { gossipToTheDeadTime } = step.node.settings.rules
    const reaped = step.directives.some(({ _tag, ...rest }) =>
      _tag === "Reaped" && "entry" in rest && rest.entry === entry
    )
    const due = isGone(entry) && step.now - entry.stateChangedAt >= gossipToTheDeadTime - TOLERANCE
    if (!reaped || !due || entry.name === step.node.name) {
      this.report("Forgotten", step, `${entry.name}, ${show(entry)}, was forgotten too early`)
    }
  }

  private published(step: ObservedStep, life: Life): void {
    const { directives, next, previous } = step
    for (const directive of directives) {
      if (directive._tag !== "Publish") continue
      const complaint = life.mirror.apply(directive.change)
      if (complaint !== undefined) this.report("Events", step, complaint)
      if (directive.change._tag === "Failed" && !evicts(directives, directive.change.entry.name)) {
        this.death(step, directive.change.entry, directive.change.from)
      }
    }
    for (const entry of next.entries.values()) {
      if (previous.entries.get(entry.name) === entry) continue
      const complaint = life.mirror.differs(entry)
      if (complaint !== undefined) this.report("Events", step, complaint)
    }
    const live = countLive(next)
    if (life.mirror.size !== live) {
      this.report("Events", step, `the events give ${life.mirror.size} members, the table has ${live}`)
    }
  }

  /**
   * A death is first declared by its accuser, whose own suspicion must have run its time; others may only repeat it.
   */
  private death(step: ObservedStep, entry: Entry, from: string): void {
    const key = `${entry.name} ${entry.incarnation} ${from}`
    if (this.deaths.has(key)) return
    if (from !== step.node.name) {
      if (this.said.has(from)) this.report("NeverSaid", step, `${from} never declared ${entry.name} dead`)
      return
    }
    this.deaths.add(key)
    const before = step.previous.entries.get(entry.name)
    const left = before?.suspicion === undefined ? Infinity : Suspicion.expiry(before.suspicion) - step.now
    if (left > TOLERANCE) {
      this.report("HastySuspicion", step, `it declared ${entry.name} dead, which was ${show(before)}, ${left} ms early`)
    }
  }

  private bounds(step: ObservedStep, life: Life): void {
    life.mostMembers = Math.max(life.mostMembers, step.next.entries.size)
    const known = { mostMembers: life.mostMembers, names: life.names.size, since: life.since }
    Bounds.check(step, known, (what, message) => {
      if (life.exceeded.has(what)) return
      life.exceeded.add(what)
      this.report("Bounds", step, message)
    })
  }
}

/** Whether the member made place for another, which says nothing about it. */
const evicts = (directives: ReadonlyArray<Directive>, name: string): boolean =>
  directives.some((directive) => directive._tag === "Evicted" && directive.entry.name === name)

const countLive = (m: Membership): number => {
  let live = 0
  for (const entry of m.entries.values()) if (!isGone(entry)) live++
  return live
}
