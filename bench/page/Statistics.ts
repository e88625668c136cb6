/** What several rounds say together. */
import type { Sample, Subject } from "./Results.ts"

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: number
}

/** Returns the median and the extremes, or nothing of nothing. */
export const spread = (values: ReadonlyArray<number>): Spread | undefined => {
  const sorted = values.toSorted((a, b) => a - b)
  const low = sorted[Math.floor((sorted.length - 1) / 2)]
  const high = sorted[Math.floor(sorted.length / 2)]
  const [min] = sorted
  const max = sorted.at(-1)
  if (low === undefined || high === undefined || min === undefined || max === undefined) return undefined
  return { median: (low + high) / 2, min, max, rounds: sorted.length }
}

const of = (samples: ReadonlyArray<Sample>, subject: Subject) => samples.filter((sample) => sample.subject === subject)

/** Returns the spread of one figure of one subject over the rounds of a part. */
export const figure = (samples: ReadonlyArray<Sample>, subject: Subject, key: string): Spread | undefined =>
  spread(of(samples, subject).flatMap(({ figures }) => figures[key] ?? []))

/**
 * Returns what two subjects' figures come to together: one result for each round that has both, so that what else the
 * machine did in a round counts for both. A result that is no number is left out.
 */
export const paired = (
  samples: ReadonlyArray<Sample>,
  key: string,
  [first, second]: readonly [Subject, Subject],
  combine: (first: number, second: number) => number
): Spread | undefined =>
  spread(
    of(samples, first).flatMap(({ figures, round }) => {
      const a = figures[key]
      const b = of(samples, second).find((sample) => sample.round === round)?.figures[key]
      return a === undefined || b === undefined ? [] : [combine(a, b)].filter(Number.isFinite)
    })
  )

/** Returns how many times as much one subject costs as another. */
export const ratio = (
  samples: ReadonlyArray<Sample>,
  key: string,
  compared: readonly [above: Subject, below: Subject]
): Spread | undefined => paired(samples, key, compared, (above, below) => above / below)

/** Returns all that a subject's rounds have in a list, one after the other. */
export const list = (samples: ReadonlyArray<Sample>, subject: Subject, key: string): ReadonlyArray<number> =>
  of(samples, subject).flatMap(({ lists }) => lists?.[key] ?? [])

/** Returns the slope of the line that fits points best, by least squares. */
export const slope = (points: ReadonlyArray<readonly [x: number, y: number]>): number => {
  const mean = (values: ReadonlyArray<number>) => values.reduce((sum, value) => sum + value, 0) / values.length
  const middle = mean(points.map(([x]) => x))
  const level = mean(points.map(([, y]) => y))
  const covariance = points.reduce((sum, [x, y]) => sum + (x - middle) * (y - level), 0)
  return covariance / points.reduce((sum, [x]) => sum + (x - middle) ** 2, 0)
}
