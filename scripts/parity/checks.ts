/**
 * Whether `docs/parity.md` keeps its word: no empty cell, no promise, every test it names exists, and everything that the
 * reference exports or tests has a row. `scripts/check-parity.ts` reads the files.
 */
import * as Document from "./document.ts"

/** The reference, as `docs/parity/upstream.json` lists it. */
export interface Upstream {
  readonly functions: ReadonlyArray<string>
  readonly types: ReadonlyArray<string>
  readonly methods: ReadonlyArray<string>
  readonly interfaceMethods: ReadonlyArray<string>
  readonly fields: ReadonlyArray<string>
  readonly constants: ReadonlyArray<string>
  readonly metrics: ReadonlyArray<string>
  /** `file_test.go TestName`. */
  readonly tests: ReadonlyArray<string>
}

const COLUMNS = 4
const ABSENT = /^none\b/

const at = (row: Document.Row, what: string): string => `docs/parity.md:${row.line}: ${what}`

/** Four columns, none of them empty. */
export const cells = (rows: ReadonlyArray<Document.Row>): ReadonlyArray<string> =>
  rows.flatMap((row) => {
    if (row.cells.length !== COLUMNS) return [at(row, `${row.cells.length} cells; expected ${COLUMNS}`)]
    return row.cells.flatMap((cell, i) => cell === "" ? [at(row, `cell ${i + 1} is empty`)] : [])
  })

const promise = /\bnot yet\b|\btodo\b|\btbd\b|\bfixme\b|\bcoming soon\b/i

/** The table tells what is, not what will be. */
export const promises = (text: string): ReadonlyArray<string> =>
  text.split("\n").flatMap((line, i) => {
    const found = promise.exec(line.replaceAll(/`[^`]*`/g, ""))?.[0]
    return found === undefined ? [] : [`docs/parity.md:${i + 1}: says "${found}"; a row tells what is`]
  })

/** A test as vitest collects it. */
export interface Collected {
  /** From the root of the repository. */
  readonly file: string
  /** The names of its groups and its own, with ` > ` between them. */
  readonly name: string
}

/** Every row names a test, unless we have nothing there (`none`); every test it names exists, under its own name. */
export const tests = (
  rows: ReadonlyArray<Document.Row>,
  collected: ReadonlyArray<Collected>
): ReadonlyArray<string> => {
  const files = new Map<string, Array<string>>()
  for (const { file, name } of collected) {
    const names = files.get(file)
    if (names === undefined) files.set(file, [name])
    else names.push(name)
  }
  return rows.flatMap((row) => {
    const [, ours = "", shown = ""] = row.cells
    const references = Document.testsIn(shown)
    if (references.length === 0) return ABSENT.test(ours) ? [] : [at(row, "names no test: `test/…` › `name`")]
    return references.flatMap(({ file, name }) => {
      const names = files.get(file)
      if (names === undefined) return [at(row, `there is no test file ${file}`)]
      return names.some((other) => other === name || other.endsWith(` > ${name}`))
        ? []
        : [at(row, `${file} has no test "${name}"`)]
    })
  })
}

/** What the reference exports, counts and tests: each as the first column names it. */
const namesOf = (upstream: Upstream): ReadonlyArray<string> => [
  ...upstream.functions,
  ...upstream.types,
  ...upstream.methods,
  ...upstream.interfaceMethods,
  ...upstream.fields,
  ...upstream.constants,
  ...upstream.metrics,
  ...upstream.tests.map((test) => test.slice(test.lastIndexOf(" ") + 1))
]

const looksExported = /^(?:[A-Z]\w*(?:\.[A-Z]\w*)*|memberlist(?:\.\w+)+)$/

/** Every name of the reference stands in a first column, and no other name that looks like one. */
export const coverage = (rows: ReadonlyArray<Document.Row>, upstream: Upstream): ReadonlyArray<string> => {
  const names = new Set(namesOf(upstream))
  const told = new Set(rows.flatMap(({ cells: [first = ""] }) => Document.codeIn(first)))
  return [
    ...[...names].filter((name) => !told.has(name)).map((name) => `docs/parity.md: no row for ${name}`),
    ...rows.flatMap((row) =>
      Document.codeIn(row.cells[0] ?? "")
        .filter((name) => looksExported.test(name) && !names.has(name))
        .map((name) => at(row, `the reference has no ${name}`))
    )
  ]
}

/** The rows of a section whose first cells are numbered count from 1 to `last`. */
export const numbering = (
  rows: ReadonlyArray<Document.Row>,
  section: string,
  last: number
): ReadonlyArray<string> => {
  const numbers = rows.filter((row) => row.section === section).map(({ cells: [first = ""] }) =>
    Number.parseInt(first, 10)
  )
  const expected = Array.from({ length: last }, (_, i) => i + 1)
  return expected.filter((number) => numbers.filter((found) => found === number).length !== 1)
    .map((number) => `docs/parity.md: ${section} needs exactly one row ${number}`)
}
