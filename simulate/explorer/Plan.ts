/**
 * What happens to a cluster in one exploration: drawn from a seed, nothing else. Each class of fault has a stream of
 * random numbers of its own, so that masking one leaves the schedule of the others as it is.
 */
import type { MemberlistConfig } from "effect-memberlist"
import type { Fault } from "effect-memberlist/testing"
import { Draws } from "../../src/testing/clock/Draws.ts"
import { type CallName, callNames, type Happening } from "./Calls.ts"
import type { ApplicationName } from "./OnTop.ts"

/** What to explore. */
export interface Options {
  readonly seed: number
  readonly nodes: number
  /** How long the chaos lasts, in virtual minutes. */
  readonly minutes: number
  /** Classes of faults to leave out. */
  readonly mask: ReadonlyArray<FaultClass>
  /** The numbers of the only faults to keep, out of the whole schedule; all when absent. */
  readonly only?: ReadonlyArray<number> | undefined
  /** What runs on the nodes besides the member list; nothing when absent. */
  readonly applications?: ReadonlyArray<ApplicationName> | undefined
}

type Config = NonNullable<Parameters<typeof MemberlistConfig.layer>[0]>

/** What happens when, and for how long, in milliseconds from the start of the chaos. */
export interface Timed {
  readonly at: number
  readonly for: number
  readonly fault: Fault.Fault | Happening
}

/** A fault with its class and its number in the schedule of its seed, which does not depend on the mask. */
export interface Planned extends Timed {
  readonly id: number
  readonly class: FaultClass
}

export interface Plan {
  readonly options: Options
  readonly names: ReadonlyArray<string>
  readonly config: Config
  /** Milliseconds. */
  readonly chaos: number
  readonly script: ReadonlyArray<Planned>
}

interface Surroundings {
  readonly draws: Draws
  readonly names: ReadonlyArray<string>
  /** Milliseconds of chaos. */
  readonly chaos: number
}

/** A class draws any number of faults. */
type Generator = (surroundings: Surroundings) => ReadonlyArray<Timed>

const everywhere = { from: ["*"], to: ["*"] }

/** About one fault each `every` milliseconds, each for `min` to `max` milliseconds, and never beyond the end. */
const often = (
  every: number,
  [min, max]: readonly [number, number],
  fault: (surroundings: Surroundings) => Timed["fault"]
): Generator =>
(surroundings) => {
  const { chaos, draws } = surroundings
  const count = Math.max(1, Math.round((chaos / every) * (0.5 + draws.next())))
  return Array.from({ length: count }, () => {
    const at = Math.floor(draws.next() * chaos)
    const duration = draws.between(min, max)
    return { at, for: Math.min(duration, chaos - at), fault: fault(surroundings) }
  })
}

/** Everybody in two groups, neither empty. */
const split = ({ draws, names }: Surroundings): ReadonlyArray<ReadonlyArray<string>> => {
  const order = names.map((name) => [draws.next(), name] as const).sort(([a], [b]) => a - b).map(([, name]) => name)
  const at = draws.between(1, names.length - 1)
  return [order.slice(0, at).sort(), order.slice(at).sort()]
}

const some = ({ draws, names }: Surroundings): ReadonlyArray<string> => {
  const chosen = names.filter(() => draws.next() < 0.4)
  return chosen.length > 0 ? chosen : [draws.pick(names)]
}

const cut = (what: "packets" | "streams") => (surroundings: Surroundings): Fault.Fault => ({
  _tag: "Cut",
  from: some(surroundings),
  to: ["*"],
  what
})

const oneOf = ({ draws, names }: Surroundings): string => draws.pick(names)

/** How long a caller waits before it is interrupted: for the moments of an exchange, of a goodbye, or of what waits longer. */
const patience = (draws: Draws): number => draws.between(0, draws.pick([10, 40, 1_000, 8_000]))

const callOf = (
  { chaos, draws, names }: Surroundings,
  node: string,
  latest: number,
  call: CallName,
  interrupt: boolean
): Timed => {
  const at = Math.min(latest, chaos)
  const to = draws.pick(names.filter((name) => name !== node))
  return { at, for: Math.min(patience(draws), chaos - at), fault: { _tag: "Call", node, call, to, interrupt } }
}

/** A leave, and a join some moments later that is interrupted in the middle of its exchanges, as a rule. */
const halfReturn = (surroundings: Surroundings, node: string, at: number): ReadonlyArray<Timed> => {
  const { draws } = surroundings
  const join = callOf(surroundings, node, at + draws.between(0, 1_000), "join", true)
  return [
    callOf(surroundings, node, at, "leave", draws.next() < 0.5),
    { ...join, for: Math.min(join.for, draws.between(1, 40)) }
  ]
}

/** A few calls side by side on one node, and mostly a join in the end, since some of them leave. */
const calls: Generator = (surroundings) => {
  const { chaos, draws } = surroundings
  const bursts = Math.max(1, Math.round((chaos / 10_000) * (0.5 + draws.next())))
  return Array.from({ length: bursts }, () => {
    const node = oneOf(surroundings)
    const at = Math.floor(draws.next() * chaos)
    const burst = draws.next() < 0.2 ?
      halfReturn(surroundings, node, at) :
      Array.from({ length: draws.between(1, 4) }, () => {
        const later = at + draws.between(0, draws.pick([0, 20, 500]))
        return callOf(surroundings, node, later, draws.pick(callNames), draws.next() < 0.5)
      })
    const back = callOf(surroundings, node, at + draws.between(0, 10_000), "join", false)
    return draws.next() < 0.7 ? [...burst, back] : burst
  }).flat()
}

