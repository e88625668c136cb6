/** How far a long exploration is: seeds done, time left, what is happening. */
import { Line, span } from "../running/Line.ts"
import type { Summary } from "./Report.ts"

/** About how long a calm lasts, in virtual milliseconds; only the estimate of the time left depends on it. */
const CALM = 20_000

export class Progress {
  private readonly line: Line
  private readonly began: number
  private readonly now: () => number
  private readonly seeds: number
  private readonly chaos: number
  private readonly summary: Summary

  /** `chaos` is how long that of one seed lasts, in virtual milliseconds. */
  constructor(
    options: {
      readonly seeds: number
      readonly chaos: number
      readonly summary: Summary
      readonly line?: Line | undefined
      readonly now?: (() => number) | undefined
    }
  ) {
    this.seeds = options.seeds
    this.chaos = options.chaos
    this.summary = options.summary
    this.line = options.line ?? new Line()
    this.now = options.now ?? (() => performance.now())
    this.began = this.now()
  }

  /** The seed has come so far, in virtual milliseconds. */
  at(seed: number, millis: number): void {
    const done = this.summary.seeds + Math.min(0.99, millis / (this.chaos + CALM))
    const elapsed = (this.now() - this.began) / 1000
    const virtual = (this.summary.virtualMillis + millis) / 1000
    const where = millis < this.chaos ? `chaos ${Math.floor(100 * millis / this.chaos)} %` : "calm"
    this.line.show(
      this.done,
      // the first moments say nothing about the rest
      done < 0.02 || elapsed < 1 ? "" : `${span((elapsed / done) * (this.seeds - done))} left`,
      `${this.summary.failed.length} failed`,
      `seed ${seed}: ${where}`,
      elapsed < 1 ? "" : `${Math.round(virtual / elapsed)} times real time`
    )
  }

  shrinking(seed: number, faults: number, attempts: number): void {
    this.line.show(this.done, `seed ${seed} failed: ${faults} faults left after ${attempts} attempts`)
  }

  clear(): void {
    this.line.clear()
  }

  private get done(): string {
    return `${this.summary.seeds}/${this.seeds} seeds`
  }
}
