/** Figures and tables in Markdown. */
import type * as Statistics from "./Statistics.ts"

/** Returns a figure as a median and, where rounds differ, its extremes. */
export const cell = (spread: Statistics.Spread | undefined, digits: number, unit = ""): string => {
  if (spread === undefined) return "–"
  const [median, min, max] = [spread.median, spread.min, spread.max].map((value) => value.toFixed(digits))
  return min === max ? `${median}${unit}` : `${median}${unit} (${min}–${max})`
}

/** Returns a Markdown table whose columns are as wide as they must be, all but the first aligned to the right. */
export const markdown = ([head = [], ...body]: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = head.map((_, i) => Math.max(4, ...[head, ...body].map((row) => (row[i] ?? "").length)))
  const line = (cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |`
  const padded = (row: ReadonlyArray<string>) =>
    line(row.map((text, i) => i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
  const rule = line(widths.map((width, i) => i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`))
  return [padded(head), rule, ...body.map(padded)].join("\n")
}
