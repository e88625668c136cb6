/**
 * Packs the library as npm would publish it, installs it into an empty project, type checks three programs there, runs
 * them, and runs one of them as a bundle.
 *
 * What is proved: `exports` and `files` are right, the published types need nothing that only this repository has, no
 * consumer ends up in `src`, links of the packed documents lead somewhere, publint and "are the types wrong" have nothing against the
 * package, one file in the form of an ES module is all that a program needs, an editor shows what a setting means, docs/quick-start.md goes as it is told, and importing the package costs no
 * more than `package/cost.ts` allows.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import * as Cost from "./package/cost.ts"
import { hovers } from "./package/editor.ts"
import * as Guide from "./package/guide.ts"
import * as Checks from "./repository/checks.ts"

const root = Path.resolve(import.meta.dirname, "..")
const manifest = JSON.parse(readFileSync(Path.join(root, "package.json"), "utf8"))
const folder = mkdtempSync(Path.join(tmpdir(), "consumer-"))
const consumer = Path.join(folder, "app")

/** A consumer's environment: without what `npm run` put into ours. */
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|INIT_CWD$)/i.test(name))
)

/** A reader's, with this Node.js, and with npm's cache where that has what is needed. */
const readersEnvironment = {
  ...environment,
  NO_COLOR: "1",
  npm_config_prefer_offline: "true",
  PATH: [Path.dirname(process.execPath), environment["PATH"]].join(Path.delimiter)
}

const output = (cwd: string, command: string, ...args: ReadonlyArray<string>) =>
  execFileSync(command, args, { cwd, encoding: "utf8", env: environment, stdio: ["ignore", "pipe", "inherit"] })

const run = (cwd: string, command: string, ...args: ReadonlyArray<string>) => {
  execFileSync(command, args, { cwd, env: environment, stdio: ["ignore", "inherit", "inherit"] })
}

/** What judges packages, installed by npx: each of them brings more packages than this repository has. */
const judges: ReadonlyArray<readonly [name: string, ...command: ReadonlyArray<string>]> = [
  ["publint@0.3.25", "publint", "run", "--strict"],
  // it is an ES module, and nothing else: Node.js loads those by `require`, too
  ["@arethetypeswrong/cli@0.18.5", "attw", "--profile", "esm-only", "--format", "ascii"]
]

/** What a consumer imports: every entry of the package that is a module. */
const entries: ReadonlyArray<string> = Object.keys(manifest.exports)
  .filter((entry) => entry !== "./package.json")
  .map((entry) => `${manifest.name}${entry.slice(1)}`)

const program = `
${entries.map((entry, i) => `import * as entry${i} from "${entry}"`).join("\n")}

const entries = { ${entries.map((entry, i) => `"${entry}": entry${i}`).join(", ")} }
for (const [name, front] of Object.entries(entries)) {
  const url = import.meta.resolve(name)
  if (!url.includes("/dist/")) throw new Error("a consumer got " + url)
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
  include: ["main.ts", "cluster.ts", "routing.ts"]
}

const complain = (complaints: ReadonlyArray<string>) => {
  for (const complaint of complaints) console.error(complaint)
  if (complaints.length > 0) process.exitCode = 1
}

try {
  const [packed] = JSON.parse(output(root, "npm", "pack", "--json", "--pack-destination", folder))
  console.log(`packed ${packed.filename}: ${packed.entryCount} files, ${packed.size} bytes`)
  const files: ReadonlyArray<{ readonly path: string }> = packed.files
  const paths = files.map(({ path }) => path)
  const pages = paths.filter((path) => path.endsWith(".md"))
  complain(pages.flatMap((page) => Checks.links(page, readFileSync(Path.join(root, page), "utf8"), paths)))
  complain(
    files.filter(({ path }) =>
      /^dist\/.*\.js$/.test(path) && /[^\0-\x7f]/.test(readFileSync(Path.join(root, path), "utf8"))
    )
      .map(({ path }) => `${path}: has a character beyond ASCII, which doubles its memory`)
  )
  complain(
    files.filter(({ path }) => /^docs\/.*(?<!\.md|\.svg|\.png)$/.test(path))
      .map(({ path }) => `${path}: raw data; the package has documents and their pictures alone`)
  )

  for (const [name, ...command] of judges) {
    const { error, status, stderr, stdout } = spawnSync(
      "npx",
      ["--yes", `--package=${name}`, "--", ...command, Path.join(folder, packed.filename)],
      { cwd: folder, encoding: "utf8", env: readersEnvironment }
    )
    if (status === 0) console.log(`${name} has nothing against it`)
    else complain([`${name}: ${error ?? `${stdout}${stderr}`}`])
  }

  mkdirSync(consumer)
  writeFileSync(Path.join(consumer, "package.json"), JSON.stringify({ name: "app", private: true, type: "module" }))
  writeFileSync(Path.join(consumer, "main.ts"), program)
  copyFileSync(Path.join(root, "scripts/package/cluster.ts"), Path.join(consumer, "cluster.ts"))
  copyFileSync(Path.join(root, "examples/routing.ts"), Path.join(consumer, "routing.ts"))
  writeFileSync(Path.join(consumer, "tsconfig.json"), JSON.stringify(options))
  const { "@effect/platform-node": platform, effect, esbuild, typescript, "@types/node": types } =
    manifest.devDependencies
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
    `esbuild@${esbuild}`,
    `typescript@${typescript}`,
    `@types/node@${types}`
  )
  run(consumer, process.execPath, Path.join(consumer, "node_modules/typescript/bin/tsc"), "-p", consumer)
  run(consumer, process.execPath, "main.ts")
  run(consumer, process.execPath, "cluster.ts")
  run(consumer, process.execPath, "routing.ts")

  for (const module of ["MemberlistConfig", "NodeMemberlist"]) {
    const [shown] = await hovers(
      consumer,
      "hover.ts",
      `import { ${module} } from "effect-memberlist"\n${module}.layer({ ▸probeInterval: 1 })`
    )
    const isShown = /How often one member is probed/.test(shown ?? "")
    complain(isShown ? [] : [`an editor shows no documentation of a setting of ${module}.layer`])
  }

  // what its first step makes is there already, and two clusters may be on this machine
  const guide = readFileSync(Path.join(root, "docs/quick-start.md"), "utf8").replaceAll("7946", "27946").replaceAll(
    "7947",
    "27947"
  )
  const [made, ...rest] = Guide.steps(guide)
  complain(
    made?._tag === "Run" && made.commands.includes("npm pack") ? [] : ["the quick start does not begin with npm pack"]
  )
  await Guide.follow(rest, { clone: root, folder, patience: 60_000, env: readersEnvironment })
  console.log("followed docs/quick-start.md")

  // where nothing is installed, so that the bundle has only itself
  const bundle = Path.join(folder, "bundle.mjs")
  const esbuildBin = Path.join(consumer, "node_modules/esbuild/bin/esbuild")
  run(
    consumer,
    process.execPath,
    esbuildBin,
    "cluster.ts",
    "--bundle",
    "--platform=node",
    "--format=esm",
    "--log-level=warning",
    `--outfile=${bundle}`
  )
  run(folder, process.execPath, bundle)

  const cost = Cost.measure(consumer, environment)
  console.log(Cost.report(cost))
  complain(Cost.complaints(cost))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
