/**
 * Whether `docs/parity` keeps its word: no promise, every test it names exists, everything that the reference exports or
 * tests has an entry, and the pages say what the data says. `scripts/check-parity.ts` reads the files.
 */
import { codeIn, type Parity, type Row } from "./data.ts"

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

const ABSENT = /^none\b/

const at = (section: string, row: Row, what: string): string =>
  `docs/parity/${section}.json: ${row.memberlist}: ${what}`

/** What a check says about each entry. */
const each = (parity: Parity, check: (row: Row) => ReadonlyArray<string>): ReadonlyArray<string> =>
  [...parity].flatMap(([section, { rows }]) => rows.flatMap((row) => check(row).map((what) => at(section, row, what))))

const promise = /\bnot yet\b|\btodo\b|\btbd\b|\bfixme\b|\bcoming soon\b/i

/** An entry tells what is, not what will be. */
export const promises = (parity: Parity): ReadonlyArray<string> =>
  each(parity, ({ difference = "", memberlist, more = [], ours }) => {
    const found = promise.exec([memberlist, ours, difference, ...more].join("\n").replaceAll(/`[^`]*`/g, ""))?.[0]
    return found === undefined ? [] : [`says "${found}"; an entry tells what is`]
  })

/** A test as vitest collects it. */
export interface Collected {
  /** From the root of the repository. */
  readonly file: string
  /** The names of its groups and its own, with ` > ` between them. */
  readonly name: string
}

/** Every entry names a test, unless we have nothing there (`none`); every test it names exists, under its own name. */
export const tests = (parity: Parity, collected: ReadonlyArray<Collected>): ReadonlyArray<string> => {
  const files = new Map<string, Array<string>>()
  for (const { file, name } of collected) {
    const names = files.get(file)
    if (names === undefined) files.set(file, [name])
    else names.push(name)
  }
  return each(parity, ({ ours, shown = [] }) => {
    if (shown.length === 0) return ABSENT.test(ours) ? [] : [`names no test; "shown" is [["test/…", "name"]]`]
    return shown.flatMap(([file, name]) => {
      const names = files.get(file)
      if (names === undefined) return [`there is no test file ${file}`]
      return names.some((other) => other === name || other.endsWith(` > ${name}`))
        ? []
        : [`${file} has no test "${name}"`]
    })
  })
}

/** What the reference exports, counts and tests: each as an entry names it. */
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

/** Every name of the reference stands in an entry, and no other name that looks like one. */
export const coverage = (parity: Parity, upstream: Upstream): ReadonlyArray<string> => {
  const names = new Set(namesOf(upstream))
  const told = new Set([...parity.values()].flatMap(({ rows }) => rows.flatMap(({ memberlist }) => codeIn(memberlist))))
  return [
    ...[...names].filter((name) => !told.has(name)).map((name) => `docs/parity: no entry for ${name}`),
    ...each(parity, ({ memberlist }) =>
      codeIn(memberlist)
        .filter((name) => looksExported.test(name) && !names.has(name))
        .map((name) => `the reference has no ${name}`))
  ]
}

/** The pages are those that the data makes. `read` returns the text of a file, if it is there. */
export const pages = (
  expected: ReadonlyMap<string, string>,
  read: (file: string) => string | undefined
): ReadonlyArray<string> =>
  [...expected].filter(([file, text]) => read(file) !== text)
    .map(([file]) => `${file} is not what its data says: npm run write-parity`)
