/** What a step of CI printed: how many tests, and what failed. */
import { stripVTControlCharacters } from "node:util"

const number = (line: string, word: string): number => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0)

const linesOf = (output: string, label: string): ReadonlyArray<string> =>
  [...stripVTControlCharacters(output).matchAll(new RegExp(`^ *${label}  (.*\\(\\d+\\))$`, "gm"))].map((match) =>
    match[1] ?? ""
  )

/**
 * The tests of every run in `output`, summed; `undefined` when there was no run, or one without a test.
 */
export const count = (output: string): { readonly passed: number; readonly failed: number } | undefined => {
  const tests = linesOf(output, "Tests")
  const sum = (word: string) => tests.reduce((total, line) => total + number(line, word), 0)
  const passed = sum("passed")
  const failed = sum("failed")
  return passed + failed === 0 ? undefined : { passed, failed }
}

/** Characters of a failed step that are repeated. */
const MAX_REPEATED = 6000

/** Lines that name what failed: as vitest sums it up, and as it goes, where it did not get that far. */
const NAMED = { summed: /^ *FAIL .*$/gm, going: /^ *(?:❯ .* \(.*failed\)|×) ?.*$/gm }

/** What vitest says of its failed tests, or else the end of `output`; and the names of those for which there is no room. */
export const failures = (output: string): string => {
  const text = stripVTControlCharacters(output).trimEnd()
  const told = [...text.matchAll(/^⎯+ Failed (?:Tests|Suites) \d+ ⎯+$[^]*?(?=^ *Test Files  )/gm)].map(([part]) => part)
    .join("\n")
  const names = (rest: string, named: RegExp) => (rest.match(named) ?? []).join("\n").slice(0, MAX_REPEATED)
  if (told === "") {
    const before = names(text.slice(0, -MAX_REPEATED), NAMED.going)
    return `${before}${before === "" ? "" : "\n\n"}${text.slice(-MAX_REPEATED)}`
  }
  if (told.length <= MAX_REPEATED) return told
  const end = told.lastIndexOf("\n", MAX_REPEATED)
  return `${told.slice(0, end)}\n\n${names(told.slice(end), NAMED.summed)}`
}
