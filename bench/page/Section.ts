/** What the page says of a part of the benchmark: its words, its table, its plots, and the targets it decides. */
import { table as markdown } from "../../simulate/drawing/Markdown.ts"
import type { Chart } from "../../simulate/drawing/Plot.ts"
import { type Amounts, type Run, type Sample, type Subject, subjects } from "./Results.ts"
import * as Statistics from "./Statistics.ts"

/** A column of a table: a figure of the samples. */
export interface Figure {
  readonly key: string
  readonly title: string
  readonly digits: number
}

/** What a target demands, and what came of it. */
export interface Verdict {
  readonly ours: string
  /** What it is measured against: Go's, or the floor's, of the same rounds. */
  readonly beside: string
  readonly ratio: string
  readonly isMet: boolean
}

/** A target: a line of the table that the page begins with. */
export interface Target {
  readonly work: string
  /** What is demanded, `≤ 0.5 × Go` for example. */
  readonly demanded: string
  /** Nothing where what decides it was not measured. */
  readonly judge: (run: Run) => Verdict | undefined
}

export interface Section {
  readonly title: (amounts: Amounts) => string
  /** What is done, how it is the same for everybody, and where it is not. */
  readonly text: (amounts: Amounts) => string
  readonly figures: ReadonlyArray<Figure>
  /** What is shown in place of the table of these figures. */
  readonly body?: (run: Run) => string
  /** Plots, by the name of their file. */
  readonly plots?: (run: Run) => ReadonlyArray<readonly [name: string, chart: Chart]>
  readonly targets?: ReadonlyArray<Target>
}

export const resident = (key: string, title: string): Figure => ({ key, title, digits: 1 })

export const titles: Readonly<Record<Subject, string>> = {
  ours: "effect-memberlist",
  before: "effect-memberlist, before",
  go: "memberlist (Go)",
  bare: "bare Node.js",
  pings: "bare Node.js, pings and acks",
  together: "bare Node.js, all pings at once",
  effect: "Effect's modules alone"
}

/** Returns a figure as a median and, where rounds differ, its extremes. */
export const cell = (spread: Statistics.Spread | undefined, digits: number, unit = ""): string => {
  if (spread === undefined) return "–"
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) => value.toFixed(digits))
  return min === max ? `${median}${unit}` : `${median}${unit} (${min}–${max})`
}

const ratios: ReadonlyArray<readonly [Subject, Subject, string]> = [
  ["ours", "before", "ours ÷ before"],
  ["ours", "go", "ours ÷ Go"]
]

/** Samples of one figure are told apart by what it was measured at, a size for example. */
export const at = (key: string, size: number): string => `${key}/${size}`

const isMeasured = (samples: ReadonlyArray<Sample>, subject: Subject, keys: ReadonlyArray<string>) =>
  samples.some((each) => each.subject === subject && keys.some((key) => each.figures[key] !== undefined))

/** Returns the rows of a table: each subject that was measured, and the ratios. */
const rows = (samples: ReadonlyArray<Sample>, columns: ReadonlyArray<Figure>): ReadonlyArray<ReadonlyArray<string>> => {
  const keys = columns.map(({ key }) => key)
  const measured = subjects.filter((subject) => isMeasured(samples, subject, keys))
  const compared = ratios.flatMap(([above, below, title]) => {
    const found = keys.map((key) => Statistics.ratio(samples, key, [above, below]))
    return found.some((each) => each !== undefined) ? [[title, ...found.map((each) => cell(each, 2, "×"))]] : []
  })
  return [
    ...measured.map((subject) => [
      titles[subject],
      ...columns.map(({ digits, key }) => cell(Statistics.figure(samples, subject, key), digits))
    ]),
    ...compared
  ]
}

/** Returns a Markdown table of these figures, or nothing where nothing was measured. */
export const table = (samples: ReadonlyArray<Sample>, figures: ReadonlyArray<Figure>): string | undefined => {
  const columns = figures.filter(({ key }) => subjects.some((subject) => isMeasured(samples, subject, [key])))
  return columns.length === 0
    ? undefined
    : markdown(["", ...columns.map(({ title }) => title)], rows(samples, columns))
}

