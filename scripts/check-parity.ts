/**
 * Checks `docs/parity.md` against the tests and against the list of what the reference has; prints every complaint and
 * fails if there is one. See `parity/checks.ts`.
 */
import { existsSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import * as Checks from "./parity/checks.ts"
import * as Document from "./parity/document.ts"

const root = Path.resolve(import.meta.dirname, "..")
const read = (file: string) => readFileSync(Path.join(root, file), "utf8")

const texts = new Map<string, string | undefined>()
const readIfThere = (file: string): string | undefined => {
  if (!texts.has(file)) texts.set(file, existsSync(Path.join(root, file)) ? read(file) : undefined)
  return texts.get(file)
}

const text = read("docs/parity.md")
const upstream: Checks.Upstream = JSON.parse(read("docs/parity/upstream.json"))
const rows = Document.rows(text)

const complaints = [
  ...Checks.cells(rows),
  ...Checks.promises(text),
  ...Checks.tests(rows, readIfThere),
  ...Checks.coverage(rows, upstream),
  ...Checks.numbering(rows, "Sharp edges", 29)
]

for (const complaint of complaints) console.error(complaint)
console.error(`docs/parity.md: ${rows.length} rows, ${texts.size} test files, ${complaints.length} complaints`)
process.exitCode = complaints.length === 0 ? 0 : 1
