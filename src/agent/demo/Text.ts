/**
 * Text for a terminal: pieces with a style, measured in the terminal's columns.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as CliOutput from "effect/cli/CliOutput"
import * as PlainText from "../../base/PlainText.ts"

export type Style = "plain" | "bold" | "dim" | "good" | "warning" | "bad" | "accent"

export interface Span {
  readonly text: string
  readonly style: Style
}

export type Row = ReadonlyArray<Span>

export const span = (text: string, style: Style = "plain"): Span => ({ text, style })

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" })

const ascii = /^[ -~]*$/

/** How many columns a text takes in a terminal. */
export const width = CliOutput.displayWidth

export const rowWidth = (row: Row): number => row.reduce((sum, { text }) => sum + width(text), 0)

const ELLIPSIS = "…"

const charactersOf = (text: string): ReadonlyArray<string> =>
  Array.from(graphemes.segment(text), ({ segment }) => segment)

/** The most characters from the beginning that take at most so many columns. */
const beginning = (characters: ReadonlyArray<string>, columns: number): ReadonlyArray<string> => {
  let taken = 0
  const end = characters.findIndex((character) => (taken += width(character)) > columns)
  return characters.slice(0, end < 0 ? undefined : end)
}

/**
 * A name as it can be shown, in at most so many columns: cut in the middle, because names often differ in their
 * ends.
 */
export const name = (text: string, columns: number): string => {
  const shown = PlainText.name(text)
  if (width(shown) <= columns) return shown
  const characters = charactersOf(shown)
  const end = beginning(characters.toReversed(), Math.floor((columns - 1) / 2)).toReversed().join("")
  return `${beginning(characters, columns - 1 - width(end)).join("")}${ELLIPSIS}${end}`
}

/** A text with spaces on its right (or left) until it takes so many columns. */
export const padded = (text: string, columns: number, side: "left" | "right" = "right"): string => {
  const space = " ".repeat(Math.max(0, columns - width(text)))
  return side === "right" ? text + space : space + text
}

/** A row in at most so many columns. */
export const clipped = (row: Row, columns: number): Row => {
  if (rowWidth(row) <= columns) return row
  const kept: Array<Span> = []
  let left = Math.max(0, columns - 1)
  for (const { style, text } of row) {
    const part = width(text) <= left ? text : beginning(charactersOf(text), left).join("")
    kept.push({ text: part, style })
    left -= width(part)
    if (part !== text) break
  }
  return columns < 1 ? [] : [...kept, span(ELLIPSIS, "dim")]
}

/** Two rows in one: the second one ends at the right edge, if there is room for it. */
export const justified = (left: Row, right: Row, columns: number): Row => {
  const space = columns - rowWidth(left) - rowWidth(right)
  return space < 2 ? left : [...left, span(" ".repeat(space)), ...right]
}

const codes: Readonly<Record<Style, string>> = {
  plain: "",
  bold: "1",
  dim: "2",
  good: "32",
  warning: "33",
  bad: "31",
  accent: "36"
}

/** What a terminal can show. */
export interface Terminal {
  readonly colours: boolean
  /** Else symbols are written in ASCII. */
  readonly unicode: boolean
}

/** Every symbol that the demo draws, and what stands for it in ASCII. */
const replacements: Readonly<Record<string, string>> = {
  "●": "*",
  "○": "o",
  "✕": "x",
  "·": ".",
  "✓": "+",
  "▸": ">",
  "━": "=",
  "─": "-",
  "…": "~"
}
const symbols = new RegExp(`[${Object.keys(replacements).join("")}]`, "gu")

const piece = ({ style, text }: Span, { colours, unicode }: Terminal): string => {
  const shown = unicode ? text : text.replace(symbols, (symbol) => replacements[symbol] ?? "?")
  return colours && style !== "plain" ? `\u001b[${codes[style]}m${shown}\u001b[0m` : shown
}

/** The row as a line of a log. */
export const printed = (row: Row, terminal: Terminal): string =>
  row.map((span) => piece(span, terminal)).join("").trimEnd()

/**
 * The row as a line of a picture. Every piece after a character that is not ASCII is put where it belongs: terminals
 * differ in how wide they draw such characters, and the columns of a table must not.
 */
export const placed = (row: Row, terminal: Terminal): string => {
  let column = 1
  let sure = true
  return row.map((span) => {
    const jump = sure ? "" : `\u001b[${column}G`
    column += width(span.text)
    sure = ascii.test(span.text)
    return jump + piece(span, terminal)
  }).join("")
}
