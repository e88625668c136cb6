/** What several rounds say together. */
import type { Part, Sample, Subject } from "./Results.ts"

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

const of = (samples: ReadonlyArray<Sample>, part: Part, subject: Subject) =>
  samples.filter((sample) => sample.part === part && sample.subject === subject)

/** Returns the spread of one figure of one subject over the rounds. */
export const figure = (
  samples: ReadonlyArray<Sample>,
  part: Part,
  subject: Subject,
  key: string
): Spread | undefined => spread(of(samples, part, subject).flatMap(({ figures }) => figures[key] ?? []))

/**
 * Returns how many times as much one subject costs as another: a ratio for each round that has both, so that what else the
 * machine did in a round counts for both.
 */
export const ratio = (
  samples: ReadonlyArray<Sample>,
  part: Part,
  key: string,
  [above, below]: readonly [Subject, Subject]
): Spread | undefined =>
  spread(
    of(samples, part, above).flatMap(({ figures, round }) => {
      const a = figures[key]
      const b = of(samples, part, below).find((sample) => sample.round === round)?.figures[key]
      return a === undefined || b === undefined || b === 0 ? [] : [a / b]
    })
  )
