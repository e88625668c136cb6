/**
 * Sequences made from a seed. What is likely depends on what our side knows by then, so that claims are close to what
 * they contradict; what `Differences.ts` lists does not happen.
 */
import { touched } from "./Differences.ts"
import { AS_REFERENCE, Draws, noise, Ours, packetOf, toHex } from "./Ours.ts"
import { type Claim, LAN, MILLISECOND, type Row, SECOND, type Sequence, type Setup, type Step } from "./Sequence.ts"

/** The steps of one sequence. */
export const STEPS = 200

/** A fraction of a millisecond that our clock, a floating-point number of milliseconds, can represent. */
const TICK = 15_625

/** The incarnation from which on a claim is too far above a new member's. */
const FAR = 2 ** 30
const EDGES = [0, 1, 2, 127, 128, 65_535, 65_536, FAR - 1, FAR, FAR + 1, 2 ** 31, 2 ** 32 - 2, 2 ** 32 - 1]

const NAMES = [
  "a",
  "b",
  "c",
  "d",
  "e",
  "node-with-a-name-of-32-octets-00",
  "node-of-another-length",
  "10.0.0.1",
  "über",
  "",
  "n".repeat(260)
]
const STRANGERS = ["s1", "s2", "s3", "s4", "s5"]

const VERSIONS = ["010502000000", "010503000000", "010505000000", "020504000000"]
const ODD_VERSIONS = [
  "000502000000",
  "010002000000",
  "050102000000",
  "010509000000",
  "030505000000",
  "010101000000",
  "010502020504",
  "010502000500"
]

interface Cast {
  readonly names: ReadonlyArray<string>
  readonly versions: ReadonlyArray<string>
  readonly leaves: boolean
}

const hexOf = (...bytes: ReadonlyArray<number>): string => toHex(Uint8Array.from(bytes))

const setup = (draws: Draws): Setup => {
  const given = anySetup(draws)
  // An address that is not allowed keeps a node out of its own table.
  return { ...given, restricted: given.restricted && given.addr === LAN.addr }
}

const anySetup = (draws: Draws): Setup => ({
  ...LAN,
  addr: draws.pick(["0a000001", "0a000001", "00000000000000000000ffff0a000001", "fd000000000000000000000000000001"]),
  meta: draws.pick([null, "aa", "bb".repeat(40)]),
  protocolVersion: draws.pick([1, 2, 2, 2, 3, 4, 5]),
  suspicionMult: draws.pick([1, 2, 3, 4, 4, 4, 5, 6]),
  suspicionMaxMult: draws.pick([1, 2, 6, 6]),
  probeInterval: draws.pick([100, 200, 500, 1_000, 1_000, 5_000]) * MILLISECOND,
  deadNodeReclaimTime: draws.pick([0, 5, 30]) * SECOND,
  gossipToTheDeadTime: draws.pick([5, 30]) * SECOND,
  awarenessMaxMultiplier: draws.pick([1, 2, 8]),
  retransmitMult: draws.pick([1, 2, 4]),
  restricted: draws.next() < 0.1
})

const cast = (draws: Draws): Cast => {
  const size = draws.between(2, 8)
  const names = new Set<string>()
  while (names.size < size) names.add(draws.pick(NAMES))
  const odd = draws.next() < 0.15
  return { names: [...names], versions: odd ? [...VERSIONS, ...ODD_VERSIONS] : VERSIONS, leaves: draws.next() < 0.4 }
}

/** One sequence in the making. */
class Maker {
  readonly ours: Ours
  private readonly draws: Draws
  private readonly cast: Cast

  constructor(ours: Ours, cast: Cast, draws: Draws) {
    this.ours = ours
    this.cast = cast
    this.draws = draws
  }

  private chance(p: number): boolean {
    return this.draws.next() < p
  }

  private name(): string {
    return this.chance(0.12) ? this.ours.self : this.draws.pick(this.cast.names)
  }

