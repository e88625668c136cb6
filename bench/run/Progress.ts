/** What is being measured, and how long it still takes: a line on a terminal, else plain lines. */
import { Line, span } from "../../simulate/running/Line.ts"

export interface Step {
  readonly name: string
  /** How long it should take. */
  readonly seconds: number
}

/** Returns the seconds that are left, by the estimates, after `elapsed` seconds of the step at `at`. */
export const left = (steps: ReadonlyArray<Step>, at: number, elapsed: number): number => {
  const rest = steps.slice(at + 1).reduce((sum, { seconds }) => sum + seconds, 0)
  return rest + Math.max(0, (steps[at]?.seconds ?? 0) - elapsed)
}

export class Progress {
  private readonly line = new Line()
  private readonly steps: ReadonlyArray<Step>
  private at = 0
  private began = performance.now()
  private doing = ""

  constructor(steps: ReadonlyArray<Step>) {
    this.steps = steps
    if (this.line.isShown) setInterval(() => this.show(), 1000).unref()
  }

  say(doing: string): void {
    this.doing = doing
    this.show()
  }

  /** One step is over, and this came of it. */
  done(detail: string): void {
    const { name = "" } = this.steps[this.at] ?? {}
    const took = (performance.now() - this.began) / 1000
    this.at++
    this.began = performance.now()
    this.doing = ""
    this.line.clear()
    const rest = left(this.steps, this.at, 0)
    const count = `${this.at}/${this.steps.length}${rest > 0 ? `, ${span(rest)} left` : ""}`
    process.stderr.write(`${name}: ${detail} (${took.toFixed(0)} s; ${count})\n`)
  }

  private show(): void {
    const elapsed = (performance.now() - this.began) / 1000
    const rest = left(this.steps, this.at, elapsed)
    this.line.show(
      `${this.at + 1}/${this.steps.length} ${this.steps[this.at]?.name ?? ""}`,
      `${span(rest)} left`,
      this.doing
    )
  }
}
