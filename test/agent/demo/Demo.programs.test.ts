/**
 * The demo as a program. Its whole story takes ten seconds of waiting, and is a step of its own in CI: `npm run
 * demo`.
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { assert, describe, it, onTestFinished } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as SubscriptionRef from "effect/SubscriptionRef"
import { fileURLToPath } from "node:url"
import { DEMO_MEMBER } from "../../../src/agent/cli/Program.ts"
import * as Process from "../../../src/agent/demo/Process.ts"
import * as World from "../../../src/agent/demo/World.ts"
import { Program } from "../../support/Program.ts"

const main = fileURLToPath(new URL("../../../src/agent/cli/main.ts", import.meta.url))

const run = (...args: ReadonlyArray<string>): Program => {
  const program = new Program("../src/agent/cli/main.ts", { args: ["demo", ...args] })
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

  it.live("says which member did not start, and what it wrote before it ended", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const start = Process.starting(world, [main, DEMO_MEMBER])
      const error = yield* Effect.flip(start("node-1", [], "99999"))
      const { complaints } = yield* SubscriptionRef.get(world.state)
      assert.strictEqual(error.message, "node-1 did not start")
      assert.match(complaints.join("\n"), /^node-1: configuration field "MEMBERLIST_BIND_PORT" is "99999"; .*$/)
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))

  it.live("tells what a member says that it does not understand, and goes on", () =>
    Effect.gen(function*() {
      const world = yield* World.make
      const ready = `{"_tag":"Ready","name":"node-1","address":"127.0.0.1:1"}`
      const start = Process.starting(world, [
        "--eval",
        `console.log('what?'); console.log('${ready}'); setTimeout(process.exit, 300, 1)`
      ])
      const exit = yield* Effect.result(start("node-1", []))
      const { complaints } = yield* SubscriptionRef.get(world.state)
      assert.deepStrictEqual([exit._tag, complaints], ["Success", ["node-1: what?"]])
      yield* Effect.flip(World.until(world, "its end", "10 seconds", () => false))
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer)))
})
