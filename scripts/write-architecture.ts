/** Writes the pictures and lists of `docs/architecture`; see `architecture/all.ts`. A test checks that they are up to date. */
import { mkdirSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { generate } from "./architecture/all.ts"

const root = Path.resolve(import.meta.dirname, "..")
mkdirSync(Path.join(root, "docs/architecture"), { recursive: true })
for (const [file, text] of await generate(root)) writeFileSync(Path.join(root, file), text)
