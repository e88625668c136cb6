/**
 * Builds the program `effect-memberlist` and Node.js as one file, by Node.js' own means (single executable applications):
 * `npm run build:executable`, which writes `executable/effect-memberlist`, or with `--out FILE` another one. With `--check` the
 * file is tried in an empty folder: its page, its agents, its demo, and how long it takes to start.
 *
 * Node.js builds them from ES modules since 25.7, so the newest one is installed into a temporary folder, and is what the
 * file contains.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { parseArgs } from "node:util"
import { build } from "rolldown"
import * as Agents from "./package/agents.ts"
import { ascii, inlined } from "./package/bundle.ts"
import * as Runtimes from "./package/runtimes.ts"

const root = Path.resolve(import.meta.dirname, "..")
const { values } = parseArgs({
  options: {
    out: { type: "string", default: Path.join(root, "executable/effect-memberlist") },
    check: { type: "boolean", default: false }
  }
})
const out = Path.resolve(values.out)
const folder = mkdtempSync(Path.join(tmpdir(), "executable-"))

/** Without what `npm run` put into ours. */
const environment: NodeJS.ProcessEnv = {
  ...Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|NODE_OPTIONS$|INIT_CWD$|MEMBERLIST_)/i.test(name))
  ),
  npm_config_prefer_offline: "true"
}

const median = (values: ReadonlyArray<number>): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0

/** What does not go as it should in a folder that has nothing but the file. */
const complaints = async (): Promise<ReadonlyArray<string>> => {
  const cwd = Path.join(folder, "empty")
  mkdirSync(cwd)
  const file = Path.join(cwd, "effect-memberlist")
  copyFileSync(out, file)
  // no other Node.js is found
  const env = { ...environment, PATH: cwd }
  const times = Array.from({ length: 7 }, () => {
    const began = performance.now()
    execFileSync(file, ["--version"], { cwd, env, stdio: "ignore" })
    return performance.now() - began
  })
  const agents = await Agents.attempt(["./effect-memberlist"], { cwd, env })
  const demo = spawnSync("./effect-memberlist", ["demo", "--json"], { cwd, env, encoding: "utf8", timeout: 60_000 })
  console.log(
    `--version takes ${Math.round(median(times))} ms (median of 7), an agent answers after ${
      Math.round(agents.started)
    } ms`
  )
  return [...agents.complaints, ...(demo.status === 0 ? [] : [`the demo fails: ${demo.stdout}${demo.stderr}`])]
}

try {
  const bundle = Path.join(folder, "main.mjs")
  await build({
    input: Path.join(root, "src/agent/cli/main.ts"),
    platform: "node",
    tsconfig: false,
    logLevel: "warn",
    plugins: [inlined],
    output: {
      file: bundle,
      format: "esm",
      // a module in the file finds no other
      codeSplitting: false,
      comments: { annotation: false, jsdoc: false, legal: true }
    }
  })
  writeFileSync(bundle, ascii(readFileSync(bundle, "utf8")))
  const node = Runtimes.install(Runtimes.newest, Path.join(folder, "node"), environment)
  const configuration = Path.join(folder, "configuration.json")
  mkdirSync(Path.dirname(out), { recursive: true })
  rmSync(out, { force: true })
  writeFileSync(
    configuration,
    JSON.stringify({
      main: bundle,
      mainFormat: "module",
      output: out,
      disableExperimentalSEAWarning: true,
      // compiled beforehand: it starts in two thirds of the time
      useCodeCache: true
    })
  )
  execFileSync(node, ["--build-sea", configuration], { cwd: folder, env: environment, stdio: ["ignore", "ignore", 2] })
  const megabytes = (file: string) => `${(statSync(file).size / 1e6).toFixed(1)} MB`
  console.log(
    `${Path.relative(process.cwd(), out)}: ${megabytes(out)}, of which Node.js ${Runtimes.newest.version} has ${
      megabytes(node)
    } and the program ${megabytes(bundle)}`
  )
  if (values.check) {
    for (const complaint of await complaints()) {
      console.error(complaint)
      process.exitCode = 1
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
