/** What is being done, and how long it still takes: a line on a terminal, else plain lines. */
import { Line, span } from "../simulate/running/Line.ts"

export class Progress {
  private readonly line: Line
  private readonly write: (text: string) => unknown
  private readonly now: () => number
  private readonly began: number
  private readonly estimates: ReadonlyArray<number>
  private done = 0

  /** `estimates` has the seconds that each run should take. */
  constructor(
    estimates: ReadonlyArray<number>,
    options: {
      readonly line?: Line
      readonly write?: (text: string) => unknown
      readonly now?: () => number
    } = {}
  ) {
    this.estimates = estimates
    this.line = options.line ?? new Line()
    this.write = options.write ?? ((text) => process.stderr.write(text))
    this.now = options.now ?? (() => performance.now())
    this.began = this.now()
  }

  get seconds(): number {
    return (this.now() - this.began) / 1000
  }

  /** What is done at the moment. */
  say(what: string, doing: string): void {
    if (this.line.isShown) {
      this.line.show(`${this.done + 1}/${this.estimates.length} ${what}`, doing, `${this.left()} left`)
    }
  }

  /** One more is done, and this came of it. */
  step(what: string, detail: string | undefined): void {
    this.done++
    this.line.clear()
    const left = this.done < this.estimates.length ? `, ${this.left()} left` : ""
    const count = `${this.done}/${this.estimates.length}${left}`
    this.write(`${what}${detail === undefined || detail === "" ? "" : `: ${detail}`} (${count})\n`)
  }

  end(): void {
    this.line.clear()
  }

  /** By the estimates, and by how well they held until now. */
  private left(): string {
    const sum = (seconds: ReadonlyArray<number>) => seconds.reduce((a, b) => a + b, 0)
    const expected = sum(this.estimates.slice(0, this.done))
    const pace = this.done === 0 ? 1 : this.seconds / expected
    return span(sum(this.estimates.slice(this.done)) * pace)
  }
}
