/** The agents under load, for a moment: five processes from source. Real time and ports; about 8 s of computing. */
import { execFile } from "node:child_process"
import * as Path from "node:path"
import { describe, expect, it } from "vitest"

const root = Path.resolve(import.meta.dirname, "../../..")

/** Runs `npm run bench:agent`: its exit code, and what it prints. */
const load = (...args: ReadonlyArray<string>): Promise<{ readonly code: unknown; readonly printed: string }> =>
  new Promise((resolve) => {
    execFile(
      process.execPath,
      [Path.join(root, "bench/agent/main.ts"), ...args],
      (error, out, err) => resolve({ code: error === null ? 0 : error.code, printed: out + err })
    )
  })

describe("an agent under load", () => {
  it("answers every request, tells every reader of every change, and nobody in its cluster is suspected", async () => {
    const { code, printed } = await load("--quick")
    // first, because it says what is wrong
    expect(printed.split("\n").filter((line) => line.startsWith("failed:"))).toEqual([])
    expect(printed).toMatch(/`GET \/v1\/events` +\| +45 \| +90 \| +90 \|/)
    expect(printed).toMatch(/`GET \/v1\/topics\/TOPIC` +\| +5 \| +10 \| +10 \|/)
    expect(printed).toContain("0 verdicts, 0 suspicions, 0 members called dead")
    expect(code).toBe(0)
  })

  it("is not asked for more streams than it has, nor for figures of a short look", async () => {
    const clients = await load("--clients", "5000")
    expect([clients.code, clients.printed]).toEqual([
      2,
      expect.stringMatching(/^--clients 5000: expected [^\n]+1024\n/)
    ])
    const write = await load("--quick", "--write")
    expect([write.code, write.printed]).toEqual([2, expect.stringMatching(/^--write with --quick: expected one/)])
  })
})
