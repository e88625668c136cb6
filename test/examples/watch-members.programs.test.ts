/** The example `watch-members`, a file of its own because it takes ten seconds of waiting. */
import { assert, describe, it, onTestFinished } from "@effect/vitest"
import { Program } from "../support/Program.ts"

describe("watch-members", () => {
  it("prints the members with settings from the environment, until a signal", async () => {
    const program = new Program("watch-members/main.ts", { env: { NAME: "solo", PORT: "0", ROLE: "database" } })
    onTestFinished(program.kill)
    await program.prints(/^ {2}solo +127\.0\.0\.1:\d+ +alive +database since \d\d:\d\d:\d\d\n1 in the list$/m)
    assert.strictEqual(await program.signal("SIGTERM"), 130, program.printed)
  })

  it("shows to each of four processes that one is killed and returns, and that one leaves", async () => {
    const program = new Program("watch-members/run.ts")
    // SIGTERM, because that ends its members too
    onTestFinished(() => void program.signal("SIGTERM"))
    assert.strictEqual(await program.ended, 0, program.printed)
    const [before = "", killed = "", returned = ""] = program.printed.split(/^--- bert (?:is killed|starts again)$/m)
    for (const name of ["anna", "carl", "dora"]) {
      assert.match(killed, new RegExp(`^${name} \\| MemberFailed bert `, "m"))
      assert.match(returned, new RegExp(`^${name} \\| MemberJoined bert `, "m"))
    }
    for (const name of ["anna", "bert", "dora"]) {
      assert.match(returned, new RegExp(`^${name} \\| MemberLeft carl `, "m"))
    }
    // typed metadata of the others, told anew by the one that returned
    const row = /^anna \|   bert +127\.0\.0\.1:\d+ +(?:alive|suspect) +worker +since (\d\d:\d\d:\d\d)$/m
    const started = [before, returned].map((part) => row.exec(part)?.[1])
    assert.isString(started[0], program.printed)
    assert.isString(started[1], program.printed)
    assert.notStrictEqual(started[0], started[1])
  })
})
