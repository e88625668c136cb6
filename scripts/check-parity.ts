/**
 * Checks `docs/parity` against the tests that vitest collects, against the list of what the reference has, and its pages
 * against its data; prints every complaint and fails if there is one. See `parity/checks.ts`.
 */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import * as Path from "node:path"
import * as Checks from "./parity/checks.ts"
import { read, readAll, root } from "./parity/files.ts"
import { pages } from "./parity/page.ts"

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

const parity = readAll()
const upstream: Checks.Upstream = JSON.parse(read("docs/parity/upstream.json"))
const tests = collected()

const complaints = [
  ...Checks.promises(parity),
  ...Checks.tests(parity, tests),
  ...Checks.coverage(parity, upstream),
  ...Checks.pages(pages(parity), (file) => existsSync(Path.join(root, file)) ? read(file) : undefined)
]

for (const complaint of complaints) console.error(complaint)
const rows = [...parity.values()].flatMap(({ rows }) => rows)
console.error(`docs/parity: ${rows.length} entries, ${tests.length} tests, ${complaints.length} complaints`)
process.exitCode = complaints.length === 0 ? 0 : 1
