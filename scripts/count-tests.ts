/**
 * Prints how many tests passed and failed, as `passed failed`, from a report of vitest's JSON reporter.
 *
 * A test file that could not be loaded has no tests to fail, and counts as one failure.
 */
import { readFileSync } from "node:fs"
import { count } from "./repository/report.ts"

const { failed, passed } = count(readFileSync(process.argv[2] ?? "", "utf8"))
console.log(`${passed} ${failed}`)
