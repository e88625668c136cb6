/** The explorer as a command, in processes of its own. */
import { assert, describe, it } from "@effect/vitest"
import { execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { type FaultClass, faultClasses } from "../../../simulate/explorer/Plan.ts"

const root = Path.resolve(import.meta.dirname, "../../..")

const program = ["--conditions=effect-memberlist-source", Path.join(root, "simulate/explore.ts")]

/** Runs the explorer in a process of its own. */
const explore = (...args: ReadonlyArray<string>) =>
  new Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [...program, ...args],
      { encoding: "utf8", maxBuffer: 2 ** 28 },
      (_error, stdout, stderr) => resolve({ status: child.exitCode ?? -1, stdout, stderr })
    )
  })

describe("npm run simulate", () => {
  it("prints the same bytes in two processes", { timeout: 60_000 }, async () => {
    const once = () => explore("--seed", "5", "--nodes", "3", "--minutes", "0.5", "--log")
    const [first, second] = await Promise.all([once(), once()])
    assert.strictEqual(first.status, 0, first.stderr)
    assert.isAbove(first.stdout.length, 1_000)
    assert.strictEqual(second.stdout, first.stdout)
  })

  it("ends with 1 where input is bad, and says so where errors are read", { timeout: 60_000 }, async () => {
    const { status, stderr, stdout } = await explore("--with", "rain")
    assert.strictEqual(status, 1)
    assert.include(stderr, "there is no application \"rain\"; there are topics, maps")
    assert.notInclude(stdout, "steps checked")
  })

  it("writes no control characters where there is no terminal", { timeout: 60_000 }, async () => {
    const { stderr, stdout } = await explore("--seeds", "3", "--nodes", "3", "--minutes", "0.2", "--log")
    assert.strictEqual(stderr, "")
    assert.include(stdout, "no failures")
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    assert.notMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f]/)
  })

  it("ends without a complaint when whoever reads has read enough", { timeout: 60_000 }, async () => {
    const child = spawn(process.execPath, [...program, "--seeds", "200", "--nodes", "3", "--minutes", "0.2", "--log"])
    let stderr = ""
    child.stderr.on("data", (chunk: Buffer) => void (stderr += chunk.toString()))
    child.stdout.once("data", () => child.stdout.destroy())
    assert.deepStrictEqual(await once(child, "close"), [141, null])
    assert.strictEqual(stderr, "")
  })

  it("keeps what it has when it is interrupted, and says how to go on", { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(Path.join(tmpdir(), "simulate-"))
    try {
      const out = Path.join(folder, "results.jsonl")
      const args = ["--seed", "7", "--seeds", "100000", "--nodes", "3", "--minutes", "0.2", "--out", out]
      const child = spawn(process.execPath, [...program, ...args])
      let stdout = ""
      child.stdout.on("data", (chunk: Buffer) => void (stdout += chunk.toString()))
      const closed = once(child, "close")
      const lines = () => existsSync(out) ? readFileSync(out, "utf8").split("\n").length - 1 : 0
      while (lines() < 2) await new Promise((resolve) => void setTimeout(resolve, 20))
      child.kill("SIGINT")
      assert.deepStrictEqual(await closed, [130, null])
      const done = lines()
      assert.include(stdout, `${done} seeds, `)
      assert.include(stdout, "no failures so far")
      assert.include(stdout, `interrupted: ${100_000 - done} of 100000 seeds are not done`)
      assert.include(stdout, `go on with --seed ${7 + done} --seeds ${100_000 - done}`)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("writes each result to the file before the next seed begins", { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(Path.join(tmpdir(), "simulate-"))
    try {
      const out = Path.join(folder, "results.jsonl")
      const args = ["--nodes", "3", "--minutes", "0.2", "--out", out, "--json"]
      assert.strictEqual((await explore("--seed", "1", "--seeds", "2", ...args)).status, 0)
      assert.strictEqual((await explore("--seed", "3", ...args)).status, 0)
      const lines = readFileSync(out, "utf8").trim().split("\n").map((line) => JSON.parse(line))
      assert.deepStrictEqual(lines.map(({ ok, seed }) => [seed, ok]), [[1, true], [2, true], [3, true]])
      const fired: Record<FaultClass, unknown> = lines[0].fired
      assert.sameMembers(Object.keys(fired), [...faultClasses])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
