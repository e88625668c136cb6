import { assert, describe, it } from "@effect/vitest"
import { cost, type Row, table } from "../../../attack/Page.ts"

const row = (more: Partial<Row>): Row => ({ name: "a", kind: "ours", verdict: "kept", ...more })

describe("the page of attacks", () => {
  it("tells what was measured, and nothing that was not", () => {
    const figures = { longestStop: 12.4, restAfter: 1.04, failed: ["a: b"], pushPulls: 20, exchanged: 19 }
    const broken = row({ verdict: "BROKEN", outcome: { sent: "x", broken: ["1 failed"], figures } })
    assert.strictEqual(cost(broken), "**broken**, 1 declared failed, 19 of 20 push/pulls, stop 12 ms, rest 1.0 s")
    const memory = { memoryBefore: 100, memoryAfter: 150.4, peakMemory: 300 }
    assert.strictEqual(cost(row({ outcome: { sent: "x", figures: memory } })), "kept, peak 300 MiB, 50 left")
    assert.strictEqual(cost(row({ outcome: { sent: "x", figures: { restAfter: "never" } } })), "kept, no rest")
    assert.strictEqual(cost(row({ verdict: "not run" })), "–")
    assert.strictEqual(cost(undefined), "–")
  })

  it("has a row for each attack of now, beside what it cost before and in Go", () => {
    const kept = row({ outcome: { sent: "x", figures: { longestStop: 1 } } })
    const go = row({ kind: "go", verdict: "BROKEN", outcome: { sent: "x", figures: {} } })
    const lines = table([row({ name: "other" })], [kept, go]).split("\n")
    assert.deepStrictEqual(lines.slice(2), ["| a | – | kept, stop 1 ms | **broken** |"])
  })
})
