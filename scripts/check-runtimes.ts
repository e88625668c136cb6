/**
 * Tries the package on every runtime that it is said to run on: packs it once, and with each runtime imports all that it
 * exports, follows docs/quick-start.md, and runs agents. Installs runtimes and packages into a temporary folder.
 *
 * `npm run check-runtimes`, or with words in runtimes' names: `npm run check-runtimes -- bun 26`.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import * as Agents from "./package/agents.ts"
import * as Guide from "./package/guide.ts"
import * as Runtimes from "./package/runtimes.ts"
import { freePorts } from "./ports.ts"

const root = Path.resolve(import.meta.dirname, "..")
const manifest = JSON.parse(readFileSync(Path.join(root, "package.json"), "utf8"))
const page = readFileSync(Path.join(root, "docs/quick-start.md"), "utf8")
const folder = mkdtempSync(Path.join(tmpdir(), "runtimes-"))

/** Without what `npm run` put into ours, and with npm's cache where that has what is needed. */
const environment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|INIT_CWD$|MEMBERLIST_)/i.test(name))
  ),
  NO_COLOR: "1",
  npm_config_prefer_offline: "true"
}

const entries: ReadonlyArray<string> = Object.keys(manifest.exports)
  .filter((entry) => entry !== "./package.json")
  .map((entry) => `${manifest.name}${entry.slice(1)}`)

/** Imports what the package exports, and tells with which runtime. */
const program = `
let failures = 0
for (const entry of ${JSON.stringify(entries)}) {
  try {
    if (Object.keys(await import(entry)).length === 0) throw new Error("nothing is exported")
  } catch (error) {
    failures++
    console.error(entry + ": " + error)
  }
}
const { Bun, Deno } = globalThis
console.log(Bun?.version ?? Deno?.version.deno ?? process.versions.node)
process.exitCode = failures
`

type Result = readonly [said: string, complaints: ReadonlyArray<string>]

interface Row {
  readonly runtime: string
  readonly imports: Result
  readonly quickStart: Result
  readonly agent: Result
  readonly leave: Result
}

const verdict = (complaints: ReadonlyArray<string>): Result => [complaints.length === 0 ? "ok" : "FAILED", complaints]

const imports = (runtime: Runtimes.Runtime, cwd: string, env: NodeJS.ProcessEnv): Result => {
  writeFileSync(Path.join(cwd, "imports.mjs"), program)
  const [command = "", ...args] = [...runtime.run.split(" "), "imports.mjs"]
  const { error, status, stderr, stdout } = spawnSync(command, args, { cwd, env, encoding: "utf8", timeout: 60_000 })
  const version = stdout?.trim()
  return verdict([
    ...(status === 0 ? [] : [`${error ?? stderr}`]),
    ...(version === runtime.version ? [] : [`it ran with version "${version}"`])
  ])
}

const attempt = async (runtime: Runtimes.Runtime, tarball: string): Promise<Row> => {
  const own = Path.join(folder, `${runtime.run.split(" ")[0]}-${runtime.version}`)
  const binary = Runtimes.install(runtime, Path.join(own, "runtime"), environment)
  const env = {
    ...environment,
    // Node.js of this process is for npm, where the runtime is another one
    PATH: [Path.dirname(binary), Path.dirname(process.execPath), process.env["PATH"]].join(Path.delimiter)
  }
  const clone = Path.join(own, "work")
  mkdirSync(clone)
  copyFileSync(tarball, Path.join(clone, Path.basename(tarball)))
  const [a = 0, b = 0] = await freePorts(2)
  // its first step, which makes the package, is done
  const [, ...steps] = Guide.steps(
    Runtimes.quickStart(page, runtime).replaceAll("7946", `${a}`).replaceAll("7947", `${b}`)
  )
  const followed = await Guide.follow(steps, { clone: root, folder: clone, patience: 60_000, env })
    .then(() => [], (error: unknown) => [String(error)])
  const cwd = Path.join(clone, "hello-cluster")
  const agents = await Agents.attempt(runtime.agent, { cwd, env })
  return {
    runtime: `${runtime.name} ${runtime.version}`,
    imports: imports(runtime, cwd, env),
    quickStart: verdict(followed),
    agent: verdict(agents.complaints),
    leave: [`exit code ${agents.exitCode}`, []]
  }
}

try {
  const wanted = process.argv.slice(2)
  const chosen = Runtimes.all.filter(({ name, version }) =>
    wanted.length === 0 || wanted.some((word) => `${name} ${version}`.toLowerCase().includes(word.toLowerCase()))
  )
  if (chosen.length === 0) {
    throw new Error(`no such runtime; expected part of ${Runtimes.all.map((r) => `${r.name} ${r.version}`).join(", ")}`)
  }
  const [packed] = JSON.parse(
    execFileSync("npm", ["pack", "--json", "--pack-destination", folder], {
      cwd: root,
      env: { ...environment, PATH: [Path.dirname(process.execPath), process.env["PATH"]].join(Path.delimiter) },
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"]
    })
  )
  console.log(`| runtime | all ${entries.length} entries imported | quick start | agent | SIGTERM |`)
  console.log("| --- | --- | --- | --- | --- |")
  for (const runtime of chosen) {
    const { runtime: name, ...results } = await attempt(runtime, Path.join(folder, packed.filename))
    console.log(`| ${[name, ...Object.values(results).map(([said]) => said)].join(" | ")} |`)
    for (const complaint of Object.values(results).flatMap(([, complaints]) => complaints)) {
      console.error(`${name}: ${complaint}`)
      process.exitCode = 1
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
