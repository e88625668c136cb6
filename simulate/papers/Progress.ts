/** One line on a terminal that says how far it is; elsewhere a line now and then. */

const clock = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds))
  const pad = (n: number) => String(n).padStart(2, "0")
  const h = Math.floor(whole / 3600)
  return `${h > 0 ? `${h}:` : ""}${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`
}

export class Progress {
  private readonly began = performance.now()
  private done = 0
  private printed = -Infinity
  private readonly total: number

  constructor(total: number) {
    this.total = total
  }

  step(what: string): void {
    this.done++
    const now = performance.now()
    const last = this.done === this.total
    if (!process.stderr.isTTY && now - this.printed < 15_000 && !last) return
    this.printed = now
    const elapsed = (now - this.began) / 1000
    const rate = this.done / elapsed
    const line = `${this.done}/${this.total} runs, ${(rate * 60).toFixed(1)} a minute, ${clock(elapsed)} gone, `
      + `${clock((this.total - this.done) / rate)} left: ${what}`
    if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${line}${last ? "\n" : ""}`)
    else process.stderr.write(`${line}\n`)
  }
}
