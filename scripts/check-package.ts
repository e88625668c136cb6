/**
 * Packs the library as npm would publish it, installs it into an empty project, type checks a program there and runs it.
 *
 * What is proved: `exports` and `files` are right, the published types need nothing that only this repository has, and
 * no consumer ends up in `src`.
 */
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"

const root = Path.resolve(import.meta.dirname, "..")
const manifest = JSON.parse(readFileSync(Path.join(root, "package.json"), "utf8"))
const folder = mkdtempSync(Path.join(tmpdir(), "consumer-"))
const consumer = Path.join(folder, "app")

/** A consumer's environment: without what `npm run` put into ours. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|INIT_CWD$)/i.test(name))
)

const output = (cwd: string, command: string, ...args: ReadonlyArray<string>) =>
  execFileSync(command, args, { cwd, encoding: "utf8", env: environment, stdio: ["ignore", "pipe", "inherit"] })

const run = (cwd: string, command: string, ...args: ReadonlyArray<string>) => {
  execFileSync(command, args, { cwd, env: environment, stdio: ["ignore", "inherit", "inherit"] })
}

const program = `
import * as library from "effect-memberlist"
import * as testing from "effect-memberlist/testing"

const resolved = [import.meta.resolve("effect-memberlist"), import.meta.resolve("effect-memberlist/testing")]
for (const url of resolved) if (!url.includes("/dist/")) throw new Error("a consumer got " + url)
for (const [name, front] of Object.entries({ library, testing })) {
  const names = Object.keys(front)
  if (names.length === 0) throw new Error("nothing is exported from " + name)
  console.log(name + ": " + names.join(", "))
}
`

const options = {
  compilerOptions: {
    target: "ES2023",
    // Effect's own declarations name types of the DOM (CryptoKey).
    lib: ["ES2023", "DOM"],
    module: "NodeNext",
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noEmit: true,
    // Our declarations must be sound, so they are checked, and with them those they stand on.
    skipLibCheck: false
  },
  include: ["main.ts"]
}

try {
  const [packed] = JSON.parse(output(root, "npm", "pack", "--json", "--pack-destination", folder))
  console.log(`packed ${packed.filename}: ${packed.entryCount} files, ${packed.size} bytes`)

  mkdirSync(consumer)
  writeFileSync(Path.join(consumer, "package.json"), JSON.stringify({ name: "app", private: true, type: "module" }))
  writeFileSync(Path.join(consumer, "main.ts"), program)
  writeFileSync(Path.join(consumer, "tsconfig.json"), JSON.stringify(options))
  const { "@effect/platform-node": platform, effect, typescript, "@types/node": types } = manifest.devDependencies
  run(
    consumer,
    "npm",
    "install",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    Path.join(folder, packed.filename),
    `effect@${effect}`,
    `@effect/platform-node@${platform}`,
    `typescript@${typescript}`,
    `@types/node@${types}`
  )
  run(consumer, process.execPath, Path.join(consumer, "node_modules/typescript/bin/tsc"), "-p", consumer)
  run(consumer, process.execPath, "main.ts")
} finally {
  rmSync(folder, { recursive: true, force: true })
}
