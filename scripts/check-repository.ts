/**
 * Checks what the linter does not see; prints every complaint and fails if there is one. See `repository/checks.ts`.
 */
import { execFileSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import * as Checks from "./repository/checks.ts"
import * as Layout from "./repository/layout.ts"
import * as Words from "./repository/words.ts"

const root = Path.resolve(import.meta.dirname, "..")
const read = (file: string) => readFileSync(Path.join(root, file), "utf8")

/** Every file that is in the repository, or would be if it were added. */
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
  maxBuffer: 64 * 1024 * 1024
}).split("\n").filter((file) => file !== "" && existsSync(Path.join(root, file)))

const isText = /\.(ts|js|json|md|go|mod|sh|yml|yaml|txt|html|css)$|^[^.]*$|^\.\w+$|^\.ci\/run$/
const manifest = read("package.json")
const known = new Set(files)

const complaints = [
  ...Checks.lockFile(read("package-lock.json"), manifest),
  ...(known.has("README.md") ? Checks.readme(read("README.md")) : ["README.md is missing"]),
  ...(known.has("docs/README.md") ? Checks.index(read("docs/README.md"), files) : ["docs/README.md is missing"]),
  ...Layout.folders(files),
  ...Layout.names(files),
  ...files.filter((file) => isText.test(file)).flatMap((file) => {
    const text = read(file)
    return [
      ...Checks.machinePaths(file, text, root),
      ...(file.endsWith(".md")
        ? [...Checks.commands(file, text, manifest, known), ...Checks.links(file, text, known)]
        : []),
      ...(/\.(ts|md)$/.test(file) && file !== "scripts/repository/words.ts" ? Words.plain(file, text) : []),
      ...(file.startsWith("src/") ? [...Checks.suppressions(file, text), ...Words.width(file, text)] : [])
    ]
  })
]

for (const complaint of complaints) console.error(complaint)
console.error(`${files.length} files checked, ${complaints.length} complaints`)
process.exitCode = complaints.length === 0 ? 0 : 1
