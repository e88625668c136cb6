/** What a run of the benchmark writes down. */

export const parts = ["steady", "join", "idle", "messages", "import"] as const
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
  readonly idleSettleSeconds: number
  readonly idleWindowSeconds: number
  readonly reliable: number
  readonly bestEffort: number
  readonly imports: number
}

export interface Results {
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
  readonly rounds: number
  /** Whether subjects that mostly wait were measured one after the other, and not side by side. */
  readonly isApart: boolean
  readonly amounts: Amounts
  readonly busy: ReadonlyArray<Busy>
  readonly samples: ReadonlyArray<Sample>
  readonly failures: ReadonlyArray<string>
}
