/** Writes `docs/parity.md` and the pages of `docs/parity` from the data there; see `parity/page.ts`. */
import { writeFileSync } from "node:fs"
import * as Path from "node:path"
import { readAll, root } from "./parity/files.ts"
import { pages } from "./parity/page.ts"

for (const [file, text] of pages(readAll())) writeFileSync(Path.join(root, file), text)
