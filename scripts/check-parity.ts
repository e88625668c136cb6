/**
 * Checks `docs/parity.md` against the tests that vitest collects and against the list of what the reference has; prints
 * every complaint and fails if there is one. See `parity/checks.ts`.
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import * as Path from "node:path"
import * as Checks from "./parity/checks.ts"
import * as Document from "./parity/document.ts"

const root = Path.resolve(import.meta.dirname, "..")
const read = (file: string) => readFileSync(Path.join(root, file), "utf8")

/** What vitest finds when it loads every test file, without running a test. */
const collected = (): ReadonlyArray<Checks.Collected> => {
  const vitest = Path.join(root, "node_modules/vitest/vitest.mjs")
  const listed: ReadonlyArray<Checks.Collected> = JSON.parse(
    execFileSync(process.execPath, [vitest, "list", "--json", "--no-staticParse", "--no-isolate"], {
      cwd: root,
      encoding: "utf8",
      maxBuffer: 64 * 1024 * 1024
    })
  )
  return listed.map(({ file, name }) => ({ name, file: Path.relative(root, file).replaceAll(Path.sep, "/") }))
}

const text = read("docs/parity.md")
const upstream: Checks.Upstream = JSON.parse(read("docs/parity/upstream.json"))
const tests = collected()
const rows = Document.rows(text)

const complaints = [
  ...Checks.cells(rows),
  ...Checks.promises(text),
  ...Checks.tests(rows, tests),
  ...Checks.coverage(rows, upstream),
  ...Checks.numbering(rows, "Sharp edges", 31)
]

for (const complaint of complaints) console.error(complaint)
console.error(`docs/parity.md: ${rows.length} rows, ${tests.length} tests, ${complaints.length} complaints`)
process.exitCode = complaints.length === 0 ? 0 : 1
