/** The example `message-forwarder`, a file of its own because it takes ten seconds of waiting. */
import { assert, describe, it, onTestFinished } from "@effect/vitest"
import { Program } from "../support/Program.ts"

describe("message-forwarder", () => {
  it("loses nothing while one of its nodes is killed and returns, and another one joins", async () => {
    const program = new Program("message-forwarder/run.ts")
    // SIGTERM, because that ends its nodes too
    onTestFinished(() => void program.signal("SIGTERM"))
    assert.strictEqual(await program.ended, 0, program.printed)
    // it was away while messages were accepted
    assert.match(program.printed, /^load \| +\d+ s: accepted [\d,]+; here: anna [\d,]+, bert away/m)
    const [, accepted = ""] = /^load \| accepted ([\d,]+) of /m.exec(program.printed) ?? []
    assert.isAbove(Number(accepted.replace(",", "")), 100, program.printed)
    for (const name of ["anna", "bert", "carl", "dora", "emil"]) {
      const [, delivered = "", lost, duplicates] =
        new RegExp(`^load \\| ${name} +([\\d,]+) +(\\S+) +(\\S+)`, "m").exec(program.printed) ?? []
      assert.deepStrictEqual([lost, duplicates], ["0", "0"], program.printed)
      assert.isAtLeast(Number(delivered.replace(",", "")), Number(accepted.replace(",", "")))
    }
  })
})
