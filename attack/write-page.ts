/** Writes the table of `docs/security.md` from `docs/security/before.json` and `docs/security/now.json`. */
import { readFileSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { type Row, table } from "./Page.ts"

const docs = Path.resolve(import.meta.dirname, "../docs")
const read = (name: string): ReadonlyArray<Row> =>
  JSON.parse(readFileSync(Path.join(docs, "security", name), "utf8")).results

const page = Path.join(docs, "security.md")
const [head = "", , tail = ""] = readFileSync(page, "utf8").split(/<!-- table -->\n|<!-- end -->/)
writeFileSync(page, `${head}<!-- table -->\n\n${table(read("before.json"), read("now.json"))}\n\n<!-- end -->${tail}`)
