/** The example `task-owner`, a file of its own because it takes ten seconds of waiting. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Report, tasks } from "../../examples/task-owner/report.ts"
import { linesOf, Program } from "../support/Program.ts"

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(Report))

// at the same time, because both mostly wait
describe.concurrent("task-owner", () => {
  it("runs everything where it is alone, and ends all of it before it leaves", async ({ onTestFinished }) => {
    const program = new Program("task-owner/main.ts", {
      args: ["--grace", "300 millis"],
      env: { NAME: "solo", PORT: "0" }
    })
    onTestFinished(program.kill)
    await program.prints(new RegExp(`(?:"Begun".*\\s.*){${tasks.length}}`))
    await new Promise((resolve) => setTimeout(resolve, 600))
    assert.strictEqual(await program.signal("SIGTERM"), 130, program.printed)
    const reports = linesOf(program).map((line) => decode(line))
    const [listens, follows] = reports
    assert.strictEqual(listens?._tag, "Listens")
    assert.deepInclude(follows, { _tag: "Follows", members: ["solo"] })
    const begun = reports.flatMap((report) => report._tag === "Begun" ? [report] : [])
    assert.sameMembers(begun.map(({ task }) => task), [...tasks])
    // a timer may be a few milliseconds early by the wall clock
    for (const { at } of begun) assert.isAtLeast(at - (follows?.at ?? at), 290)
    const ended = reports.flatMap((report) => report._tag === "Ended" ? [report] : [])
    assert.sameMembers(ended.map(({ task }) => task), [...tasks])
    for (const { task, ticks } of ended) assert.isAtLeast(ticks, 2, task)
  })

  it("shows that each task has one owner after each change, and how long it had none or two", async ({ onTestFinished }) => {
    const program = new Program("task-owner/run.ts", { args: ["--grace", "300 millis"] })
    // SIGTERM, because that ends its members too
    onTestFinished(() => void program.signal("SIGTERM"))
    assert.strictEqual(await program.ended, 0, program.printed)
    const [, ...steps] = program.printed.split(/^--- /m)
    const told = steps.map((step) => {
      const count = (what: string) => /(no|\d+) tasks?/.exec(step.slice(step.indexOf(`${what} owner`)))?.[1]
      return { title: step.split("\n")[0], none: count("no"), two: count("two") }
    })
    assert.deepStrictEqual(told.map(({ title }) => title), [
      "anna starts",
      "bert and carl start",
      "bert is killed",
      "bert starts again, and dora is new",
      "dora is asked to stop",
      "carl stands still until the others have taken over, and goes on",
      "each change ended with one owner for each; two only while rings differed"
    ])
    // a killed one runs nothing any more, before anybody can know
    assert.isAtLeast(Number(told[2]?.none), 24, program.printed)
    // one that stands still does not know, and goes on with what others have
    assert.isAtLeast(Number(told[5]?.two), 25, program.printed)
    const seconds = [...program.printed.matchAll(/^ *(\d+) s \| none +\d+ {2}one +\d+ {2}two +\d+ \| /gm)]
    assert.isAtLeast(seconds.length, 5, program.printed)
  })
})
