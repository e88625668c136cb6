/** Reads what processes log, for what a terminal must not be given. */
import { FAKE } from "./Names.ts"

const NEWLINE = 0x0a
const TAB = 0x09
const MOST = 1 << 20

export class LogReader {
  lines = 0
  /** Bytes of the longest line. */
  longest = 0
  /** Lines with a forged member's name. */
  mentions = 0
  /** What was raw in a line: control characters, and those that change the direction of writing. */
  readonly controls = new Set<string>()
  private rest: Uint8Array = new Uint8Array(0)

  read(chunk: Uint8Array): void {
    const bytes = Buffer.concat([this.rest, chunk])
    let start = 0
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      this.line(bytes.subarray(start, end))
      start = end + 1
    }
    this.rest = bytes.subarray(start)
    if (this.rest.length > MOST) {
      this.line(this.rest)
      this.rest = new Uint8Array(0)
    }
  }

  private line(bytes: Uint8Array): void {
    this.lines++
    this.longest = Math.max(this.longest, bytes.length)
    const text = Buffer.from(bytes).toString("utf8")
    // a line break within a name makes a line that begins with what the name says
    if (text.startsWith("level=ERROR forged")) this.controls.add("a line break")
    if (text.includes(`${FAKE}-`)) this.mentions++
    for (const character of text) {
      const code = character.codePointAt(0) ?? 0
      if (isControl(code)) this.controls.add(`U+${code.toString(16).toUpperCase().padStart(4, "0")}`)
    }
  }
}

const isControl = (code: number): boolean =>
  (code < 0x20 && code !== TAB) || (code >= 0x7f && code < 0xa0) || (code >= 0x202a && code <= 0x202e)
  || (code >= 0x2066 && code <= 0x2069)
