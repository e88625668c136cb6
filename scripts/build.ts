/**
 * Builds the package as it is published: `npm run build`, or with `--out FOLDER` to somewhere else.
 *
 * The declarations lie file by file. The code lies in one file for each entry and in few that entries share, with
 * source maps, because Node.js takes longer to find and open a module than to run it: as 183 files, importing the
 * package took 400 ms of processor time; as three it takes 290, where the Effect modules below it take 270.
 */
import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { build } from "rolldown"

const root = Path.resolve(import.meta.dirname, "..")
const { values } = parseArgs({ options: { out: { type: "string", default: Path.join(root, "dist") } } })
const out = Path.resolve(values.out)
const manifest = JSON.parse(readFileSync(Path.join(root, "package.json"), "utf8"))

/** What programs import, and what is a program. */
const sources = [
  ...Object.values<Readonly<Record<string, string>> | string>(manifest.exports).flatMap((entry) => {
    const source = typeof entry === "string" ? undefined : entry["effect-memberlist-source"]
    return source === undefined ? [] : [source]
  }),
  ...Object.values<string>(manifest.bin).map((file) => file.replace("./dist/", "./src/").replace(/\.js$/, ".ts"))
]

/** The name of each entry's file, without its ending, and where its source is. */
const entries = Object.fromEntries(
  sources.map((source) => [source.replace(/^\.\/src\/|\.ts$/g, ""), Path.join(root, source)])
)

/** Puts the text of a file in the place of the call that reads it, which must be written exactly so. */
const inlined = {
  name: "inlined",
  transform: (code: string, id: string) => {
    const [call, file] = /readFileSync\(new URL\("(\.\/[\w.-]+)", import\.meta\.url\), "utf8"\)/.exec(code) ?? []
    if (call === undefined || file === undefined) return undefined
    const text = JSON.stringify(readFileSync(Path.resolve(Path.dirname(id), file), "utf8"))
    // the text is one line, so that the map of the lines stays right
    return { code: code.replace(call, () => text), map: null }
  }
}

rmSync(out, { recursive: true, force: true })

const compiler = Path.join(root, "node_modules/typescript/bin/tsc")
execFileSync(process.execPath, [compiler, "-p", Path.join(root, "tsconfig.build.json"), "--outDir", out], {
  stdio: ["ignore", 2, 2]
})

await build({
  input: entries,
  platform: "node",
  // packages, and modules of Node.js
  external: /^(?:node:|@?effect\/)/,
  // what is dead is decided by who bundles a program
  treeshake: false,
  tsconfig: false,
  logLevel: "warn",
  plugins: [inlined],
  output: {
    dir: out,
    format: "esm",
    sourcemap: true,
    // the sources are published as well
    sourcemapExcludeSources: true,
    comments: { annotation: true, jsdoc: false, legal: true },
    chunkFileNames: "shared/[name]-[hash].js"
  }
})

// Characters beyond ASCII stand in texts alone, and V8 keeps a file with a single one in two bytes a character: of the file
// with the node, that was 370 kB of memory. The map of the lines stays right.
for (const file of readdirSync(out, { encoding: "utf8", recursive: true }).filter((file) => file.endsWith(".js"))) {
  const code = readFileSync(Path.join(out, file), "utf8")
  const escaped = code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  if (escaped !== code) writeFileSync(Path.join(out, file), escaped)
}
