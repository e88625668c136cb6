/**
 * What is run: every job has an identity under which its result is kept, and needs nothing but that to be run again.
 */
import { configurations, type Tuning } from "../measuring/Configuration.ts"
import { sample, seeded } from "../measuring/Seeded.ts"
import * as Lifeguard from "./Lifeguard.ts"
import * as Swim from "./Swim.ts"

export type Job =
  | { readonly kind: "detect"; readonly members: number; readonly failures: number; readonly repetition: number }
  | { readonly kind: "load"; readonly members: number }
  | { readonly kind: "loss"; readonly suspicion: boolean; readonly repetition: number }
  | ({ readonly kind: "interval" | "threshold" } & Tuning & Lifeguard.Cell)
  | ({ readonly kind: "processing" } & Tuning & Lifeguard.Cell & Lifeguard.Processing)

export type Result =
  | ({ readonly job: Extract<Job, { kind: "detect" }> } & { readonly outcome: Swim.Detection })
  | ({ readonly job: Extract<Job, { kind: "load" }> } & { readonly outcome: Swim.Load })
  | ({ readonly job: Extract<Job, { kind: "loss" }> } & { readonly outcome: Swim.Loss })
  | ({ readonly job: Extract<Job, { kind: "interval" | "threshold" }> } & { readonly outcome: Lifeguard.Outcome })
  | ({ readonly job: Extract<Job, { kind: "processing" }> } & { readonly outcome: Lifeguard.Outcome })

export const idOf = (job: Job): string => Object.values(job).join("/")

export const perform = (job: Job): Result["outcome"] => {
  switch (job.kind) {
    case "detect":
      return Swim.detect(job.members, job.failures, job.repetition)
    case "load":
      return Swim.load(job.members)
    case "loss":
      return Swim.loss(job.suspicion, job.repetition)
    case "processing": {
      const { alpha, beta, buffer, configuration, cores, perMessage, ...cell } = job
      return Lifeguard.measure({ configuration, alpha, beta }, cell, { perMessage, buffer, cores })
    }
    default: {
      const { configuration, alpha, beta, ...cell } = job
      return Lifeguard.measure({ configuration, alpha, beta }, cell)
    }
  }
}

/** The paper's grids. */
export const SLOW = [1, 4, 8, 12, 16, 20, 24, 28, 32]
export const DURATIONS = [128, 512, 2048, 8192, 16_384, 32_768]
export const INTERVALS = [1, 4, 16, 64, 256, 1024, 4096, 16_384]
/** Runs of each combination in the paper. */
export const REPETITIONS = 10
/** α and β of Table VII. */
export const TUNINGS = [[2, 2], [2, 4], [2, 6], [4, 2], [4, 4], [4, 6], [5, 2], [5, 4], [5, 6]] as const

/** Durations are drawn from classes, because those below the shortest suspicion make no false positives. */
export const classes = [
  { name: "up to 2,048 ms", durations: [128, 512, 2048] },
  { name: "8,192 ms", durations: [8192] },
  { name: "16,384 and 32,768 ms", durations: [16_384, 32_768] }
] as const

export type Mode = "quick" | "standard" | "full"

interface Sizes {
  readonly groups: ReadonlyArray<number>
  readonly failures: number
  readonly lossRuns: number
  /** Runs per class of durations and C. */
  readonly interval: (slow: number, durations: number) => number
  readonly threshold: (slow: number) => number
  /** Of the main table's cells with long anomalies, those also run for the other α and β: so many of each C. */
  readonly tuned: number
}

const standard: Sizes = {
  groups: [8, 16, 28, 40, 56],
  failures: 16,
  lossRuns: 3,
  interval: (_, index) => [1, 2, 6][index] ?? 0,
  threshold: () => 4,
  tuned: 1
}