/** Faults on links come without anything being lost for good; those of nodes leave at least two nodes alive. */
const generators = {
  loss: often(30_000, [5_000, 40_000], (s) => ({
    _tag: "Loss",
    ...(s.draws.next() < 0.5 ? everywhere : { from: some(s), to: ["*"] }),
    probability: Math.round(s.draws.next() * 60) / 100
  })),
  duplicate: often(60_000, [10_000, 60_000], ({ draws }) => ({
    _tag: "Duplicate",
    ...everywhere,
    probability: (1 + draws.between(0, 14)) / 100
  })),
  reorder: often(60_000, [10_000, 60_000], ({ draws }) => ({
    _tag: "Reorder",
    ...everywhere,
    probability: draws.between(1, 20) / 100,
    min: 50,
    max: 50 + draws.between(1, 1_000)
  })),
  jitter: often(60_000, [10_000, 60_000], ({ draws }) => ({
    _tag: "Delay",
    ...everywhere,
    min: 0,
    max: draws.between(1, 120)
  })),
  partition: often(45_000, [2_000, 40_000], (s) => ({ _tag: "Partition", groups: split(s) })),
  oneway: often(45_000, [2_000, 30_000], (s) => {
    const [from = [], to = []] = split(s)
    return { _tag: "Cut", from, to, what: "both" }
  }),
  udp: often(60_000, [2_000, 20_000], cut("packets")),
  tcp: often(60_000, [2_000, 30_000], cut("streams")),
  mtu: often(90_000, [5_000, 20_000], (s) => ({
    _tag: "Mtu",
    from: some(s),
    to: ["*"],
    bytes: s.draws.between(60, 300)
  })),
  bandwidth: often(90_000, [5_000, 30_000], (s) => ({
    _tag: "Bandwidth",
    from: [oneOf(s)],
    to: ["*"],
    bytesPerSecond: s.draws.between(500, 5_000),
    queue: 2_000
  })),
  pause: often(30_000, [500, 20_000], (s) => ({ _tag: "Pause", hosts: [oneOf(s)] })),
  crash: often(60_000, [1_000, 30_000], (s) => ({
    _tag: "Crash",
    hosts: [oneOf(s)],
    mode: s.draws.next() < 0.5 ? "Silent" : "Refuse"
  })),
  restart: often(40_000, [100, 20_000], (s) => ({ _tag: "Restart", node: oneOf(s) })),
  leave: often(60_000, [500, 20_000], (s) => ({ _tag: "Leave", node: oneOf(s) })),
  update: often(15_000, [0, 0], (s) => ({ _tag: "Update", node: oneOf(s), meta: `m${s.draws.between(0, 999_999)}` })),
  skew: often(60_000, [5_000, 60_000], (s) => ({
    _tag: "Skew",
    node: oneOf(s),
    leap: s.draws.next() < 0.3 ? s.draws.between(1, 5_000) : 0,
    rate: 0.8 + s.draws.between(0, 45) / 100
  })),
  kill: ({ chaos, draws, names }: Surroundings) => {
    const victims = names.filter(() => draws.next() < 0.2).slice(0, names.length - 2)
    return victims.map((node): Timed => ({
      at: Math.floor(draws.next() * chaos),
      for: 0,
      fault: { _tag: "Kill", node }
    }))
  },
  call: calls,
  release: often(60_000, [100, 20_000], (s) => ({ _tag: "Release", node: oneOf(s) })),
  build: often(120_000, [0, 0], (s) => ({ _tag: "Build", node: oneOf(s), steps: s.draws.between(0, 60) })),
  stall: often(30_000, [300, 10_000], (s) => ({ _tag: "Stall", node: oneOf(s) }))
} satisfies Record<string, Generator>

export type FaultClass = keyof typeof generators

/** In the order in which their faults are numbered. */
export const faultClasses = Object.keys(generators) as ReadonlyArray<FaultClass>

export const isFaultClass = (text: string): text is FaultClass => Object.hasOwn(generators, text)

/** The LAN preset, now and then with the knobs that change the code's path. */
const configOf = (seed: number): Config => {
  const draws = new Draws(seed, "configuration")
  return {
    protocolVersion: draws.pick([2, 2, 3, 4, 5]),
    enableCompression: draws.next() < 0.3,
    indirectChecks: draws.pick([0, 1, 3]),
    suspicionMult: draws.pick([3, 4, 6]),
    gossipNodes: draws.pick([1, 2, 3]),
    pushPullInterval: draws.pick(["10 seconds", "15 seconds", "30 seconds"] as const),
    // fewer than there are others, now and then
    maxLostPeers: draws.pick([256, 256, 2]),
    recovery: draws.pick([true, true, true, false])
  }
}

/** Clocks of nodes that have maps are seconds apart at most: maps compare them, and say so. */
const milder = (planned: Planned): Planned => {
  const { fault } = planned
  if (fault._tag !== "Skew") return planned
  return { ...planned, fault: { ...fault, leap: fault.leap / 20, rate: 1 + (fault.rate - 1) / 20 } }
}

/** Draws the schedule. A pure function of the options. */
export const make = (options: Options): Plan => {
  const { mask, minutes, nodes, only, seed } = options
  const names = Array.from({ length: nodes }, (_, i) => `n${i + 1}`)
  const chaos = Math.round(minutes * 60_000)
  const all: Array<Planned> = []
  for (const name of faultClasses) {
    const draws = new Draws(seed, `faults of class ${name}`)
    for (const timed of generators[name]({ draws, names, chaos })) all.push({ ...timed, id: all.length, class: name })
  }
  const kept = all.filter((planned) =>
    !mask.includes(planned.class) && (only === undefined || only.includes(planned.id))
  )
  const script = options.applications?.includes("maps") === true ? kept.map(milder) : kept
  return { options, names, chaos, config: configOf(seed), script: script.sort((a, b) => a.at - b.at || a.id - b.id) }
}