/** Returns a Markdown table of figures that were measured at several sizes. */
export const tableOf = (
  samples: ReadonlyArray<Sample>,
  figures: ReadonlyArray<Figure>,
  sizes: ReadonlyArray<number>,
  unit: string
): string =>
  markdown(
    [unit, "", ...figures.map(({ title }) => title)],
    sizes.flatMap((size) => {
      const sized = figures.map((figure) => ({ ...figure, key: at(figure.key, size) }))
      return rows(samples, sized).map((cells, i) => [i === 0 ? String(size) : "", ...cells])
    }),
    2
  )

/** The points of a plot: one series for this library, before and now, and one for Go. */
export const series = (
  samples: ReadonlyArray<Sample>,
  sizes: ReadonlyArray<number>,
  key: string
): Chart["series"] =>
  (["ours", "go", "before"] as const).flatMap((subject, colour) => {
    const points = sizes.flatMap((size) => {
      const spread = Statistics.figure(samples, subject, at(key, size))
      return spread === undefined ? [] : [{ x: size, y: spread.median, low: spread.min, high: spread.max }]
    })
    return points.length === 0 ? [] : [{ name: titles[subject], points, colour }]
  })

/** A figure that a target is about. */
interface Demand {
  readonly work: string
  readonly key: string
  readonly digits: number
  readonly unit: string
}

const besides: Partial<Readonly<Record<Subject, string>>> = {
  go: "Go",
  bare: "bare Node.js",
  effect: "Effect's modules"
}

/** A target that demands at most so many times what another subject costs in the same rounds. */
export const atMostTimes = (times: number, beside: Subject, { digits, key, unit, work }: Demand): Target => ({
  work,
  demanded: `≤ ${times} × ${besides[beside] ?? titles[beside]}`,
  judge: ({ samples }) => {
    const ratio = Statistics.ratio(samples, key, ["ours", beside])
    return ratio && {
      ours: `${cell(median(Statistics.figure(samples, "ours", key)), digits)} ${unit}`,
      beside: `${cell(median(Statistics.figure(samples, beside, key)), digits)} ${unit}`,
      ratio: cell(ratio, 2, "×"),
      isMet: ratio.median <= times
    }
  }
})

/** A target that demands at most so much. */
export const atMost = (most: number, { digits, key, unit, work }: Demand): Target => ({
  work,
  demanded: `≤ ${most} ${unit}`,
  judge: ({ samples }) => {
    const ours = Statistics.figure(samples, "ours", key)
    const beside = median(Statistics.figure(samples, "go", key))
    return ours && {
      ours: `${cell(ours, digits)} ${unit}`,
      beside: beside === undefined ? "–" : `${cell(beside, digits)} ${unit}`,
      ratio: cell(Statistics.ratio(samples, key, ["ours", "go"]), 2, "×"),
      isMet: ours.median <= most
    }
  }
})

/** A target that demands at most so much more than another subject costs in the same rounds. */
export const atMostAbove = (most: number, beside: Subject, { digits, key, unit, work }: Demand): Target => ({
  work,
  demanded: `≤ ${most} ${unit} above ${besides[beside] ?? titles[beside]}`,
  judge: ({ samples }) => {
    const above = Statistics.paired(samples, key, ["ours", beside], (a, b) => a - b)
    return above && {
      ours: `${cell(median(Statistics.figure(samples, "ours", key)), digits)} ${unit}`,
      beside: `${cell(median(Statistics.figure(samples, beside, key)), digits)} ${unit}`,
      ratio: `${cell(above, digits).replaceAll("-", "−")} ${unit}`,
      isMet: above.median <= most
    }
  }
})

/** A target that only a run with certain amounts decides. */
export const where = (decides: (amounts: Amounts) => boolean, target: Target): Target => ({
  ...target,
  judge: (run) => decides(run.amounts) ? target.judge(run) : undefined
})

/** A spread that shows as its median alone. */
const median = (spread: Statistics.Spread | undefined): Statistics.Spread | undefined =>
  spread && { ...spread, min: spread.median, max: spread.median }
