/** What a run of the benchmark writes down. */

export const parts = [
  "steady",
  "join",
  "growth",
  "idle",
  "processes",
  "plan",
  "detection",
  "messages",
  "spread",
  "import",
  "bundle",
  "codec",
  "table",
  "simulator"
] as const
export type Part = (typeof parts)[number]

/** What is measured: the library, the same at another commit, the reference, and floors that no library gets below. */
export const subjects = ["ours", "before", "go", "bare", "pings", "together", "effect"] as const
export type Subject = (typeof subjects)[number]

/** One subject measured in one round. */
export interface Sample {
  readonly part: Part
  readonly round: number
  readonly subject: Subject
  readonly figures: Readonly<Record<string, number>>
  /** What was measured many times in a round, each by itself. */
  readonly lists?: Readonly<Record<string, ReadonlyArray<number>>> | undefined
}

/** How busy the machine was while a round of a part was measured, with what was measured. */
export interface Busy {
  readonly part: Part
  readonly round: number
  /** The load average of the last minute before. */
  readonly load: number
  /** The share of all processors' time that was used in between, by anybody. */
  readonly used: number
}

/** What a part is made of; a page can only compare runs in which it is the same. */
export interface Amounts {
  readonly nodes: number
  readonly settleSeconds: number
  readonly windowSeconds: number
  /** How many nodes one process has, and how many processes there are, where cost is measured as it grows. */
  readonly sizes: ReadonlyArray<number>
  readonly growthWindowSeconds: number
  readonly processes: ReadonlyArray<number>
  readonly idleSettleSeconds: number
  readonly idleWindowSeconds: number
  /** Members that are killed in a round, each in a cluster of its own. */
  readonly kills: number
  readonly reliable: number
  readonly bestEffort: number
  readonly imports: number
  /** Members and virtual seconds. */
  readonly simulations: ReadonlyArray<readonly [members: number, seconds: number]>
}

/** All rounds of one part, with what they were measured on. */
export interface Run {
  readonly part: Part
  readonly at: string
  /** The last commit that changed the library; with `+` when files of it had been changed since. */
  readonly commit: string
  readonly beforeCommit?: string | undefined
  readonly processors: string
  readonly memoryGB: number
  readonly system: string
  readonly node: string
  readonly effect: string
  /** The reference and its toolchain; absent when there was none. */
  readonly go?: string | undefined
  /** Rounds that were done. */
  readonly rounds: number
  /** Whether it was for a look only: shorter windows, fewer messages. */
  readonly isQuick: boolean
  /** Whether subjects that mostly wait were measured one after the other, and not side by side. */
  readonly isApart: boolean
  readonly amounts: Amounts
  readonly busy: ReadonlyArray<Busy>
  readonly samples: ReadonlyArray<Sample>
  readonly failures: ReadonlyArray<string>
}

/** One run of each part that was measured, in the parts' order; not all need to be of the same time. */
export interface Results {
  readonly runs: ReadonlyArray<Run>
}

/** Returns the results with newer runs in place of those of the same parts; runs that measured nothing change nothing. */
export const merged = (older: Results, newer: Results): Results => ({
  runs: parts.flatMap((part) => {
    const of = ({ runs }: Results) => runs.find((run) => run.part === part)
    const [now, was] = [of(newer), of(older)]
    return (now !== undefined && now.samples.length > 0 ? now : was ?? now) ?? []
  })
})
