/** The example `kv-store`, a file of its own because it takes ten seconds of waiting. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import * as Path from "node:path"
import { Program } from "../support/Program.ts"

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({
  isReady: Schema.Boolean,
  counters: Schema.Record(Schema.String, Schema.Int)
})))

// at the same time, because both mostly wait
describe.concurrent("kv-store", () => {
  it("has what its folder keeps after SIGKILL", async ({ onTestFinished }) => {
    const folder = mkdtempSync(Path.join(tmpdir(), "kv-store-"))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const start = async () => {
      const program = new Program("kv-store/main.ts", {
        args: ["--name", "solo", "--port", "0", "--http-port", "0", "--folder", folder]
      })
      onTestFinished(program.kill)
      const [, url = ""] = await program.prints(/^serves (.*)$/m)
      const health = async () => decode(await (await fetch(`${url}/health`)).text())
      while (!(await health()).isReady) await new Promise((resolve) => setTimeout(resolve, 50))
      return { program, url, written: async (): Promise<number> => (await health()).counters["store.written"] ?? 0 }
    }
    const put = async (url: string, i: number) =>
      fetch(`${url}/keys/k${i}`, { method: "PUT", body: String(i), headers: { "content-type": "text/plain" } })

    const { program, url, written } = await start()
    for (let i = 0; i < 10; i++) assert.strictEqual((await put(url, i)).status, 204)
    // the second time it is written after the last of them, it is certain that they are in it
    const first = await written()
    for (let i = 10; await written() < first + 2; i++) {
      await put(url, i)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    program.kill()
    await program.ended

    const again = await start()
    for (let i = 0; i < 10; i++) assert.strictEqual(await (await fetch(`${again.url}/keys/k${i}`)).text(), String(i))
    assert.strictEqual(await again.program.signal("SIGTERM"), 130, again.program.printed)
  })

  it("has all that was acknowledged, the same at all nodes, after a kill, a split and a restart", async ({ onTestFinished }) => {
    const program = new Program("kv-store/run.ts")
    // SIGTERM, because that ends its nodes too
    onTestFinished(() => void program.signal("SIGTERM"))
    assert.strictEqual(await program.ended, 0, program.printed)
    const [, ...steps] = program.printed.split(/^--- /m)
    assert.deepStrictEqual(steps.map((step) => step.split("\n")[0]), [
      "anna, bert and carl start, each with a folder, and are written to",
      "bert is killed, and its folder is removed",
      "bert starts again, with nothing",
      "carl stands still until the others hold it for dead, and is written to all the same",
      "carl goes on",
      "nothing is written any more",
      "all are stopped, and start again with their folders",
      "all nodes have the same, and nothing that was acknowledged is missing"
    ])
    // the others were written to meanwhile
    assert.match(steps[1] ?? "", /anna \d+ keys, bert no answer, carl \d+ keys$/m)
    assert.match(steps[3] ?? "", /anna \d+ keys, bert \d+ keys, carl no answer$/m)
    const told = [
      ...program.printed.matchAll(/^ {4}(\d+) writes acknowledged, (\d+) of them removals: none is missing$/gm)
    ]
    assert.lengthOf(told, 2, program.printed)
    assert.isAbove(Number(told[0]?.[1]), 100, program.printed)
    const same = [...program.printed.matchAll(/^ {4}the same (\d+) keys: anna, bert, carl$/gm)].map(([, keys]) => keys)
    assert.strictEqual(same[0], same[1])
    assert.isAbove(Number(same[0]), 50, program.printed)
  })
})
