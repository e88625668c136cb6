/**
 * Our side: the pure rules, driven by the same steps as memberlist, with a clock that only the steps move. Everything
 * that the reference test needs of `src` is imported here and nowhere else.
 */
import { retransmitLimit } from "../src/base/Scaling.ts"
import * as BroadcastQueue from "../src/swim/gossip/BroadcastQueue.ts"
import * as Tier from "../src/swim/gossip/Tier.ts"
import * as Announcement from "../src/swim/life/Announcement.ts"
import { isOutside } from "../src/swim/life/Stage.ts"
import { alive } from "../src/swim/membership/Alive.ts"
import { type Alive, type Dead, type Suspect } from "../src/swim/membership/Claim.ts"
import * as Conflicts from "../src/swim/membership/Conflicts.ts"
import { dead } from "../src/swim/membership/Dead.ts"
import type { Directive } from "../src/swim/membership/Directive.ts"
import type { Entry } from "../src/swim/membership/Entry.ts"
import * as Membership from "../src/swim/membership/Membership.ts"
import { merge } from "../src/swim/membership/Merge.ts"
import { ignorable } from "../src/swim/membership/OldNews.ts"
import { reap } from "../src/swim/membership/Reap.ts"
import * as Versions from "../src/swim/membership/Versions.ts"
import * as LocalHealth from "../src/swim/probing/LocalHealth.ts"
import { suspect } from "../src/swim/suspicion/Accuse.ts"
import * as Deadlines from "../src/swim/suspicion/Deadlines.ts"
import { expire as expireAll, nextExpiry } from "../src/swim/suspicion/Expiry.ts"
import * as Suspicion from "../src/swim/suspicion/Suspicion.ts"
import * as Compression from "../src/wire/Compression.ts"
import * as Message from "../src/wire/message/Message.ts"
import * as Checksum from "../src/wire/packet/Checksum.ts"
import * as Compound from "../src/wire/packet/Compound.ts"
import * as Packet from "../src/wire/packet/Packet.ts"
import { type Claim, MILLISECOND, type Row, type Setup, type Step } from "./Sequence.ts"

export { MAX_INCARNATION, MAX_INCARNATION_JUMP } from "../src/swim/membership/Claim.ts"
export { Draws } from "../src/testing/clock/Draws.ts"
export type { Entry }
export type Table = Membership.Membership
export type Outcome = Membership.Step
export type Env = Membership.Env

/**
 * How our side runs where the two differ on purpose and the choice is ours: as memberlist does. This is the one place
 * where what memberlist does not have is switched off. What differs whatever is chosen is in `Differences.ts`.
 */
export const AS_REFERENCE: Options = {
  /** Nobody makes place for a newcomer. */
  maxMembers: Infinity,
  /** A name that two nodes claim stays with the one known first. */
  nameConflictPolicy: "keep",
  /** Every conflict is told, and not only the first within a minute. */
  conflicts: "each",
  /** Of the claims in one packet the last is judged first. */
  packets: "newestFirst",
  /** What is sent straight to a member is not looked at. */
  told: "unseen"
}

export interface Options {
  readonly maxMembers: number
  readonly nameConflictPolicy: "keep" | "replace"
  readonly conflicts: "each" | "seldom"
  readonly packets: "newestFirst" | "asArrived"
  readonly told: "unseen" | "seen"
}

