/**
 * Tables as text: aligned columns on a terminal, cut to its width; values between tabs for other programs.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as CliOutput from "effect/cli/CliOutput"
import * as PlainText from "../../base/PlainText.ts"

/**
 * What the text is for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Screen {
  readonly colors: boolean
  /** Columns of the terminal; `undefined` where the output is a file or a pipe. */
  readonly columns: number | undefined
}

/** @since 0.1.0 */
export type Color = "red" | "green" | "yellow" | "cyan" | "dim" | "bold"

const codes: Readonly<Record<Color, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 }

/**
 * Returns the text in a colour, where there are colours.
 *
 * @category conversions
 * @since 0.1.0
 */
export const paint = (screen: Screen, color: Color | undefined, text: string): string =>
  screen.colors && color !== undefined && text !== "" ? `\u001b[${codes[color]}m${text}\u001b[0m` : text

/**
 * The text of a cell, and how it looks.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cell {
  readonly text: string
  readonly color?: Color | undefined
}

const segments = new Intl.Segmenter("en", { granularity: "grapheme" })

/**
 * Returns the text cut to a number of columns, with `…` at its end where something is missing.
 *
 * @category conversions
 * @since 0.1.0
 */
export const cut = (text: string, columns: number): string => {
  if (CliOutput.displayWidth(text) <= columns) return text
  let kept = ""
  for (const { segment } of segments.segment(text)) {
    if (CliOutput.displayWidth(kept + segment) > columns - 1) break
    kept += segment
  }
  return columns < 1 ? "" : `${kept}…`
}

/**
 * Returns the text in lines of at most so many columns, broken at spaces. What has none is left whole.
 *
 * @category conversions
 * @since 0.1.0
 */
export const wrapped = (text: string, columns: number): ReadonlyArray<string> => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`
    if (line !== "" && CliOutput.displayWidth(longer) > columns) {
      lines.push(line)
      line = word
    } else line = longer
  }
  return [...lines, line]
}

const GAP = 2

/** A column narrower than this tells nothing, and the line is wrapped by the terminal instead. */
const MIN_COLUMN = 8

/** Takes from the widest columns until all fit. */
const fitting = (widths: ReadonlyArray<number>, columns: number): ReadonlyArray<number> => {
  const fitted = [...widths]
  let over = fitted.reduce((sum, width) => sum + width, 0) + GAP * (fitted.length - 1) - columns
  while (over > 0) {
    const widest = Math.max(...fitted)
    const at = fitted.indexOf(widest)
    if (widest <= MIN_COLUMN) break
    const next = Math.max(MIN_COLUMN, ...fitted.filter((width) => width < widest))
    const less = Math.min(over, Math.max(1, widest - next))
    fitted[at] = widest - less
    over -= less
  }
  return fitted
}

/**
 * Returns the lines of a table. What stands in the cells may come from other members: whatever steers a terminal is
 * shown as its code point.
 *
 * @category conversions
 * @since 0.1.0
 */
export const lines = (
  screen: Screen,
  headings: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<Cell>>
): ReadonlyArray<string> => {
  const shown = rows.map((row) => row.map(({ color, text }) => ({ color, text: PlainText.sentence(text) })))
  if (screen.columns === undefined) {
    return [headings, ...shown.map((row) => row.map(({ text }) => text))].map((row) => row.join("\t"))
  }
  const natural = headings.map((heading, i) =>
    Math.max(CliOutput.displayWidth(heading), ...shown.map((row) => CliOutput.displayWidth(row[i]?.text ?? "")))
  )
  const widths = fitting(natural, screen.columns)
  const line = (row: ReadonlyArray<Cell>) =>
    row.map(({ color, text }, i) => {
      const width = widths[i] ?? 0
      const kept = cut(text, width)
      // the last column ends where its text does
      const space = i === row.length - 1 ? 0 : width - CliOutput.displayWidth(kept) + GAP
      return paint(screen, color, kept) + " ".repeat(space)
    }).join("").trimEnd()
  return [line(headings.map((text): Cell => ({ text, color: "bold" }))), ...shown.map(line)]
}

/** A column of values that is narrower than this is left to the terminal. */
const MIN_VALUE = 20

/**
 * Returns a list of names and values; one that is longer than the terminal is wide goes on below itself.
 *
 * @category conversions
 * @since 0.1.0
 */
export const pairs = (
  screen: Screen,
  values: ReadonlyArray<readonly [name: string, value: Cell]>
): ReadonlyArray<string> => {
  // a name may be that of another member too
  const named = values.map(([name, value]) => [PlainText.sentence(name), value] as const)
  const width = Math.max(0, ...named.map(([name]) => CliOutput.displayWidth(name)))
  return named.map(([name, { color, text }]) => {
    const shown = PlainText.sentence(text)
    if (screen.columns === undefined) return `${name}\t${shown}`
    const rest = screen.columns - width - GAP
    const parts = rest < MIN_VALUE ? [shown] : wrapped(shown, rest)
    const space = " ".repeat(width - CliOutput.displayWidth(name) + GAP)
    return `${paint(screen, "dim", name)}${space}${
      parts.map((part) => paint(screen, color, part)).join(`\n${" ".repeat(width + GAP)}`)
    }`
  })
}
