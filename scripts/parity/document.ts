/**
 * Reads the tables of `docs/parity.md`.
 */

/** A line of a table, below its head. */
export interface Row {
  /** The heading above the table. */
  readonly section: string
  /** Counted from 1. */
  readonly line: number
  /** The cells' texts, without the space around them. */
  readonly cells: ReadonlyArray<string>
}

/** A test that a cell names. */
export interface TestReference {
  readonly file: string
  readonly name: string
}

/** Cells end at bars that are not escaped. */
const cellsOf = (line: string): ReadonlyArray<string> =>
  line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "").split(/(?<!\\)\|/).map((cell) => cell.trim())

const isRule = (line: string | undefined): boolean => line !== undefined && /^\|[\s:|-]+\|$/.test(line.trim())

/** Every row of every table, in order; heads and rules are left out. */
export const rows = (text: string): ReadonlyArray<Row> => {
  const lines = text.split("\n")
  let section = ""
  return lines.flatMap((line, i): ReadonlyArray<Row> => {
    const heading = /^#+ (.*)$/.exec(line)?.[1]
    if (heading !== undefined) section = heading
    if (!line.startsWith("|") || isRule(line) || isRule(lines[i + 1])) return []
    return [{ section, line: i + 1, cells: cellsOf(line) }]
  })
}

/** What a cell says in code font. */
export const codeIn = (cell: string): ReadonlyArray<string> =>
  [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "")

/** The tests a cell names: each is `file` › `name`, several with `<br>` between them. */
export const testsIn = (cell: string): ReadonlyArray<TestReference> =>
  [...cell.matchAll(/`([^`]+)` › `([^`]+)`/g)].map((match) => ({
    file: match[1] ?? "",
    name: (match[2] ?? "").replaceAll("\\|", "|")
  }))
