/** The table of `docs/security.md`: each attack, what it cost before, now, and in Go. */
import type { Kind } from "./Case.ts"

/** One result, as `--out` writes it. */
export interface Row {
  readonly name: string
  readonly kind: Kind
  readonly verdict: string
  readonly outcome?: {
    readonly sent: string
    readonly broken?: ReadonlyArray<string>
    readonly notes?: ReadonlyArray<string>
    readonly figures: {
      readonly longestStop?: number
      readonly cpuSeconds?: number
      readonly peakMemory?: number
      readonly memoryBefore?: number
      readonly memoryAfter?: number
      readonly pushPulls?: number
      readonly exchanged?: number
      readonly failed?: ReadonlyArray<string>
      readonly restAfter?: number | string | null
    }
  }
}

const NONE = "–"

/** What matters of a result, in few words. */
export const cost = (row: Row | undefined): string => {
  if (row === undefined || row.verdict === "not run") return NONE
  if (row.outcome === undefined) return row.verdict
  const { broken = [], figures, notes = [] } = row.outcome
  if (row.verdict === "told") return told(notes)
  const { exchanged, failed = [], longestStop, memoryAfter, memoryBefore, peakMemory, pushPulls, restAfter } = figures
  const said: Array<string> = []
  said.push(row.verdict === "kept" ? "kept" : "**broken**")
  if (failed.length > 0) said.push(`${failed.length} declared failed`)
  if (pushPulls !== undefined && pushPulls > 0) said.push(`${exchanged ?? 0} of ${pushPulls} push/pulls`)
  if (longestStop !== undefined) said.push(`stop ${longestStop.toFixed(0)} ms`)
  if (typeof restAfter === "number") said.push(`rest ${restAfter.toFixed(1)} s`)
  else if (restAfter !== undefined) said.push("no rest")
  if (memoryAfter !== undefined && memoryBefore !== undefined && peakMemory !== undefined) {
    said.push(`peak ${peakMemory.toFixed(0)} MiB, ${Math.max(0, memoryAfter - memoryBefore).toFixed(0)} left`)
  }
  // what no figure tells
  if (failed.length === 0 && longestStop === undefined && broken[0] !== undefined) said.push(shortened(broken[0]))
  return said.join(", ")
}

/** What cost most of each kind; the notes are sorted so. */
const told = (notes: ReadonlyArray<string>): string => {
  const first = (start: string) => notes.find((note) => note.startsWith(start))
  return [first("a datagram"), first("16 KiB")].flatMap((note) => note === undefined ? [] : [shortened(note)]).join(
    "; "
  )
}

const LONGEST = 80

const shortened = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)

/** A Markdown table of every attack that was carried out now. */
export const table = (before: ReadonlyArray<Row>, now: ReadonlyArray<Row>): string => {
  const find = (rows: ReadonlyArray<Row>, name: string, kind: Kind) =>
    rows.find((row) => row.name === name && row.kind === kind)
  const names = [...new Set(now.map(({ name }) => name))]
  const body = names.map((name) =>
    [name, cost(find(before, name, "ours")), cost(find(now, name, "ours")), cost(find(now, name, "go"))]
      .map((cell) => cell.replaceAll("|", "\\|"))
  )
  const rows = [["attack", "before", "now", "Go"], ["---", "---", "---", "---"], ...body]
  return rows.map((cells) => `| ${cells.join(" | ")} |`).join("\n")
}