/** The rules under test. A broken one takes the place of the real one to show that the comparison notices. */
export interface Rules {
  readonly alive: (m: Table, claim: Alive, env: Env) => Outcome
  readonly suspect: (m: Table, claim: Suspect, env: Env) => Outcome
  readonly dead: (m: Table, claim: Dead, env: Env) => Outcome
  readonly merge: (m: Table, rows: Parameters<typeof merge>[1], env: Env) => Outcome
  readonly announce: (m: Table, own: Announcement.Own, env: Env) => Outcome
  readonly leave: (m: Table, env: Env) => Outcome
  readonly expire: (m: Table, entry: Entry, env: Env) => Outcome
  readonly reap: (m: Table, env: Env) => Outcome
  /** When a suspicion ends, in milliseconds; `undefined` where there is none. */
  readonly expiry: (entry: Entry) => number | undefined
  readonly compatible: (m: Table, rows: Parameters<typeof merge>[1]) => boolean
  readonly health: (score: number, delta: number, max: number) => number
  readonly queue: <B extends BroadcastQueue.Broadcast>(
    q: BroadcastQueue.BroadcastQueue<B>,
    broadcast: B
  ) => BroadcastQueue.Change<B>
  readonly retransmitLimit: (mult: number, n: number) => number
}

/** What memberlist does at its start, for new metadata, and in a join after a leave: announce what we are. */
const announce = (m: Table, own: Announcement.Own, env: Env): Outcome => {
  const [next, directives] = m.stage._tag === "Unannounced"
    ? Announcement.start(m, own, env)
    : isOutside(m.stage)
    ? Announcement.introduce(m, own, { join: 1 }, env)
    : Announcement.update(m, own, env)
  const [settled, more] = Announcement.settle(next, 1, true, env)
  return [settled, [...directives, ...more]]
}

const leave = (m: Table, env: Env): Outcome => {
  const [next, directives] = Announcement.leave(m, env)
  return [next, directives]
}

/**
 * Ends one suspicion. Of several that end at one instant memberlist has no order of its own, so we take its; the list of
 * deadlines must have known of this one in time.
 */
const expire = (m: Table, { name, suspicion }: Entry, env: Env): Outcome => {
  if (suspicion === undefined || nextExpiry(m) > Suspicion.expiry(suspicion)) return [m, []]
  const alone = Deadlines.from((each) => each({ name, at: Suspicion.expiry(suspicion) }))
  const [next, directives] = expireAll({ ...m, deadlines: alone }, env)
  return [{ ...next, deadlines: m.deadlines }, directives]
}

export const rules: Rules = {
  alive,
  suspect,
  dead,
  merge,
  announce,
  leave,
  expire,
  reap,
  expiry: ({ suspicion }) => suspicion === undefined ? undefined : Suspicion.expiry(suspicion),
  compatible: (m, rows) => Versions.verify(m.entries.values(), rows) === undefined,
  health: LocalHealth.apply,
  queue: BroadcastQueue.queue,
  retransmitLimit: retransmitLimit
}

/** The bytes that each message costs beside its own in a packet. */
const PART_OVERHEAD = 2
/** Longer than any packet that is drawn, so that it stays. */
const PADDING = new Uint8Array(2_000)
const BIND_PORT = 7946
/** The packets of the sequences are neither labelled nor encrypted. */
const INBOUND: Packet.Inbound = { label: new Uint8Array(0), skipLabelCheck: false, keys: [], verifyIncoming: true }

export const toBytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"))
export const toHex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex")

const orNone = (bytes: string | null): Uint8Array | null => bytes === null ? null : toBytes(bytes)
const metaText = (meta: Uint8Array | null): string => meta === null || meta.length === 0 ? "-" : toHex(meta)

/** A name as both sides print it. */
export const shown = (name: string): string =>
  /^[\x21\x23-\x7e]*$/.test(name) ? `"${name}"` : `x${Buffer.from(name).toString("hex")}`

const described = ({ addr, meta, name, port, vsn }: Entry): string =>
  `${shown(name)} ${toHex(addr)}:${port} meta=${metaText(meta)} vsn=${toHex(vsn)}`

