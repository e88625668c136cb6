/**
 * How long things take on a network: distributions of one-way delays.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"

/**
 * A distribution of one-way delays: uniform between two values, or at least `min` and on average `mean`, the rest
 * exponential, as in queues. Each packet draws its own, so packets may overtake each other.
 *
 * @category models
 * @since 0.1.0
 */
export type LatencyInput =
  | readonly [min: Duration.Input, max: Duration.Input]
  | { readonly min: Duration.Input; readonly mean: Duration.Input }

/** The same in milliseconds: at least `min`, and `spread` times a number that the kind decides. */
export interface Latency {
  readonly kind: "uniform" | "exponential"
  readonly min: number
  readonly spread: number
}

/** No delay at all. */
export const none: Latency = { kind: "uniform", min: 0, spread: 0 }

const isRange = (input: LatencyInput): input is readonly [Duration.Input, Duration.Input] => Array.isArray(input)

/** Reads a distribution; one that makes no sense is a `RangeError`. */
export const make = (input: LatencyInput): Latency => {
  const kind = isRange(input) ? "uniform" : "exponential"
  const [first, second] = (isRange(input) ? input : [input.min, input.mean]).map((value) =>
    Duration.toMillis(Duration.fromInputUnsafe(value))
  )
  if (first === undefined || second === undefined || !(first >= 0 && first <= second && Number.isFinite(second))) {
    const what = kind === "uniform" ? "[min, max]" : "{ min, mean }"
    throw new RangeError(`latency ${what} is ${first} and ${second} ms; expected a finite range, smaller value first`)
  }
  return { kind, min: first, spread: second - first }
}

/** The delay for a random number in [0, 1), in milliseconds; an exponential one never exceeds 23 times its spread. */
export const sample = (latency: Latency, random: number): number =>
  latency.kind === "uniform"
    ? latency.min + random * latency.spread
    : latency.min - Math.log(1 - random) * latency.spread
