import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { type Job, judge, measure } from "../../../simulate/hard/measure.ts"
import { tables } from "../../../simulate/hard/page.ts"
import type { Belief } from "../../../simulate/measuring/Cluster.ts"

const job: Job = { hard: "flipflop", profile: "ours", members: 20, seconds: 80, seed: 1 }

const flipflop = measure(job)

/** Runs the command; its exit code, and what it printed. */
const hard = (...args: ReadonlyArray<string>) => {
  try {
    const command = ["--conditions=effect-memberlist-source", "simulate/hard/main.ts", ...args]
    return { code: 0, output: execFileSync(process.execPath, command, { encoding: "utf8", stdio: "pipe" }) }
  } catch (error) {
    const { status, stderr } = error as { status: number; stderr: string }
    return { code: status, output: stderr }
  }
}

describe("the measure of the hard cases", () => {
  it("finds that a member that hears nothing for 20 s is removed, comes back, and is in every list when it hears again", () => {
    const result = flipflop
    assert.strictEqual(result.removed.length, 1)
    assert.isAbove(result.returns, 0)
    assert.deepStrictEqual([result.least, result.failed, result.verdicts], [19, 0, 0])
    assert.isAbove(result.suspicions, 19)
    assert.deepStrictEqual([result.lists, result.badListed], [1, 1])
    assert.isAbove(result.average, 19)
  })
  it("lets streams suffer where packets are lost, and nothing where they are not", () => {
    assert.isAbove(measure({ ...job, hard: "outgoing" }).segmentsLost, 50)
    assert.isAbove(measure({ ...job, hard: "incoming" }).segmentsLost, 50)
    assert.strictEqual(flipflop.segmentsLost, 0)
  })
  it("reads its record", () => {
    const names = ["a", "b", "c", "bad"]
    const belief = (at: number, observer: string, what: Belief["what"], about: string, own = false): Belief => ({
      at: 1000 * at,
      observer,
      about,
      what,
      own
    })
    const { average, ...counts } = judge(
      [
        belief(11, "a", "Suspected", "bad", true),
        belief(11, "bad", "Suspected", "a", true),
        belief(12, "b", "Suspected", "a"),
        belief(12, "c", "Suspected", "a"),
        belief(12.5, "b", "Recovered", "a"),
        belief(13, "bad", "Failed", "a", true),
        belief(14, "b", "Failed", "a"),
        belief(15, "b", "Joined", "a"),
        belief(16, "a", "Failed", "bad", true),
        belief(16, "b", "Failed", "bad"),
        belief(17, "c", "Failed", "bad"),
        belief(19, "c", "Joined", "bad")
      ],
      names,
      new Set(["bad"]),
      10_000,
      10
    )
    assert.deepStrictEqual(counts, {
      suspicions: 2,
      suspected: 1,
      suspicionsAtBad: 1,
      failures: 1,
      failed: 1,
      verdicts: 0,
      failuresAtBad: 1,
      verdictsAtBad: 1,
      removed: [6],
      returns: 1 / 3,
      least: 3,
      split: 0.3,
      lists: 2,
      badListed: 1 - 2 / 3
    })
    // what the three lists lack together, each second: 0, 0, 0, 0, 1, 0, 2, 3, 3, 2
    assert.closeTo(average, 4 - (1 + 2 + 3 + 3 + 2) / 3 / 10, 1e-9)
  })
  it("is told in one table for each size, beside the paper where that says something", () => {
    const outcome = { ...flipflop, removed: [12] }
    const page = tables([
      { job, outcome },
      { job: { ...job, profile: "memberlist", members: 1000 }, outcome }
    ])
    assert.include(page, "20 members, 1 bad, 80 s, 1 run:")
    assert.include(page, "| memberlist, paper | Rapid, paper |")
    assert.strictEqual(page.split("Rapid, paper").length, 2)
  })
})

describe("the command", () => {
  it("refuses an unknown case before anything runs, and names those there are", () => {
    const { code, output } = hard("--only", "crash")
    assert.strictEqual(code, 2)
    assert.include(output, "--only crash: there is ")
    assert.include(output, "flipflop")
  })
})