/** A line of `observe`, of either side, with the queued message in words and long texts cut. */
export const readable = (line: string): string => {
  const [head, hex] = line.split(/ (?=[0-9a-f]+$)/)
  const isMessage = hex !== undefined && /^(queued|drawn)/.test(line)
  const words = isMessage ? `${head} ${messageText(toBytes(hex))}` : line
  return words.replace(/[^\s"=]{80,}/g, (text) => `${text.slice(0, 4)}…(${text.length})`)
}

const messageText = (bytes: Uint8Array): string => {
  const [message] = Packet.decode(bytes, INBOUND).messages
  switch (message?._tag) {
    case "Alive": {
      const { addr, incarnation, meta, node, port, vsn } = message
      const place = `${toHex(addr)}:${port}`
      return `alive ${shown(node)} ${place} meta=${metaText(meta)} vsn=${toHex(vsn)} incarnation=${incarnation}`
    }
    case "Suspect":
    case "Dead":
      return `${message._tag.toLowerCase()} ${shown(message.node)} from=${shown(message.from)} `
        + `incarnation=${message.incarnation}`
    default:
      return toHex(bytes)
  }
}

/** The claim of a step. */
const claimOf = (step: Claim): Alive | Suspect | Dead => {
  const { inc: incarnation, node } = step
  switch (step.do) {
    case "alive":
      return {
        _tag: "Alive",
        incarnation,
        node,
        addr: toBytes(step.addr),
        port: step.port,
        meta: orNone(step.meta),
        vsn: toBytes(step.vsn)
      }
    case "suspect":
      return { _tag: "Suspect", incarnation, node, from: step.from }
    case "dead":
      return { _tag: "Dead", incarnation, node, from: step.from }
  }
}

const rowOf = ({ addr, inc, meta, name, port, state, vsn }: Row) => ({
  name,
  addr: toBytes(addr),
  port,
  meta: orNone(meta),
  incarnation: inc,
  state,
  vsn: toBytes(vsn)
})

const stepOf = (claim: Alive | Suspect | Dead): Claim => {
  const { incarnation: inc, node } = claim
  switch (claim._tag) {
    case "Alive": {
      const { addr, meta, port, vsn } = claim
      return {
        do: "alive",
        node,
        inc,
        addr: toHex(addr),
        port,
        meta: meta === null ? null : toHex(meta),
        vsn: toHex(vsn),
        after: 0
      }
    }
    case "Suspect":
      return { do: "suspect", node, inc, from: claim.from, after: 0 }
    case "Dead":
      return { do: "dead", node, inc, from: claim.from, after: 0 }
  }
}

/** How a packet carries claims. */
export interface Wrapping {
  readonly compress: boolean
  readonly checksum: boolean
}

/** A packet with claims, and whatever else the caller adds. */
export const packetOf = (
  claims: ReadonlyArray<Claim>,
  others: ReadonlyArray<Uint8Array>,
  { checksum, compress }: Wrapping
): Uint8Array => {
  const parts = [...claims.map((claim) => Message.encode(claimOf(claim))), ...others]
  const [first] = parts
  const message = parts.length === 1 && first !== undefined ? first : Compound.make(parts)
  const payload = compress ? Compression.wrap(message) : message
  return checksum ? Checksum.add(payload) : payload
}

/** Messages that a node ignores: a ping for somebody else, answers that nobody waits for, and a message's text. */
export const noise: ReadonlyArray<Uint8Array> = [
  Message.encode({
    _tag: "Ping",
    seqNo: 7,
    node: "somebody else",
    sourceAddr: new Uint8Array(0),
    sourcePort: 0,
    sourceNode: ""
  }),
  Message.encode({ _tag: "Ack", seqNo: 4_000_000_000, payload: null }),
  Message.encode({ _tag: "Nack", seqNo: 4_000_000_000 }),
  Message.encode({ _tag: "User", payload: Uint8Array.of(1, 2, 3) })
]

/** Runs the steps of one sequence. */
export class Ours {
  private readonly setup: Setup
  private readonly book: Rules
  private readonly options: Options
  private readonly env: Omit<Env, "now">
  private m: Table
  private queued: BroadcastQueue.BroadcastQueue<BroadcastQueue.Broadcast> = BroadcastQueue.empty
  private health = LocalHealth.HEALTHY
  /** Nanoseconds. */
  private clock = 0
  private lines: Array<string> = []
  private extra: Array<string> = []
  private degraded = 0
  private told = 0
  /** When each member's latest suspicion began, in nanoseconds. */
  private suspectedAt = new Map<string, number>()
  /** Whether the last step brought claims together with the end of a suspicion, whose order memberlist leaves open. */
  raced = false

  constructor(setup: Setup, options: Options = AS_REFERENCE, book: Rules = rules) {
    this.setup = setup
    this.options = options
    this.book = book
    const allowed = (addr: Uint8Array) => !setup.restricted || addr[addr.length === 16 ? 12 : 0] === 10
    this.env = {
      random: () => 0,
      rules: {
        probeInterval: setup.probeInterval / MILLISECOND,
        suspicionMult: setup.suspicionMult,
        suspicionMaxTimeoutMult: setup.suspicionMaxMult,
        deadNodeReclaimTime: setup.deadNodeReclaimTime / MILLISECOND,
        gossipToTheDeadTime: setup.gossipToTheDeadTime / MILLISECOND,
        maxMembers: options.maxMembers,
        nameConflictPolicy: options.nameConflictPolicy,
        recovery: false,
        verifies: false,
        healInterval: 10_000,
        maxLost: 256,
        lostTime: 86_400_000,
        addressAllowed: allowed
      }
    }
    this.m = Membership.make(setup.name)
    if (setup.keepsIds) this.put({ name: undefined, unique: true, message: PADDING })
    this.announce(orNone(setup.meta))
  }

  /** The same, to go on from here another way. */
  copy(): Ours {
    const copy: Ours = Object.create(Ours.prototype)
    Object.assign(copy, this, {
      lines: this.lines.slice(),
      extra: this.extra.slice(),
      suspectedAt: new Map(this.suspectedAt)
    })
    return copy
  }

  /** Does a step. `order` says in which order suspicions end that end at the same instant. */
  apply(step: Step, order: ReadonlyArray<string> = []): void {
    const end = this.clock + step.after
    // memberlist tells of every conflict; what was told is forgotten, so that we do as well
    if (this.options.conflicts === "each") this.m = { ...this.m, conflicts: Conflicts.none }
    const claims = this.act(step)
    const due = this.nextDue(order)
    this.raced = claims > 1 && due !== undefined && due.at <= this.clock
    for (let next = due; next !== undefined && next.at <= end; next = this.nextDue(order)) {
      this.clock = Math.max(this.clock, next.at)
      const { entry } = next
      this.run((m, env) => this.book.expire(m, entry, env))
    }
    this.clock = end
  }

  /** Judges a claim, without any time passing. */
  judge(claim: Alive | Suspect | Dead): void {
    this.run((m, env) => {
      switch (claim._tag) {
        case "Alive":
          return this.book.alive(m, claim, env)
        case "Suspect":
          return this.book.suspect(m, claim, env)
        case "Dead":
          return this.book.dead(m, claim, env)
      }
    })
  }

  /** The claims that a step brings, in the order in which they are judged. */
  claims(step: Step): ReadonlyArray<Claim> {
    switch (step.do) {
      case "alive":
      case "suspect":
      case "dead":
        return [step]
      case "merge":
        if (!this.book.compatible(this.m, step.rows.map(rowOf))) return []
        return step.rows.flatMap((row): ReadonlyArray<Claim> => {
          const { inc, name: node } = row
          switch (row.state) {
            case 0:
              return [{
                do: "alive",
                node,
                inc,
                addr: row.addr,
                port: row.port,
                meta: row.meta,
                vsn: row.vsn,
                after: 0
              }]
            case 1:
            case 2:
              return [{ do: "suspect", node, inc, from: this.setup.name, after: 0 }]
            case 3:
              return [{ do: "dead", node, inc, from: node, after: 0 }]
            default:
              return []
          }
        })
      case "packet":
        return this.received(step.bytes).map(stepOf)
      default:
        return []
    }
  }

  /** Judges one of the claims of a step, as `claims` gives them. */
  judgeStep(claim: Claim): void {
    this.judge(claimOf(claim))
  }

  private act(step: Step): number {
    switch (step.do) {
      case "alive":
      case "suspect":
      case "dead":
        this.judge(claimOf(step))
        return 1
      case "merge": {
        const rows = step.rows.map(rowOf)
        if (this.book.compatible(this.m, rows)) this.run((m, env) => this.book.merge(m, rows, env))
        else this.extra.push("merge refused")
        return rows.length
      }
      case "packet": {
        const claims = this.received(step.bytes)
        for (const claim of claims) this.judgeUnlessOld(claim)
        return claims.length
      }
      case "update":
        this.announce(orNone(step.meta))
        return 1
      case "return":
        this.announce(this.entry(this.setup.name)?.meta ?? null)
        return 1
      case "leave":
        this.run((m, env) => this.book.leave(m, env))
        return 1
      case "reap":
        this.run((m, env) => this.book.reap(m, env))
        return 1
      case "health":
        this.health = this.book.health(this.health, step.delta, this.setup.awarenessMaxMultiplier)
        return 0
      case "draw":
        this.draw(step.limit)
        return 0
      case "wait":
        return 0
    }
  }

  /** What a node does with a claim from a packet: what is old news is not even judged. */
  private judgeUnlessOld(claim: Alive | Suspect | Dead): void {
    if (this.options.conflicts === "each") this.m = { ...this.m, conflicts: Conflicts.none }
    const old = ignorable(this.m, claim, { admits: false, alives: 0 })
    if (old === undefined) this.judge(claim)
  }

  /** The claims in a datagram: alive claims first, then accusations. */
  private received(bytes: string): ReadonlyArray<Alive | Suspect | Dead> {
    const alives: Array<Alive> = []
    const accusations: Array<Suspect | Dead> = []
    for (const message of Packet.decode(toBytes(bytes), INBOUND).messages) {
      switch (message._tag) {
        case "Alive":
          alives.push(
            message.port === 0 || this.setup.protocolVersion === 1 ? { ...message, port: BIND_PORT } : message
          )
          break
        case "Suspect":
        case "Dead":
          accusations.push(message)
      }
    }
    if (this.options.packets === "newestFirst") {
      alives.reverse()
      accusations.reverse()
    }
    return [...alives, ...accusations]
  }

  private announce(meta: Uint8Array | null): void {
    const own: Announcement.Own = {
      addr: toBytes(this.setup.addr),
      port: this.setup.port,
      meta,
      vsn: Uint8Array.of(1, 5, this.setup.protocolVersion, 0, 0, 0)
    }
    this.run((m, env) => this.book.announce(m, own, env))
  }

  private draw(limit: number): void {
    const drawn = BroadcastQueue.draw(this.queued, {
      overhead: PART_OVERHEAD,
      limit,
      retransmitLimit: this.book.retransmitLimit(this.setup.retransmitMult, this.m.entries.size)
    })
    this.queued = drawn.queue
    for (const message of drawn.messages) this.extra.push(`drawn ${toHex(message)}`)
  }

  private run(rule: (m: Table, env: Env) => Outcome): void {
    const [next, directives] = rule(this.m, { ...this.env, now: this.clock / MILLISECOND })
    this.m = next
    for (const directive of directives) this.carryOut(directive)
  }

  private carryOut(directive: Directive): void {
    switch (directive._tag) {
      case "Broadcast":
        this.put({
          name: directive.key === undefined ? "refutation" : `member ${directive.key}`,
          unique: false,
          message: Message.encode(directive.claim)
        })
        break
      case "Publish":
        this.publish(directive.change._tag, directive.change.entry)
        break
      case "Conflict": {
        const { existing, other } = directive
        this.lines.push(
          `event conflict ${shown(existing.name)} ${toHex(existing.addr)}:${existing.port} `
            + `other ${toHex(other.addr)}:${other.port} meta=${metaText(other.meta)}`
        )
        break
      }
      case "Refuted":
        this.health = this.book.health(this.health, 1, this.setup.awarenessMaxMultiplier)
        break
      case "DegradedTimeout":
        this.degraded++
        break
      case "Tell":
        if (this.options.told === "seen") this.told++
    }
  }

  /** memberlist tells of no suspicion and of no recovery. */
  private publish(what: "Joined" | "Updated" | "Suspected" | "Recovered" | "Failed" | "Left", entry: Entry): void {
    switch (what) {
      case "Joined":
        this.lines.push(`event join ${described(entry)}`)
        break
      case "Updated":
        this.lines.push(`event update ${described(entry)}`)
        break
      case "Failed":
      case "Left":
        this.lines.push(`event leave ${described(entry)}`)
        break
      case "Suspected":
        this.suspectedAt.set(entry.name, this.clock)
    }
  }

  private put(broadcast: BroadcastQueue.Broadcast): void {
    this.queued = this.book.queue(this.queued, broadcast)[0]
  }

  /** The suspicion that ends next, and when, in nanoseconds. */
  private nextDue(order: ReadonlyArray<string>): { readonly entry: Entry; readonly at: number } | undefined {
    let next: { readonly entry: Entry; readonly at: number } | undefined
    for (const entry of this.m.entries.values()) {
      const expiry = this.book.expiry(entry)
      if (expiry === undefined) continue
      const at = Math.round(expiry * MILLISECOND)
      const isFirst = next === undefined || at < next.at
        || (at === next.at && order.indexOf(entry.name) < order.indexOf(next.entry.name))
      if (isFirst) next = { entry, at }
    }
    return next
  }

  /** Everything that is compared, as text: what is known, what is queued, and what happened since it was last asked. */
  observe(): string {
    const { m } = this
    const incarnation = isOutside(m.stage) ? "left" : m.incarnation
    const members = m.entries.values().map((entry) =>
      `member ${described(entry)} incarnation=${entry.incarnation} ${entry.state} `
      + `since=${Math.round(entry.stateChangedAt * MILLISECOND)}\n`
    ).sort()
    const queued = this.queued.tiers.flatMap((tier, sent) =>
      Tier.broadcasts(tier).flatMap(({ message }) =>
        message === PADDING ? [] : [`queued sent=${sent} ${toHex(message)}\n`]
      )
    )
    const text = [
      `at ${this.clock}\n`,
      `own incarnation=${incarnation} health=${this.health} known=${m.entries.size}\n`,
      ...members,
      ...queued,
      ...this.lines.map((line) => `${line}\n`),
      ...this.extra.map((line) => `${line}\n`),
      this.degraded > 0 ? `degraded ${this.degraded}\n` : "",
      this.told > 0 ? `packets ${this.told}\n` : ""
    ].join("")
    this.lines = []
    this.extra = []
    this.degraded = 0
    this.told = 0
    return text
  }

  // What the generator and the list of differences ask.

  get now(): number {
    return this.clock
  }

  get self(): string {
    return this.setup.name
  }

  get left(): boolean {
    return isOutside(this.m.stage)
  }

  /** The highest incarnation that we announced. */
  get incarnation(): number {
    return this.m.incarnation
  }

  get given(): Setup {
    return this.setup
  }

  entry(name: string): Entry | undefined {
    return this.m.entries.get(name)
  }

  entries(): ReadonlyArray<Entry> {
    return this.m.entries.values()
  }

  /** When the latest suspicion of a member began, in nanoseconds. */
  suspected(name: string): number | undefined {
    return this.suspectedAt.get(name)
  }

  /** When the next suspicion ends, in nanoseconds. */
  expiry(): number | undefined {
    return this.nextDue([])?.at
  }
}
