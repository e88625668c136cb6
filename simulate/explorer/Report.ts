/**
 * What an exploration says: a line for each seed, the story of a failure, and the sum.
 */
import { type FaultClass, faultClasses, type Options, type Planned } from "./Plan.ts"
import type { Fired, Outcome } from "./Run.ts"

/** The command that runs one seed again. */
export const replay = ({ applications = [], mask, minutes, nodes, only, seed }: Options): string =>
  [
    `npm run simulate -- --seed ${seed} --nodes ${nodes} --minutes ${minutes}`,
    ...(applications.length > 0 ? [`--with ${applications.join(",")}`] : []),
    ...(mask.length > 0 ? [`--mask ${mask.join(",")}`] : []),
    ...(only === undefined ? [] : [`--only ${only.length === 0 ? "none" : only.join(",")}`])
  ].join(" ")

const seconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`

const detail = ({ _tag, ...rest }: Planned["fault"]): string => `${_tag} ${JSON.stringify(rest)}`

const faultLine = ({ at, class: name, fault, for: duration, id }: Planned): string =>
  `  ${seconds(at).padStart(9)}  for ${seconds(duration).padStart(7)}  #${id} ${name}: ${detail(fault)}`

/** Log lines to show before and after the failure. */
const CONTEXT = 25

/** The failure, the faults it takes, the last things that happened before it, and how to see it again. */
export const failure = (outcome: Outcome): string => {
  const { failures, log, plan } = outcome
  const at = log.findIndex((line) => line.includes("FAILURE"))
  const end = at < 0 ? log.length : at + 1
  return [
    `seed ${plan.options.seed} FAILED: ${failures.map(({ kind }) => kind).join(", ")}`,
    ...failures.slice(0, 5).map(({ at, kind, message }) => `  ${seconds(at).padStart(9)}  ${kind}: ${message}`),
    `faults (${plan.script.length}):`,
    ...plan.script.map(faultLine),
    `the last ${Math.min(CONTEXT, end)} events (milliseconds, who, what):`,
    ...log.slice(Math.max(0, end - CONTEXT), end).map((line) => `  ${line}`),
    `again: ${replay(plan.options)}`
  ].join("\n")
}

/** One seed, for machines. */
export const json = (outcome: Outcome) => ({
  seed: outcome.plan.options.seed,
  nodes: outcome.plan.options.nodes,
  minutes: outcome.plan.options.minutes,
  mask: outcome.plan.options.mask,
  ok: outcome.failures.length === 0,
  failures: outcome.failures,
  faults: outcome.plan.script,
  fired: outcome.fired,
  steps: outcome.steps,
  packets: outcome.packets,
  virtualMillis: outcome.elapsed,
  agreedAfterMillis: outcome.agreedAfter ?? null,
  boundMillis: outcome.bound,
  events: outcome.log.length,
  replay: replay(outcome.plan.options)
})

/** How an exploration ended. */
export interface Ending {
  /** How many seeds were asked for, from this one on. */
  readonly first: number
  readonly seeds: number
  /** By itself, all done or at the first failure; by whoever runs it; by an error that is not the simulation's. */
  readonly ended: "Finished" | "Interrupted" | "Broken"
}

/** Adds up many outcomes without keeping them. */
export class Summary {
  seeds = 0
  failed: Array<number> = []
  steps = 0
  packets = 0
  virtualMillis = 0
  nodeMillis = 0
  slowest: number | undefined = undefined
  readonly fired = new Map<FaultClass, Fired>()

  add(outcome: Outcome): void {
    this.seeds++
    if (outcome.failures.length > 0) this.failed.push(outcome.plan.options.seed)
    this.steps += outcome.steps
    this.packets += outcome.packets
    this.virtualMillis += outcome.elapsed
    this.nodeMillis += outcome.elapsed * outcome.plan.options.nodes
    if (outcome.agreedAfter !== undefined) this.slowest = Math.max(this.slowest ?? 0, outcome.agreedAfter)
    for (const name of faultClasses) {
      const sum = this.fired.get(name) ?? { planned: 0, fired: 0, hits: 0 }
      const more = outcome.fired[name]
      this.fired.set(name, {
        planned: sum.planned + more.planned,
        fired: sum.fired + more.fired,
        hits: sum.hits + more.hits
      })
    }
  }

  /** Classes that were planned and never made a difference: their faults prove nothing. */
  get silent(): ReadonlyArray<FaultClass> {
    return faultClasses.filter((name) => {
      const sum = this.fired.get(name)
      return sum !== undefined && sum.planned > 0 && sum.fired === 0
    })
  }

  /** What was found, and what there is still to do. */
  private verdict({ ended, first, seeds }: Ending): ReadonlyArray<string> {
    const found = this.failed.length === 0 ? "no failures" : `FAILED seeds: ${this.failed.join(", ")}`
    const left = seeds - this.seeds
    if (left === 0) return [found]
    const rest = `${left} of ${seeds} seeds are not done`
    if (ended === "Finished") return [found, `the first failure ended the run: ${rest}; --keep-going does not stop`]
    return [
      ...(this.seeds === 0 ? [] : [`${found} so far`]),
      `${ended.toLowerCase()}: ${rest}; go on with --seed ${first + this.seeds} --seeds ${left}`
    ]
  }

  text(ending: Ending): string {
    if (this.seeds === 0) return this.verdict(ending).join("\n")
    const agreement = this.slowest === undefined ? "no agreement" : `slowest agreement ${seconds(this.slowest)}`
    const rows = faultClasses.map((name) => {
      const { fired, hits, planned } = this.fired.get(name) ?? { planned: 0, fired: 0, hits: 0 }
      return `  ${name.padEnd(10)} ${String(planned).padStart(8)} ${String(fired).padStart(8)} ${
        String(hits).padStart(10)
      }`
    })
    return [
      `${this.seeds} seeds, ${(this.nodeMillis / 3_600_000).toFixed(2)} node-hours, ${this.steps} steps checked`,
      `${this.packets} packets; ${agreement} after calm`,
      `  faults      planned    fired       hits`,
      ...rows,
      ...(this.silent.length > 0 ? [`never fired: ${this.silent.join(", ")}`] : []),
      ...this.verdict(ending)
    ].join("\n")
  }

  json({ ended, seeds }: Ending) {
    return {
      summary: {
        seeds: this.seeds,
        asked: seeds,
        ended,
        failed: this.failed,
        nodeHours: this.nodeMillis / 3_600_000,
        steps: this.steps,
        packets: this.packets,
        slowestAgreementMillis: this.slowest ?? null,
        fired: Object.fromEntries(this.fired)
      }
    }
  }
}