const sizes: Record<Exclude<Mode, "full">, Sizes> = {
  standard,
  quick: {
    groups: [8, 16],
    failures: 3,
    lossRuns: 1,
    interval: (slow, index) => index === 2 && slow === 8 ? 1 : 0,
    threshold: (slow) => slow === 4 ? 1 : 0,
    tuned: 0
  }
}

/** Drawn cells, the first of every C and class before the second of any, so that an interrupted run has some of all. */
const cellsOf = ({ interval }: Sizes): ReadonlyArray<Lifeguard.Cell> =>
  SLOW.flatMap((slow, row) =>
    classes.flatMap(({ durations }, index) => {
      const random = seeded(`cells/${slow}/${index}`)
      const count = interval(slow, index)
      // no interval twice before each was drawn once
      const intervals = sample(INTERVALS, Math.min(count, INTERVALS.length), random)
      return Array.from({ length: count }, (_, repetition) => ({
        slow,
        // all durations of a class equally often: they cost, and do, very different things
        duration: durations[(row + repetition) % durations.length] ?? 0,
        interval: intervals[repetition % intervals.length] ?? 0,
        repetition
      }))
    })
  ).toSorted((a, b) => a.repetition - b.repetition)

const fullCells: ReadonlyArray<Lifeguard.Cell> = SLOW.flatMap((slow) =>
  DURATIONS.flatMap((duration) =>
    INTERVALS.flatMap((interval) =>
      Array.from({ length: REPETITIONS }, (_, repetition) => ({ slow, duration, interval, repetition }))
    )
  )
)

const thresholds = (mode: Mode): ReadonlyArray<Lifeguard.Cell> =>
  SLOW.flatMap((slow, row) => {
    const runs = mode === "full" ? 2 * REPETITIONS : sizes[mode].threshold(slow)
    return Array.from({ length: runs }, (_, repetition) => ({
      slow,
      // Shorter ones end before any suspicion does.
      duration: (row / 2 + repetition) % 2 < 1 ? 16_384 : 32_768,
      interval: 0,
      repetition
    }))
  })

/** Sections a run can be limited to. */
export const sections = ["swim", "table4", "table5", "table7", "recovery", "processing"] as const
export type Section = (typeof sections)[number]

const swim = (mode: Mode): ReadonlyArray<Job> => {
  const { failures, groups, lossRuns } = mode === "full" ? { ...standard, failures: 50, lossRuns: 10 } : sizes[mode]
  return [
    ...groups.map((members): Job => ({ kind: "load", members })),
    ...groups.map((members): Job => ({
      kind: "detect",
      members,
      failures: Math.min(failures, members),
      repetition: 0
    })),
    ...[false, true].flatMap((suspicion) =>
      Array.from({ length: lossRuns }, (_, repetition): Job => ({ kind: "loss", suspicion, repetition }))
    )
  ]
}

/** Linux's default for a socket (`net.core.rmem_default`). */
const LINUX_BUFFER = 212_992
/** More than anything that waits in an experiment. */
export const NO_LIMIT = 1_000_000_000
/** The paper's machine had 16 for its 128 agents. */
export const PAPER_CORES = 16

/** What might make LHA-Probe help as much as in the paper: one at a time, and together, from little to much. */
export const processings: ReadonlyArray<Lifeguard.Processing> = [
  { perMessage: 0, buffer: LINUX_BUFFER, cores: Lifeguard.MEMBERS },
  { perMessage: 5, buffer: NO_LIMIT, cores: Lifeguard.MEMBERS },
  ...[0.2, 1, 5].map((perMessage) => ({ perMessage, buffer: LINUX_BUFFER, cores: Lifeguard.MEMBERS })),
  ...[0.2, 1, 5].map((perMessage) => ({ perMessage, buffer: LINUX_BUFFER, cores: PAPER_CORES }))
]

/** Anomalies with a second between them, of which single runs differ most; only some settings are worth repeating. */
const apart = [0, 1, 2, 3].map((repetition) => ({ slow: 32, duration: 16_384, interval: 1024, repetition }))
const repeated = ({ cores, perMessage }: Lifeguard.Processing) => cores === PAPER_CORES && perMessage === 1

