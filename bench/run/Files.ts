/** Results in files. */
import { existsSync, readFileSync } from "node:fs"
import type { Results } from "../page/Results.ts"

const isResults = (value: unknown): value is Results =>
  typeof value === "object" && value !== null && "runs" in value && Array.isArray(value.runs)

/** Reads results; throws where a file has something else, so that nothing is lost that was not written by a run. */
export const read = (file: string): Results => {
  const value: unknown = JSON.parse(readFileSync(file, "utf8"))
  if (!isResults(value)) throw new Error(`${file} has no runs of this benchmark: choose another file, or remove it`)
  return value
}

/** Reads the results that a run adds to; none where there is no file. */
export const readIfThere = (file: string): Results => existsSync(file) ? read(file) : { runs: [] }