  private accuser(node: string): string {
    if (this.chance(0.1)) return node
    if (this.chance(0.1)) return this.ours.self
    return this.draws.pick([...this.cast.names, ...STRANGERS])
  }

  private incarnation(node: string): number {
    const { draws } = this
    const known = this.ours.entry(node)?.incarnation ?? 0
    const choice = draws.next()
    const incarnation = choice < 0.45
      ? known + 1
      : choice < 0.75
      ? known
      : choice < 0.83
      ? known - 1
      : choice < 0.93
      ? known + draws.between(2, 300)
      : choice < 0.97
      ? known + draws.pick([FAR - 1, FAR, FAR + 1, -FAR])
      : draws.pick(EDGES)
    return Math.max(0, Math.min(2 ** 32 - 1, incarnation))
  }

  private address(node: string): readonly [addr: string, port: number] {
    const entry = this.ours.entry(node)
    const choice = this.draws.next()
    if (entry !== undefined && choice < 0.8) return [toHex(entry.addr), entry.port]
    const number = node === this.ours.self ? 1 : this.cast.names.indexOf(node) + 2
    const port = choice > 0.97 ? 0 : choice > 0.94 ? 7947 : 7946
    if (choice < 0.86) return [hexOf(10, 0, 0, number), port]
    if (choice < 0.89) return [hexOf(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, number), port]
    if (choice < 0.91) return [hexOf(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number), port]
    if (choice < 0.93) return [hexOf(192, 0, 2, number), port]
    return [hexOf(10, 0, 1, number), port]
  }

  private meta(node: string): string | null {
    const entry = this.ours.entry(node)
    const choice = this.draws.next()
    if (entry !== undefined && choice < 0.5) return entry.meta === null ? null : toHex(entry.meta)
    if (choice < 0.65) return null
    if (choice < 0.7) return ""
    if (choice < 0.95) return hexOf(this.draws.between(0, 3))
    return "cd".repeat(this.draws.pick([31, 32, 255, 256, 512]))
  }

  private versions(node: string): string {
    const entry = this.ours.entry(node)
    return entry !== undefined && this.chance(0.8) ? toHex(entry.vsn) : this.draws.pick(this.cast.versions)
  }

  private alive(): Claim {
    const node = this.name()
    const [addr, port] = this.address(node)
    return {
      do: "alive",
      node,
      inc: this.incarnation(node),
      addr,
      port,
      meta: this.meta(node),
      vsn: this.versions(node),
      after: this.after()
    }
  }

  private accusation(kind: "suspect" | "dead"): Claim {
    const node = this.name()
    const from = kind === "dead" && this.chance(0.3) ? node : this.accuser(node)
    return { do: kind, node, inc: this.incarnation(node), from, after: this.after() }
  }

  private claim(): Claim {
    const choice = this.draws.next()
    return choice < 0.45 ? this.alive() : this.accusation(choice < 0.8 ? "suspect" : "dead")
  }

  private row(): Row {
    const claim = this.alive()
    if (claim.do !== "alive") throw new TypeError("not an alive claim")
    const { addr, inc, meta, node: name, port, vsn } = claim
    const state = this.draws.pick([0, 0, 0, 1, 1, 2, 2, 3, 3, this.chance(0.1) ? 7 : 0])
    const cut = state !== 0 && this.chance(0.01)
    return { name, addr, port, meta, inc, state, vsn: cut ? vsn.slice(0, 8) : vsn }
  }

  private merge(): Step {
    const rows = Array.from({ length: this.draws.between(1, 6) }, () => this.row())
    return { do: "merge", rows, after: this.after() }
  }

  private packet(): Step {
    const { draws } = this
    const claims = Array.from({ length: this.chance(0.4) ? 1 : draws.between(2, 5) }, () => this.claim())
    const others = this.chance(0.3) ? [draws.pick(noise)] : []
    const packet = packetOf(claims, others, { compress: this.chance(0.2), checksum: this.chance(0.4) })
    return { do: "packet", bytes: toHex(this.chance(0.05) ? this.damaged(packet) : packet), after: this.after() }
  }

