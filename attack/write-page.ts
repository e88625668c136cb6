/** Writes the table of `docs/security.md` from `results/before.json` and `results/now.json`. */
import { readFileSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { type Row, table } from "./Page.ts"

const read = (name: string): ReadonlyArray<Row> =>
  JSON.parse(readFileSync(Path.join(import.meta.dirname, "results", name), "utf8")).results

const page = Path.resolve(import.meta.dirname, "../docs/security.md")
const [head = "", , tail = ""] = readFileSync(page, "utf8").split(/<!-- table -->\n|<!-- end -->/)
writeFileSync(page, `${head}<!-- table -->\n\n${table(read("before.json"), read("now.json"))}\n\n<!-- end -->${tail}`)
