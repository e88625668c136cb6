/** Quantiles, and confidence intervals by the bootstrap. */
import { seeded } from "./Seeded.ts"

export const mean = (values: ReadonlyArray<number>): number =>
  values.length === 0 ? NaN : values.reduce((sum, value) => sum + value, 0) / values.length

/** The q-quantile with linear interpolation; NaN of nothing. */
export const quantile = (values: ReadonlyArray<number>, q: number): number => {
  if (values.length === 0) return NaN
  const sorted = values.slice().sort((a, b) => a - b)
  const at = q * (sorted.length - 1)
  const low = sorted[Math.floor(at)] ?? NaN
  const high = sorted[Math.ceil(at)] ?? NaN
  return low + (high - low) * (at - Math.floor(at))
}

export interface Estimate {
  readonly value: number
  /** The 95 % interval. */
  readonly low: number
  readonly high: number
}

/**
 * An estimate from runs that were drawn in strata, with the percentile interval of `rounds` bootstraps that draw as many
 * runs again from each stratum. Seeded, so that the same results give the same interval.
 */
export const bootstrap = <A>(
  strata: ReadonlyArray<ReadonlyArray<A>>,
  estimate: (strata: ReadonlyArray<ReadonlyArray<A>>) => number,
  seed: string,
  rounds = 400
): Estimate => {
  const random = seeded(seed)
  const drawn: Array<number> = []
  for (let round = 0; round < rounds; round++) {
    const value = estimate(
      strata.map((runs) => runs.map(() => runs[Math.floor(random() * runs.length)] as A))
    )
    if (Number.isFinite(value)) drawn.push(value)
  }
  return { value: estimate(strata), low: quantile(drawn, 0.025), high: quantile(drawn, 0.975) }
}