  /** Cut short, or with another type, or with a wrong checksum. */
  private damaged(packet: Uint8Array): Uint8Array {
    const { draws } = this
    if (this.chance(0.6)) return packet.subarray(0, draws.between(0, packet.length - 1))
    const [first = 0] = packet
    const copy = packet.slice()
    // of a packet with a checksum any byte may change
    if (first === 12) copy[draws.between(1, copy.length - 1)] = draws.between(0, 255)
    else copy[0] = draws.pick([10, 13, 99, 255])
    return copy
  }

  private wait(): Step {
    const { draws, ours } = this
    const expiry = ours.expiry()
    const choice = draws.next()
    const offset = draws.pick([-TICK, 0, TICK])
    if (expiry !== undefined && choice < 0.5) return { do: "wait", after: Math.max(0, expiry - ours.now + offset) }
    const gone = ours.entries().filter(({ state }) => state === "dead" || state === "left")
    if (gone.length > 0 && choice < 0.75) {
      const since = draws.pick(gone).stateChangedAt * MILLISECOND
      const time = draws.pick([ours.given.deadNodeReclaimTime, ours.given.gossipToTheDeadTime])
      // Where the moment is no whole number of ticks, which of two is later is a question of rounding.
      const whole = Math.round(since) % TICK === 0
      if (whole) return { do: "wait", after: Math.max(0, Math.round(since) + time - ours.now + offset) }
    }
    return { do: "wait", after: draws.pick([TICK, 100 * MILLISECOND, SECOND, 2 * SECOND, 10 * SECOND, 61 * SECOND]) }
  }

  private after(): number {
    const choice = this.draws.next()
    if (choice < 0.8) return MILLISECOND
    if (choice < 0.85) return 0
    return this.draws.between(1, 10_000) * TICK
  }

  /** Something that may happen next. */
  private candidate(): Step {
    const { draws } = this
    const choice = draws.next() * 100
    if (choice < 42) return this.claim()
    if (choice < 58) return this.merge()
    if (choice < 70) return this.packet()
    if (choice < 74) return { do: "update", meta: draws.pick([null, "00", "01", "ef".repeat(100)]), after: MILLISECOND }
    if (choice < 85) return this.wait()
    if (choice < 88) return { do: "reap", after: MILLISECOND }
    if (choice < 90) return { do: "health", delta: draws.pick([-2, -1, -1, 1, 2]), after: MILLISECOND }
    if (choice < 99.5 || !this.cast.leaves) {
      return { do: "draw", limit: draws.pick([60, 120, 300, 700, 1_398]), after: MILLISECOND }
    }
    return { do: "leave", after: MILLISECOND }
  }

  /** Does what happens next; what is listed as different does not. */
  step(): Step {
    for (let tries = 0; tries < 50; tries++) {
      const step = this.candidate()
      if (touched(step, this.ours) !== undefined) continue
      this.ours.apply(step)
      this.ours.observe()
      return step
    }
    throw new Error("nothing can happen that is not listed as different")
  }
}

/** A crowd that is there at once, so that what is scaled by the number of members is. */
const crowd = (size: number): Step => ({
  do: "merge",
  rows: Array.from({ length: size }, (_, i) => ({
    name: `crowd-${i}`,
    addr: hexOf(10, 1, i >> 8, i & 255),
    port: 7946,
    meta: null,
    inc: 1,
    state: 0,
    vsn: "010502000000"
  })),
  after: MILLISECOND
})

/** The sequence of this number. */
export const sequence = (seed: number, number: number, length = STEPS): Sequence => {
  const draws = new Draws(seed, `sequence ${number}`)
  const given = setup(draws)
  const ours = new Ours(given, AS_REFERENCE)
  const maker = new Maker(ours, cast(draws), draws)
  const steps: Array<Step> = []
  if (draws.next() < 0.02) {
    const first = crowd(draws.pick([9, 31, 100]))
    ours.apply(first)
    steps.push(first)
  }
  while (steps.length < length) steps.push(maker.step())
  return { setup: given, steps }
}
