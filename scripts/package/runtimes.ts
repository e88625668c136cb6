/** The runtimes that the package is tried on, each a binary that npm installs. Their versions stand here alone. */
import { execFileSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import * as Path from "node:path"

export interface Runtime {
  readonly name: string
  readonly version: string
  /** The package that has its binary for this machine, and where it lies in it. */
  readonly binary: { readonly package: string; readonly file: string }
  /** What a reader of the quick start writes in place of `node` and of `npm install`. */
  readonly run: string
  readonly add: string
  /** How the program of the package is started from the folder in which it is installed. */
  readonly agent: ReadonlyArray<string>
}

const { arch, platform } = process
const BIN = "node_modules/.bin/effect-memberlist"

const node = (version: string): Runtime => ({
  name: "Node.js",
  version,
  binary: { package: `node-${platform === "win32" ? "win" : platform}-${arch}`, file: "bin/node" },
  run: "node",
  add: "npm install",
  // its first line asks for `node`
  agent: [BIN]
})

const bun = (version: string): Runtime => ({
  name: "Bun",
  version,
  binary: { package: `@oven/bun-${platform}-${arch === "arm64" ? "aarch64" : arch}`, file: "bin/bun" },
  run: "bun",
  add: "bun add",
  agent: ["bun", BIN]
})

const deno = (version: string): Runtime => ({
  name: "Deno",
  version,
  binary: { package: `@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}`, file: "deno" },
  run: "deno run -A",
  // Deno installs no package from a file
  add: "npm install",
  agent: ["deno", "run", "-A", BIN]
})

/** The oldest that `engines` allows, the one this repository is developed with, and the newest. */
export const newest: Runtime = node("26.10.0")
export const all: ReadonlyArray<Runtime> = [node("22.19.0"), node("24.21.0"), newest, bun("1.4.5"), deno("2.9.6")]

/** Installs the runtime in a new folder, and returns its binary. */
export const install = (runtime: Runtime, folder: string, env: NodeJS.ProcessEnv): string => {
  mkdirSync(folder, { recursive: true })
  execFileSync(
    "npm",
    [
      "install",
      "--prefix",
      folder,
      "--no-save",
      "--no-audit",
      "--no-fund",
      "--ignore-scripts",
      `${runtime.binary.package}@${runtime.version}`
    ],
    { cwd: folder, env, stdio: ["ignore", "ignore", "pipe"] }
  )
  return Path.join(folder, "node_modules", runtime.binary.package, runtime.binary.file)
}

/** The quick start for who has this runtime. */
export const quickStart = (page: string, runtime: Runtime): string =>
  page.replaceAll("node main.ts", `${runtime.run} main.ts`).replaceAll(/^npm install(?= \.)/gm, runtime.add)
