/** Writes the table of `docs/security.md` from `results/before.json` and `results/now.json`. */
import { readFileSync } from "node:fs"
import * as Path from "node:path"
import { writePart } from "../simulate/drawing/Page.ts"
import { type Row, table } from "./Page.ts"

const read = (name: string): ReadonlyArray<Row> =>
  JSON.parse(readFileSync(Path.join(import.meta.dirname, "results", name), "utf8")).results

const page = Path.resolve(import.meta.dirname, "../docs/security.md")
writePart(page, "<!-- table -->", "<!-- end -->", table(read("before.json"), read("now.json")))