/** Cells of Table IV with long anomalies: three where they follow each other closely, and some where they do not. */
const processingCells = (mode: Mode): ReadonlyArray<Lifeguard.Cell> => {
  const cells = mode === "full" ? fullCells.filter(({ repetition }) => repetition === 0) : cellsOf(sizes[mode])
  const long = cells.filter(({ duration, slow }) => duration >= 16_384 && slow >= 8)
  return mode === "standard" ? [...long.filter(({ interval }) => interval <= 256).slice(0, 3), ...apart] : long
}

const paperConfigurations = configurations.slice(0, 5)

/** A fourth run of a C and class makes the tables better; it waits until every table has its first ones. */
const isLate = (job: Job): boolean => job.kind === "interval" && job.repetition >= 3

/** The jobs of these sections, those that matter most first. */
export const jobsOf = (mode: Mode, only: ReadonlySet<Section>): ReadonlyArray<Job> => {
  const cells = mode === "full" ? fullCells : cellsOf(sizes[mode])
  const long = cells.filter(({ duration }) => duration >= 16_384)
  const jobs: Array<Job> = []
  if (only.has("swim")) jobs.push(...swim(mode))
  if (only.has("table5")) {
    for (const cell of thresholds(mode)) {
      for (const configuration of paperConfigurations) {
        jobs.push({ kind: "threshold", configuration, alpha: 5, beta: 6, ...cell })
      }
    }
  }
  if (only.has("table4")) {
    for (const cell of [...long, ...cells.filter((cell) => !long.includes(cell))]) {
      for (const configuration of paperConfigurations) {
        jobs.push({ kind: "interval", configuration, alpha: 5, beta: 6, ...cell })
      }
    }
    for (const cell of long.filter(({ slow }) => slow % 8 === 0)) {
      jobs.push({ kind: "interval", configuration: "Lifeguard (memberlist)", alpha: 5, beta: 6, ...cell })
    }
  }
  if (only.has("table7")) {
    const tuned = mode === "full" ? cells : long.filter(({ repetition }) => repetition < sizes[mode].tuned)
    for (const [alpha, beta] of TUNINGS.slice(0, -1)) {
      const cell = thresholds(mode).filter(({ slow }) => mode === "full" || (mode === "standard" && slow === 20))
      for (const each of cell) jobs.push({ kind: "threshold", configuration: "Lifeguard", alpha, beta, ...each })
    }
    for (const cell of tuned) {
      for (const [alpha, beta] of TUNINGS.slice(0, -1)) {
        jobs.push({ kind: "interval", configuration: "Lifeguard", alpha, beta, ...cell })
      }
    }
  }
  if (only.has("recovery")) {
    for (const cell of long.filter(({ slow }) => slow % 8 === 0)) {
      for (const configuration of ["Lifeguard (memberlist)", "Lifeguard (recovery)"] as const) {
        jobs.push({ kind: "interval", configuration, alpha: 5, beta: 6, ...cell })
      }
    }
  }
  if (only.has("processing")) {
    for (const cell of processingCells(mode)) {
      for (const configuration of ["SWIM", "LHA-Probe"] as const) {
        const tuning = { configuration, alpha: 5, beta: 6 }
        jobs.push({ kind: "interval", ...tuning, ...cell })
        const chosen = mode === "quick"
          ? processings.slice(-1)
          : cell.interval === 1024 && cell.repetition > 0
          ? processings.filter(repeated)
          : processings
        for (const processing of chosen) jobs.push({ kind: "processing", ...tuning, ...cell, ...processing })
      }
    }
  }
  const seen = new Set<string>()
  const different = jobs.filter((job) => {
    const id = idOf(job)
    return !seen.has(id) && seen.add(id)
  })
  return [...different.filter((job) => !isLate(job)), ...different.filter(isLate)]
}
