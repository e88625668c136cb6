/** Prints what failed in a step of CI, from what the step printed. */
import { readFileSync } from "node:fs"
import { failures } from "./repository/report.ts"

console.log(failures(readFileSync(process.argv[2] ?? "", "utf8")))
