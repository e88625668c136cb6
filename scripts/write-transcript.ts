/** Writes `docs/cli.md`; see `transcript/page.ts`. A test runs the same commands, and compares. */
import { writeFileSync } from "node:fs"
import * as Path from "node:path"
import { render } from "./transcript/page.ts"

writeFileSync(Path.resolve(import.meta.dirname, "../docs/cli.md"), await render())
