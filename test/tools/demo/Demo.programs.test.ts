/**
 * The demo as a program. Its whole story takes ten seconds of waiting, and is a step of its own in CI: `npm run
 * demo`.
 */
import { assert, describe, it, onTestFinished } from "@effect/vitest"
import { Program } from "../../support/Program.ts"

const run = (...args: ReadonlyArray<string>): Program => {
  const program = new Program("../demo/main.ts", { args })
  // SIGTERM, because that ends its members too
  onTestFinished(() => void program.signal("SIGTERM"))
  return program
}

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe("npm run demo", () => {
  it("ends all its processes when it is interrupted, and prints neither colours nor a picture into a pipe", async () => {
    const program = run("--nodes", "3")
    await program.prints(/all 3 members see each other\n[^]*pid \d+\n\n/)
    const pids = [...program.printed.matchAll(/ pid (\d+)$/gm)].map(([, pid]) => Number(pid))
    assert.strictEqual(pids.length, 3, program.printed)
    assert.deepStrictEqual(pids.map(isRunning), [true, true, true])
    assert.strictEqual(await program.signal("SIGINT"), 130, program.printed)
    assert.deepStrictEqual(pids.map(isRunning), [false, false, false])
    assert.notInclude(program.printed, "\u001b")
  })

  it("ends with exit code 2 when the command line is wrong", async () => {
    const program = run("--nodes", "2")
    assert.strictEqual(await program.ended, 2)
    assert.include(program.printed, "a number of members from 3 to 50")
  })
})
