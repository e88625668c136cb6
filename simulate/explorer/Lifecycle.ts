/**
 * What must be true of the application's calls, and of goodbyes. Each judge is told what was seen and says what is wrong
 * with it; none of them knows of clocks. All times are in milliseconds of the network's clock.
 */
import type { JoinReport, NewsReport } from "effect-memberlist"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import { retransmitLimit } from "../../src/base/Scaling.ts"
import type { ObservedStep } from "../../src/engine/StepObserver.ts"
import { isOutside } from "../../src/swim/life/Stage.ts"
import { type Entry, isGone } from "../../src/swim/membership/Entry.ts"
import type { Membership } from "../../src/swim/membership/Membership.ts"
import type { Begun, Called, CallName } from "./Calls.ts"
import type { Planned } from "./Plan.ts"

/** One life of a node, as its steps show it. */
interface Seen {
  readonly node: ObservedStep["node"]
  table: Membership
  /** When it went outside the last time, and when it was there the last time. */
  leftAt: number
  outsideUntil: number
  /** The highest incarnation that it has known of each member. */
  readonly known: Map<string, number>
}

/** What all nodes have known so far. */
export class Knowledge {
  private readonly lives = new Map<string, Seen>()
  /** By knower and member: the highest incarnation that was known in any life. */
  private readonly known = new Map<string, number>()

  /** Takes in a step. */
  take({ next, node, previous }: ObservedStep, now: number): void {
    let seen = this.lives.get(node.name)
    if (seen?.node !== node) {
      this.lives.set(node.name, seen = { node, table: next, leftAt: -1, outsideUntil: -1, known: new Map() })
    }
    if (isOutside(next.stage) && !isOutside(previous.stage)) seen.leftAt = now
    if (!isOutside(next.stage) && isOutside(previous.stage)) seen.outsideUntil = now
    seen.table = next
    if (next.entries === previous.entries) return
    for (const entry of next.entries.values()) {
      if (previous.entries.get(entry.name) === entry) continue
      const key = `${node.name} ${entry.name}`
      this.known.set(key, Math.max(this.known.get(key) ?? 0, entry.incarnation))
      seen.known.set(entry.name, Math.max(seen.known.get(entry.name) ?? 0, entry.incarnation))
    }
  }

  /** The present life of a node, by which it is told from a later one. */
  lifeOf(name: string): object | undefined {
    return this.lives.get(name)?.node
  }

  tableOf(name: string): Membership | undefined {
    return this.lives.get(name)?.table
  }

  /** The highest incarnation of a member that a node has known in its present life; -1: it never heard of it. */
  knownTo(name: string, member: string): number {
    return this.lives.get(name)?.known.get(member) ?? -1
  }

  /** What a node says of itself now. */
  incarnationOf(name: string): number {
    return this.tableOf(name)?.entries.get(name)?.incarnation ?? 0
  }

  isOutside(name: string): boolean {
    const seen = this.lives.get(name)
    return seen !== undefined && isOutside(seen.table.stage)
  }

  /** Whether a node was outside at any time from then on. */
  wasOutside(name: string, from: number): boolean {
    return this.isOutside(name) || (this.lives.get(name)?.outsideUntil ?? -1) >= from
  }

  /** Whether a node went outside from then on. */
  hasLeft(name: string, from: number): boolean {
    return (this.lives.get(name)?.leftAt ?? -1) >= from
  }

  /**
   * The others who ever knew a member at that incarnation or a later one; or, for its goodbye, who do not list it as it was:
   * who believes it dead already takes nothing else from its goodbye.
   */
  knowers(member: string, incarnation: number, goodbye: boolean): ReadonlyArray<string> {
    const names = [...this.lives.keys()].filter((name) => name !== member)
    return names.filter((name) => {
      if (!goodbye) return (this.known.get(`${name} ${member}`) ?? 0) >= incarnation
      const entry = this.tableOf(name)?.entries.get(member)
      return entry === undefined || isGone(entry) || entry.incarnation > incarnation
    })
  }
}

/** The faults of a plan, which begins at a moment. */
export class Weather {
  private readonly script: ReadonlyArray<Planned>
  private readonly beganAt: () => number

  constructor(script: ReadonlyArray<Planned>, beganAt: () => number) {
    this.script = script
    this.beganAt = beganAt
  }

  private some(from: number, to: number, concerns: (fault: Planned["fault"]) => boolean): boolean {
    return this.script.some((planned) => {
      const begin = this.beganAt() + planned.at
      return begin <= to && begin + planned.for >= from && concerns(planned.fault)
    })
  }

  /** Whether a host stood still at any time of these. */
  paused(name: string, from: number, to: number): boolean {
    return this.some(
      from,
      to,
      (fault) =>
        (fault._tag === "Pause" && fault.hosts.includes(name)) || (fault._tag === "Stall" && fault.node === name)
    )
  }

