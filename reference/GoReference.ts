/** The Go side: an unmodified copy of memberlist with `go/reference_test.go` in it, as one process for all sequences. */
import * as Schema from "effect/Schema"
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { Sequence } from "./Sequence.ts"

const MODULE = "github.com/hashicorp/memberlist"
const TEST = "reference_test.go"
const folder = fileURLToPath(new URL("./go", import.meta.url))
/** Says which release is compared with: the one that the interoperation tests talk to. */
const moduleFolder = fileURLToPath(new URL("../interop/go", import.meta.url))
const binary = join(folder, "bin", "reference.test")

/** The Go toolchain's version (`go1.26.8`), or `undefined` when there is none on the PATH. */
export const toolchain = (): string | undefined => {
  const { status, stdout } = spawnSync("go", ["env", "GOVERSION"], { cwd: moduleFolder, encoding: "utf8" })
  return status === 0 ? stdout.trim() : undefined
}

const go = (args: ReadonlyArray<string>, cwd: string): string =>
  execFileSync("go", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] }).trim()

/** Builds the program; throws with the compiler's output. The release it was built from. */
export const build = (): string => {
  go(["mod", "download", MODULE], moduleFolder)
  const [source = "", version = ""] = go(["list", "-m", "-f", "{{.Dir}}\n{{.Version}}", MODULE], moduleFolder).split(
    "\n"
  )
  // Always the same folder, and no flags that the interoperation tests do not use: so Go's build cache knows all of it.
  const copy = join(folder, "bin", "memberlist")
  rmSync(copy, { recursive: true, force: true })
  mkdirSync(copy, { recursive: true })
  // Its own tests are left out: they need packages that nothing else needs. The module cache is read-only, which a copy of a
  // file would be as well.
  for (const file of readdirSync(source)) {
    const needed = /\.go$|^go\.(mod|sum)$/.test(file) && !file.endsWith("_test.go")
    if (needed) writeFileSync(join(copy, file), readFileSync(join(source, file)))
  }
  copyFileSync(join(folder, TEST), join(copy, TEST))
  go(["test", "-c", "-vet=off", "-o", binary, "."], copy)
  return version
}

const Answer = Schema.Struct({
  states: Schema.NullOr(Schema.Array(Schema.String)),
  order: Schema.optionalKey(Schema.Record(Schema.String, Schema.Array(Schema.String))),
  error: Schema.optionalKey(Schema.String)
})
const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Answer))

/** What memberlist has at the beginning and after each step. */
export interface Answer {
  /** Texts, or the hashes of the texts. */
  readonly states: ReadonlyArray<string>
  /** Who left, in order, where several did after one step. */
  readonly order: (step: number) => ReadonlyArray<string> | undefined
}

export interface GoReference {
  /** Runs a sequence; `texts` asks for texts, and not for their hashes. Several may be asked at once. */
  readonly run: (sequence: Sequence, texts: boolean) => Promise<Answer>
  readonly close: () => Promise<void>
}

interface Waiting {
  readonly resolve: (line: string) => void
  readonly reject: (error: Error) => void
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    else child.once("close", () => resolve())
  })

export const start = (): GoReference => {
  const child = spawn(binary, ["-test.run=^TestReference$", "-test.timeout=0"], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, GOMAXPROCS: "1" }
  })
  const waiting: Array<Waiting> = []
  let complaint = ""
  let over = false
  const fail = (reason: string): void => {
    over = true
    for (const { reject } of waiting.splice(0)) reject(new Error(`the Go side ended: ${reason}`))
  }
  child.stdin.on("error", () => undefined)
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = `${complaint}${chunk.toString()}`.slice(-8_000)
  })
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith("{")) waiting.shift()?.resolve(line)
    else complaint = `${complaint}${line}\n`.slice(-8_000)
  })
  child.once("error", (error) => fail(error.message))
  child.once("close", (code) => fail(`exit code ${code}\n${complaint}`))
  return {
    run: async (sequence, texts) => {
      if (over) throw new Error(`the Go side has ended\n${complaint}`)
      const line = await new Promise<string>((resolve, reject) => {
        waiting.push({ resolve, reject })
        child.stdin.write(`${JSON.stringify({ ...sequence, full: texts })}\n`)
      })
      const { error, order, states } = decode(line)
      if (error !== undefined || states === null) throw new Error(`the Go side cannot run it: ${error}`)
      return { states, order: (step) => order?.[step] }
    },
    close: async () => {
      child.stdin.end()
      await ended(child)
    }
  }
}
