/** One line on a terminal that says how far it is, every second; elsewhere a line now and then. */
import { fit, Line } from "./Line.ts"

const clock = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds))
  const pad = (n: number) => String(n).padStart(2, "0")
  const h = Math.floor(whole / 3600)
  return `${h > 0 ? `${h}:` : ""}${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`
}

/** Milliseconds between two lines where there is no terminal. */
const INTERVAL = 15_000

export class Progress {
  private readonly began: number
  private readonly line: Line
  private readonly now: () => number
  private readonly write: (line: string) => void
  private readonly total: number
  private readonly timer: NodeJS.Timeout | undefined
  private done = 0
  private failed = 0
  private latest = ""
  /** Seconds until the latest one was over. */
  private took = 0
  private printed = -Infinity

  constructor(
    total: number,
    options: {
      readonly line?: Line | undefined
      readonly now?: (() => number) | undefined
      readonly write?: ((line: string) => void) | undefined
    } = {}
  ) {
    this.total = total
    this.line = options.line ?? new Line()
    this.now = options.now ?? (() => performance.now())
    this.write = options.write ?? ((line) => void process.stderr.write(`${line}\n`))
    this.began = this.now()
    this.show()
    // a single run may take minutes, in which nothing else would be seen to happen
    this.timer = this.line.isShown ? setInterval(() => this.show(), 1000).unref() : undefined
  }

  /** A run is done. */
  step(what: string): void {
    this.over(what)
  }

  /** A run was given up. */
  fail(what: string): void {
    this.failed++
    this.over(what)
  }

  /** Nothing more will be told. */
  end(): void {
    clearInterval(this.timer)
    this.line.clear()
  }

  private over(what: string): void {
    this.done++
    this.latest = what
    this.took = this.elapsed()
    this.show()
    if (this.line.isShown || (this.now() - this.printed < INTERVAL && this.done < this.total)) return
    this.printed = this.now()
    this.write(fit(this.parts(), Infinity))
  }

  private show(): void {
    this.line.show(...this.parts())
  }

  private parts(): ReadonlyArray<string> {
    const elapsed = this.elapsed()
    const known = this.done > 0
    const each = this.took / this.done
    // counted down while a run lasts
    const left = (this.total - this.done) * each - (elapsed - this.took)
    return [
      `${this.done}/${this.total} runs`,
      this.failed === 0 ? "" : `${this.failed} failed`,
      known && left > 0 ? `${clock(left)} left` : "",
      `${clock(elapsed)} gone`,
      known ? `${(60 / each).toFixed(1)} a minute` : "",
      known ? `last ${this.latest}` : ""
    ]
  }

  private elapsed(): number {
    return (this.now() - this.began) / 1000
  }
}
