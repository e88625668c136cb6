/**
 * Prints how many tests passed and failed, as `passed failed`, from the output of one or more runs of vitest; fails when
 * there was no run.
 */
import { readFileSync } from "node:fs"
import { count } from "./repository/report.ts"

const counts = count(readFileSync(process.argv[2] ?? "", "utf8"))
if (counts === undefined) process.exitCode = 1
else console.log(`${counts.passed} ${counts.failed}`)
