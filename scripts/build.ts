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
import { ascii, inlined } from "./package/bundle.ts"

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

for (const file of readdirSync(out, { encoding: "utf8", recursive: true }).filter((file) => file.endsWith(".js"))) {
  const code = readFileSync(Path.join(out, file), "utf8")
  const escaped = ascii(code)
  if (escaped !== code) writeFileSync(Path.join(out, file), escaped)
}
