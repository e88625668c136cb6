/** Watches a cluster from before an attack until it is at rest again. */
import { breaches, type Figures, isSettled, type Limits, type Look, REST_MILLIS, restOf } from "../Verdict.ts"
import type { Cluster } from "./Cluster.ts"
import { sleep } from "./Session.ts"
import { type Usage, usageOf } from "./Usage.ts"
import type { Report, Victim } from "./Victim.ts"

const MEMORY_EVERY = 100
const LOOK_EVERY = 100
/** Rest is believed when it has lasted so many seconds. */
const CALM_SECONDS = 1

export class Watch {
  private readonly cluster: Cluster
  private readonly changesBefore: ReadonlyMap<Victim, number>
  private readonly usageBefore: Usage | undefined
  private readonly suspected = new Set<string>()
  private readonly failed = new Set<string>()
  private longestStop: number | undefined
  private peakMemory = 0
  private pings = 0
  private answered = 0
  private restAfter: number | undefined
  private memoryAfter: number | undefined
  private isRunning = true
  private readonly running: Promise<unknown>
  /** Members that are meant to die in this case. */
  private readonly doomed: ReadonlySet<string>

  private constructor(cluster: Cluster, doomed: ReadonlySet<string>) {
    this.cluster = cluster
    this.doomed = doomed
    this.changesBefore = new Map(cluster.victims.map((victim) => [victim, victim.changes.length]))
    this.usageBefore = usageOf(cluster.target.child.pid)
    this.running = Promise.all([
      this.every(1_000, () => this.probe()),
      this.every(1_000, () => this.askAll()),
      this.every(MEMORY_EVERY, async () => this.weigh())
    ])
  }

  /** Forgets what happened before, and watches from now on. */
  static async begin(cluster: Cluster, doomed: ReadonlySet<string> = new Set()): Promise<Watch> {
    for (const victim of cluster.victims) await victim.forget()
    return new Watch(cluster, doomed)
  }

  /** Call it at the attack's end: returns when the cluster is at rest, at most `seconds` later. */
  async untilRest(seconds: number): Promise<void> {
    const began = performance.now()
    await this.stop()
    const looks: Array<Look> = []
    while (performance.now() - began < seconds * 1000 && !isSettled(looks, CALM_SECONDS)) {
      const at = (performance.now() - began) / 1000
      looks.push({ at, isCalm: await this.isCalm() })
      this.weigh()
      await sleep(LOOK_EVERY)
    }
    this.restAfter = restOf(looks)
  }

  /** Looks on for a while after the attack. */
  async for(seconds: number): Promise<void> {
    await sleep(seconds * 1000)
  }

  /** Call it when the attacked node should have given its memory back. */
  weighAfter(): void {
    this.memoryAfter = usageOf(this.cluster.target.child.pid)?.memory
  }

  async end(extra: Figures = {}): Promise<Figures> {
    await this.stop()
    await this.askAll()
    const usage = usageOf(this.cluster.target.child.pid)
    this.readChanges()
    const before = this.usageBefore
    return {
      longestStop: this.longestStop,
      cpuSeconds: usage === undefined || before === undefined ? undefined : usage.cpuSeconds - before.cpuSeconds,
      peakMemory: usage !== undefined && before !== undefined && usage.peakMemory > before.peakMemory
        ? usage.peakMemory
        : this.peakMemory || undefined,
      memoryBefore: before?.memory,
      memoryAfter: this.memoryAfter,
      pings: this.pings,
      answered: this.answered,
      failed: [...this.failed],
      suspected: [...this.suspected],
      restAfter: this.restAfter,
      ended: this.cluster.victims.filter(({ child }) => child.gone !== undefined).map(({ name }) => name),
      ...extra
    }
  }

  private async stop(): Promise<void> {
    this.isRunning = false
    await this.running
  }

  private async every(millis: number, action: () => Promise<unknown>): Promise<void> {
    while (this.isRunning) {
      const began = performance.now()
      await action()
      await sleep(Math.max(0, millis - (performance.now() - began)))
    }
  }

  /** One ping to each, a second; the attacked one alone would not show who else a flood reaches through it. */
  private async probe(): Promise<void> {
    await Promise.all(this.cluster.victims.map(async (victim) => {
      this.pings++
      if ((await this.cluster.prober.ping(victim)) !== undefined) this.answered++
    }))
  }

  private async askAll(): Promise<ReadonlyArray<Report | undefined>> {
    return Promise.all(this.cluster.victims.map(async (victim) => {
      const report = await victim.report(this.cluster.names)
      if (report !== undefined) this.note(victim, report)
      return report
    }))
  }

  private note(victim: Victim, report: Report): void {
    const { longestStop } = report
    if (longestStop !== undefined) this.longestStop = Math.max(this.longestStop ?? 0, longestStop)
    for (const name of this.cluster.names) {
      const state = report.standings[name]?.state
      if (this.doomed.has(name)) continue
      if (state === "suspect") this.suspected.add(`${victim.name}: ${name}`)
      if (state === "dead") this.failed.add(`${victim.name}: ${name}`)
    }
  }

  private readChanges(): void {
    for (const victim of this.cluster.victims) {
      for (const { event, name } of victim.changes.slice(this.changesBefore.get(victim) ?? 0)) {
        if (!this.cluster.names.includes(name) || this.doomed.has(name)) continue
        if (event === "suspected") this.suspected.add(`${victim.name}: ${name}`)
        if (event === "failed") this.failed.add(`${victim.name}: ${name}`)
      }
    }
  }

  private weigh(): void {
    this.peakMemory = Math.max(this.peakMemory, usageOf(this.cluster.target.child.pid)?.memory ?? 0)
  }

  /** Pings are answered soon, nobody is suspected or worse, no event loop stands still. */
  private async isCalm(): Promise<boolean> {
    const [roundTrips, reports] = await Promise.all([
      Promise.all(this.cluster.victims.map((victim) => this.cluster.prober.ping(victim))),
      this.askAll()
    ])
    return roundTrips.every((millis) => millis !== undefined && millis <= REST_MILLIS)
      && reports.every((report) =>
        report !== undefined && (report.stop ?? 0) <= REST_MILLIS
        && this.cluster.names.every((name) => this.doomed.has(name) || report.standings[name]?.state === "alive")
      )
  }
}

/** The outcome of a case whose promise is what `limits` say. */
export const judged = (
  sent: string,
  figures: Figures,
  limits: Limits,
  notes: ReadonlyArray<string> = []
): {
  readonly sent: string
  readonly figures: Figures
  readonly broken: ReadonlyArray<string>
  readonly notes: ReadonlyArray<string>
} => ({ sent, figures, broken: breaches(figures, limits), notes })
