/** Writes `docs/configuration.md`; see `configuration/page.ts`. A test checks that it is up to date. */
import { readFileSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { render } from "./configuration/page.ts"

const root = Path.resolve(import.meta.dirname, "..")
const read = (file: string) => readFileSync(Path.join(root, file), "utf8")

const page = render(read("src/config/Settings.ts"))
writeFileSync(Path.join(root, "docs/configuration.md"), page)
