/** Which splits are measured, and how often each. */
import type { Split } from "./measure.ts"

/** One run of one split. */
export interface Job {
  readonly split: Split
  readonly seed: number
}

/** What tells a split from every other. */
export const nameOf = ({ cutOff, kind, members, preset, recovery, seconds }: Split): string =>
  [cutOff, members, seconds, kind, recovery ? "on" : "off", preset].join("/")

/** What tells a run from every other. */
export const idOf = ({ seed, split }: Job): string => `${nameOf(split)}/${seed}`

/** How many are cut off, of how many, and for how many seconds. */
const SIZES = [[1, 3], [2, 5], [3, 10], [30, 100]] as const
/** Of these, all are cut off from one another, as when their switch starts again. */
const ALONE = [3, 10] as const
const SECONDS = [5, 8, 15, 30, 60, 600, 3600]
/** Large clusters take minutes a run. */
const LARGE = 100

/** The splits of the tables. */
export interface Standard {
  readonly lan: ReadonlyArray<Split>
  /** Each is alone. */
  readonly alone: ReadonlyArray<Split>
  /** The other presets. */
  readonly others: ReadonlyArray<Split>
}

const lan = SIZES.flatMap(([cutOff, members]) =>
  (["both", "oneway"] as const).flatMap((kind) =>
    [true, false].flatMap((recovery) =>
      SECONDS
        .filter((seconds) => (members < LARGE || (kind === "both" && seconds >= 15)) && (recovery || seconds <= 600))
        .map((seconds): Split => ({ cutOff, members, seconds, kind, recovery, preset: "lan" }))
    )
  )
)
const alone = ALONE.flatMap((members) =>
  [true, false].flatMap((recovery) =>
    SECONDS
      .filter((seconds) => recovery || seconds <= 600)
      .map((seconds): Split => ({ cutOff: members, members, seconds, kind: "alone", recovery, preset: "lan" }))
  )
)
const others = (["wan", "local"] as const).flatMap((preset) =>
  SIZES.filter(([, members]) => members <= 10).flatMap(([cutOff, members]) =>
    SECONDS
      .filter((seconds) => seconds >= 15)
      .map((seconds): Split => ({ cutOff, members, seconds, kind: "both", recovery: true, preset }))
  )
)

/** Those of at most so many members. */
export const upTo = (most: number): Standard => {
  const within = (splits: ReadonlyArray<Split>) => splits.filter(({ members }) => members <= most)
  return { lan: within(lan), alone: within(alone), others: within(others) }
}

const standard = new Set([...lan, ...alone, ...others].map(nameOf))

/** Whether a split is one of the tables', however large. */
export const isStandard = (split: Split): boolean => standard.has(nameOf(split))

/** So many runs of each, with seeds of their own. */
export const jobsOf = (splits: ReadonlyArray<Split>, runs: number): ReadonlyArray<Job> =>
  splits.flatMap((split) => Array.from({ length: runs }, (_, i) => ({ split, seed: i + 1 })))

/** The same, but a fifth of them of large clusters. */
export const jobsUpTo = (most: number, runs: number): ReadonlyArray<Job> => {
  const { alone, lan, others } = upTo(most)
  const fifth = Math.max(1, Math.floor(runs / 5))
  return [...lan, ...alone, ...others].flatMap((split) => jobsOf([split], split.members < LARGE ? runs : fifth))
}
