/**
 * The line on a terminal that says how far a long run is, written over again and again. It never wraps: what was written
 * over several rows of a terminal cannot be taken back. Where the standard error is not a terminal, nothing is written.
 */

/** As many of the parts as fit, the most important first, without empty ones; the first is cut if not even that fits. */
export const fit = (parts: ReadonlyArray<string>, columns: number): string => {
  const [first = "", ...rest] = parts.filter((part) => part !== "")
  // the last column stays free: some terminals go on to the next row as soon as it is written to
  const room = Math.max(0, columns - 1)
  let text = first.slice(0, room)
  for (const part of rest) {
    if (text.length + 2 + part.length > room) break
    text += `, ${part}`
  }
  return text
}

/** A time to wait, for people. */
export const span = (seconds: number): string =>
  seconds < 90
    ? `${Math.ceil(seconds)} s`
    : seconds < 5400
    ? `${Math.ceil(seconds / 60)} min`
    : `${(seconds / 3600).toFixed(1)} h`

/** What a line is written to. */
export interface Terminal {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  readonly write: (text: string) => unknown
}

const WIDTH = 80

export class Line {
  readonly isShown: boolean
  private readonly terminal: Terminal

  constructor(terminal: Terminal = process.stderr) {
    this.terminal = terminal
    this.isShown = terminal.isTTY === true
  }

  /** Shows these parts, the most important first, in place of what was shown before. */
  show(...parts: ReadonlyArray<string>): void {
    if (this.isShown) this.terminal.write(`\r\u001b[2K${fit(parts, this.terminal.columns ?? WIDTH)}`)
  }

  /** Takes the line away, so that something else can be written. */
  clear(): void {
    if (this.isShown) this.terminal.write("\r\u001b[2K")
  }
}
