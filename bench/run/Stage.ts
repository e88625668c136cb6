/** Builds what is measured: compiled JavaScript beside a package of the library, as a user has it. */
import { buildSync } from "esbuild"
import { execFileSync, spawnSync } from "node:child_process"
import { cpSync, existsSync, rmSync, writeFileSync } from "node:fs"
import * as Path from "node:path"
import type { Command } from "./Child.ts"

export const root = Path.resolve(import.meta.dirname, "../..")

const compile = (project: string, outDir: string): void => {
  const compiler = Path.join(root, "node_modules/typescript/bin/tsc")
  execFileSync(process.execPath, [compiler, "-p", project, "--outDir", outDir], { stdio: ["ignore", 2, 2] })
}

/**
 * Returns the modules of Effect that are loaded with a file of the library, through whatever it imports itself. A real
 * parser reads the files: an example in a comment imports nothing.
 */
export const effectModules = (file: string): ReadonlyArray<string> => {
  const { metafile } = buildSync({
    entryPoints: [file],
    bundle: true,
    format: "esm",
    platform: "node",
    packages: "external",
    metafile: true,
    write: false,
    logLevel: "error"
  })
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports)
  const modules = imports.flatMap(({ external, path }) => external === true && /^@?effect\//.test(path) ? [path] : [])
  return [...new Set(modules)].sort()
}

/** Builds the package of a checkout as that checkout publishes it; one that has no program for it compiles alone. */
export const buildPackage = (library: string, outDir: string): void => {
  const program = Path.join(library, "scripts/build.ts")
  if (existsSync(program)) execFileSync(process.execPath, [program, "--out", outDir], { stdio: ["ignore", 2, 2] })
  else compile(Path.join(library, "tsconfig.build.json"), outDir)
}

/** What programs take from inside the library, as it is in its published file: bench/child/Inside.ts has the types. */
const insides = [
  "engine/sending/Nonces",
  "wire/message/Message",
  "wire/msgpack/MessagePackWriter",
  "wire/packet/Compound",
  "wire/packet/Packet",
  "wire/stream/Frame",
  "wire/stream/StreamBody"
]

const buildInside = (library: string, outfile: string): void => {
  buildSync({
    stdin: {
      contents: insides.map((file) => `export * as ${Path.basename(file)} from "./src/${file}.ts"\n`).join(""),
      resolveDir: library
    },
    bundle: true,
    format: "esm",
    platform: "node",
    target: "es2023",
    packages: "external",
    outfile,
    logLevel: "error"
  })
}

/** One build: a folder in which `effect-memberlist` is the library of one checkout. */
export class Stage {
  /** Where `effect-memberlist` is installed. */
  readonly folder: string

  private constructor(folder: string) {
    this.folder = folder
  }

  /** Builds the library of a checkout and the programs that use it. Effect is this checkout's, whatever the other has. */
  static build(name: "ours" | "before" | "guard", library: string): Stage {
    const folder = Path.join(root, "bench/dist", name)
    const installed = Path.join(folder, "node_modules/effect-memberlist")
    rmSync(folder, { recursive: true, force: true })
    buildPackage(library, Path.join(installed, "dist"))
    cpSync(Path.join(library, "package.json"), Path.join(installed, "package.json"))
    writeFileSync(Path.join(folder, "package.json"), `{ "private": true, "type": "module" }\n`)
    compile(Path.join(root, "bench/tsconfig.json"), Path.join(folder, "programs"))
    buildInside(library, Path.join(folder, "inside.js"))
    const imports = effectModules(Path.join(installed, "dist/index.js")).map((specifier) => `import "${specifier}"\n`)
    writeFileSync(
      Path.join(folder, "programs/bench/floors/effect.js"),
      `${imports.join("")}import { serve } from "../child/Commands.js"\nserve({})\n`
    )
    return new Stage(folder)
  }

  /** Returns the command that runs a program, `nodes/cluster` for example. */
  node(program: string): Command {
    return [process.execPath, Path.join(this.folder, "programs/bench", `${program}.js`)]
  }
}

const goFolder = Path.join(root, "bench/go")

const go = (...args: ReadonlyArray<string>): string | undefined => {
  const { status, stdout } = spawnSync("go", [...args], {
    cwd: goFolder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", 2]
  })
  return status === 0 ? stdout.trim() : undefined
}

export interface Reference {
  readonly command: Command
  /** The release and the toolchain. */
  readonly version: string
}

/** Builds the Go program; nothing where there is no Go. */
export const buildReference = (): Reference | undefined => {
  const toolchain = go("env", "GOVERSION")
  if (toolchain === undefined) return undefined
  const program = Path.join(goFolder, "bin/nodes")
  if (go("build", "-o", program, ".") === undefined) throw new Error("the Go program could not be built")
  const release = go("list", "-m", "-f", "{{.Version}}", "github.com/hashicorp/memberlist")
  return { command: [program], version: `memberlist ${release}, ${toolchain}` }
}