  /** Whether a packet from one host to another could be late or lost at any time of these; jitter alone does not count. */
  rough(from: string, to: string, begin: number, end: number): boolean {
    const on = (hosts: ReadonlyArray<string>, name: string) => hosts.includes("*") || hosts.includes(name)
    return this.some(begin, end, (fault) => {
      switch (fault._tag) {
        case "Pause":
        case "Crash":
          return on(fault.hosts, from) || on(fault.hosts, to)
        case "Stall":
          return fault.node === from || fault.node === to
        case "Partition":
          return true
        case "Cut":
        case "Loss":
        case "Reorder":
        case "Bandwidth":
        case "Mtu":
          return on(fault.from, from) && on(fault.to, to)
        default:
          return false
      }
    })
  }
}

/** The clocks of nodes may run that much slower than the network's. */
const SLOWEST = 0.8

/** How long a call may take, by the node's clock, where nobody ends it. A join has two exchanges, of three steps each. */
const LONGEST: Readonly<Record<CallName, number>> = {
  join: 61_000,
  joinScoped: 61_000,
  leave: 5_000,
  updateMeta: 0,
  updateMetaAndWait: 5_000,
  send: 0,
  sendReliably: 20_000,
  ping: 500,
  broadcast: 0
}

/** How long a goodbye is repeated where a join was cut off. A scoped join may say it twice: as it ends, and with its scope. */
const UNDOING = 600

/** What is wrong with what a node says of itself, if anything: whoever is outside has said goodbye. */
export const halfway = ({ next, node }: ObservedStep): string | undefined => {
  const own = next.entries.get(node.name)
  return isOutside(next.stage) && own !== undefined && !isGone(own)
    ? `${node.name} has left, and says that it is ${own.state}`
    : undefined
}

/** Judges calls by what they answered. */
export class Calls {
  private readonly knowledge: Knowledge
  private readonly weather: Weather
  /** When the last life of a name ended. */
  private readonly ended = new Map<string, number>()

  constructor(knowledge: Knowledge, weather: Weather) {
    this.knowledge = knowledge
    this.weather = weather
  }

  /** The release of a node's layer has begun. */
  ends(name: string, now: number): void {
    this.ended.set(name, now)
  }

  private endedSince(name: string, from: number): boolean {
    return (this.ended.get(name) ?? -1) >= from
  }

  /** To be asked when a call has just begun. */
  begun({ node, to }: { readonly node: string; readonly to: string }): Begun {
    const returns = this.knowledge.isOutside(node) ? 1 : 0
    return {
      incarnation: this.knowledge.incarnationOf(node),
      announced: this.knowledge.incarnationOf(node) + returns,
      peer: this.knowledge.lifeOf(to)
    }
  }

  /** What is wrong with how a call ended, if anything. */
  ending(called: Called): string | undefined {
    const { exit, happening: { call, node }, interruptedAt, life } = called
    if (Exit.isFailure(exit) && Cause.hasDies(exit.cause)) return `${node}'s ${call} died: ${Cause.pretty(exit.cause)}`
    if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) && interruptedAt === undefined) {
      return `${node}'s ${call} was interrupted, and nobody did it`
    }
    return this.late(called) ?? (called.beganAt > life.endsAt || called.answeredAt > life.endsAt
      ? this.closed(called)
      : this.left(called))
  }

  private late({ answeredAt, beganAt, closedAt, endedAt, happening, interruptedAt, life }: Called): string | undefined {
    const { call, node } = happening
    const scoped = call === "joinScoped"
    const spans = [
      ["that was left alone", beganAt, answeredAt, LONGEST[call] / SLOWEST],
      ["that was interrupted", interruptedAt, answeredAt, scoped ? UNDOING / SLOWEST : 0],
      ["whose scope was closed", closedAt, endedAt, UNDOING / SLOWEST],
      // the release itself waits for what another call undoes
      ["whose layer was released", life.endsAt > beganAt ? life.endsAt : undefined, answeredAt, UNDOING / SLOWEST],
      ["that came after the release", life.endsAt < beganAt ? beganAt : undefined, answeredAt, 0]
    ] as const
    for (const [what, from, to, most] of spans) {
      // a millisecond, because clocks round
      if (from === undefined || to - from <= most + 1 || this.weather.paused(node, from, to)) continue
      // a scope that is closed while its join runs on is told of when that has ended
      if (from === closedAt && answeredAt > from) continue
      return `${node}'s ${call} ${what} took ${to - from} ms more, at most ${most} are allowed`
    }
    return undefined
  }

  private closed({ exit, happening: { call, node }, interruptedAt }: Called): string | undefined {
    if (Exit.isSuccess(exit)) return `${node}'s ${call} succeeded after the release of its layer`
    const error = Cause.findError(exit.cause)
    if (Result.isFailure(error)) {
      return interruptedAt === undefined ? `${node}'s ${call} gave no answer after the release of its layer` : undefined
    }
    return error.success._tag === "MemberlistClosed"
      ? undefined
      : `${node}'s ${call} failed with ${error.success._tag} after the release of its layer`
  }

  private left({ beganAt, closedAt, endedAt, exit, happening: { call, node }, life }: Called): string | undefined {
    if (call === "leave" && Exit.isSuccess(exit) && !this.knowledge.wasOutside(node, beganAt)) {
      return `${node} left, and was never outside`
    }
    if (life.endsAt <= endedAt) return undefined
    if (closedAt !== undefined && Exit.isSuccess(exit) && !this.knowledge.wasOutside(node, closedAt)) {
      return `${node} did not leave at the end of its join's scope`
    }
    return undefined
  }

  /**
   * What is wrong with what a call says that it did, if anything; to be asked at once: who confirms news has it by then, and
   * who answers a join has merged our list before the answer arrives.
   */
  outcome(called: Called): string | undefined {
    const { exit, happening: { call } } = called
    if (!Exit.isSuccess(exit)) return undefined
    switch (call) {
      case "join":
      case "joinScoped":
        return this.joined(called, exit.value as JoinReport)
      case "leave":
      case "updateMeta":
      case "updateMetaAndWait":
        return this.told(called, exit.value as NewsReport)
      default:
        return undefined
    }
  }

  /** Who was contacted has heard what we announced, unless we left, or either of us ended, or the peer stood still. */
  private joined(
    { beganAt, begun: { announced, peer }, endedAt, happening: { node, to }, life }: Called,
    { contacted }: JoinReport
  ): string | undefined {
    if (contacted.length === 0) return `${node}'s join through ${to} succeeded without a contact`
    if (life.endsAt <= endedAt || this.knowledge.hasLeft(node, beganAt)) return undefined
    if (this.knowledge.isOutside(node)) return `${node} joined through ${to}, and is still outside`
    if (peer === undefined || this.knowledge.lifeOf(to) !== peer || this.endedSince(to, beganAt)) return undefined
    if (this.weather.paused(to, beganAt, endedAt)) return undefined
    const known = this.knowledge.knownTo(to, node)
    return known >= announced
      ? undefined
      : `${node} joined through ${to} at incarnation ${announced} or above, which never heard of that, but of ${known}`
  }

  private told(
    { beganAt, begun: { incarnation }, happening: { call, node } }: Called,
    { confirmed, members, outcome, sent }: NewsReport
  ): string | undefined {
    const figures = `${outcome}, ${confirmed} of ${sent} sent to ${members} confirmed`
    if (confirmed > sent) return `${node}'s ${call}: ${figures}`
    if (outcome === "Sent" && members > 0 && sent === 0) return `${node}'s ${call} was sent to nobody: ${figures}`
    const knowers = this.knowledge.knowers(node, incarnation, call === "leave")
    // who ended meanwhile may have known it
    const gone = [...this.ended].filter(([name, at]) => name !== node && !knowers.includes(name) && at >= beganAt)
    const most = knowers.length + gone.length
    return confirmed <= most ? undefined : `${node}'s ${call}: ${figures}, and ${most} know of it`
  }
}

