/** Markdown as the formatter of this repository writes it, so that a new report does not have to be formatted. */

/** A table; the first columns (one, unless told) are text, the others numbers. */
export const table = (
  header: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  textColumns = 1
): string => {
  const widths = header.map((title, i) =>
    Math.max(i < textColumns ? 3 : 2, title.length, ...rows.map((row) => row[i]?.length ?? 0))
  )
  const line = (cells: ReadonlyArray<string>) =>
    `| ${
      cells.map((cell, i) => i < textColumns ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)).join(" | ")
    } |`
  const rule = widths.map((width, i) => i < textColumns ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)
  return [line(header), line(rule), ...rows.map(line)].join("\n")
}
