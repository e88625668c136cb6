/**
 * A line on the terminal that says how far a long run is: what is done, virtual time, rate, time left. Nothing when the
 * standard error is not a terminal.
 */
import type { Summary } from "./Report.ts"

export interface Progress {
  readonly seed: (summary: Summary) => void
  readonly shrinking: (seed: number, faults: number, attempts: number) => void
  readonly clear: () => void
}

const span = (seconds: number): string =>
  seconds < 90
    ? `${Math.ceil(seconds)} s`
    : seconds < 5400
    ? `${Math.ceil(seconds / 60)} min`
    : `${(seconds / 3600).toFixed(1)} h`

export const make = (seeds: number): Progress => {
  const terminal = process.stderr.isTTY
  const began = performance.now()
  const show = (text: string) => {
    if (terminal) process.stderr.write(`\r\u001b[2K${text}`)
  }
  return {
    seed: (summary) => {
      const elapsed = (performance.now() - began) / 1000
      const virtual = summary.virtualMillis / 1000
      const left = (elapsed / summary.seeds) * (seeds - summary.seeds)
      show(
        `${summary.seeds}/${seeds} seeds, ${span(virtual)} of virtual time, ${
          Math.round(virtual / elapsed)
        } times real time, ` +
          `${summary.failed.length} failed, ${span(left)} left`
      )
    },
    shrinking: (seed, faults, attempts) =>
      show(`seed ${seed} failed; ${faults} faults left after ${attempts} attempts`),
    clear: () => show("")
  }
}