/** How long a goodbye that goes straight to a member may take, with what a release waits for before. */
export const GOODBYE = 3_000

/** Somebody who must have been told of a goodbye by then. */
interface Told {
  readonly name: string
  readonly life: object | undefined
}

/** A goodbye that a release says. */
export interface Goodbye {
  readonly member: string
  readonly incarnation: number
  readonly at: number
  readonly told: ReadonlyArray<Told>
}

/**
 * Judges goodbyes. A release sends its goodbye straight to as many members as gossip would; where that is everybody, all
 * that the node lists, and that list it, learn that it left, as far as the network lets one packet to each of them through.
 */
export class Goodbyes {
  private readonly knowledge: Knowledge
  private readonly weather: Weather

  constructor(knowledge: Knowledge, weather: Weather) {
    this.knowledge = knowledge
    this.weather = weather
  }

  /** A node's layer is being released, as this step shows. */
  said({ next, node }: ObservedStep, now: number): Goodbye {
    const others = [...next.entries.values()].filter((entry) => entry.name !== node.name && !isGone(entry))
    const incarnation = next.entries.get(node.name)?.incarnation ?? 0
    const reached = others.length <= retransmitLimit(node.config.retransmitMult, next.entries.size)
    // dead stays dead, and left is what it should be
    const told = reached ? others.filter(({ name }) => isListed(this.entry(name, node.name, incarnation))) : []
    return {
      member: node.name,
      incarnation,
      at: now,
      told: told.map(({ name }) => ({ name, life: this.knowledge.lifeOf(name) }))
    }
  }

  /** What a node knows of a member, unless that is newer. */
  private entry(name: string, member: string, incarnation: number): Entry | undefined {
    const entry = this.knowledge.tableOf(name)?.entries.get(member)
    return entry !== undefined && entry.incarnation <= incarnation ? entry : undefined
  }

  /** Who should know of a goodbye by now and does not. */
  missed(
    { at, incarnation, member, told }: Goodbye,
    now: number,
    hasEnded: (name: string) => boolean
  ): string | undefined {
    for (const { life, name } of told) {
      if (this.knowledge.lifeOf(name) !== life || hasEnded(name)) continue
      if (this.weather.rough(member, name, at, now)) continue
      const state = this.entry(name, member, incarnation)?.state
      if (state !== undefined && state !== "left") return `${name} was told that ${member} left, and has it as ${state}`
    }
    return undefined
  }
}

const isListed = (entry: Entry | undefined): boolean => entry !== undefined && !isGone(entry)
