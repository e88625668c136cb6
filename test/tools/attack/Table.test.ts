import { assert, describe, it } from "@effect/vitest"
import type { Outcome, Result } from "../../../attack/Case.ts"
import { isKept, json, remarks, table, verdictOf } from "../../../attack/Table.ts"

const result = (name: string, fields: Partial<Outcome> = {}, kind: Result["kind"] = "ours"): Result => ({
  name,
  promise: "nobody fails",
  kind,
  outcome: { sent: "3 packets", figures: {}, broken: [], notes: [], ...fields },
  error: undefined,
  seconds: 1
})

const failed: Result = { ...result("flood"), outcome: undefined, error: "anna ended" }

describe("the results of an attack", () => {
  it("are kept, broken, only told, or none", () => {
    assert.strictEqual(verdictOf({ ...failed, error: "" }), "not run")
    assert.strictEqual(verdictOf(result("a")), "kept")
    assert.strictEqual(verdictOf(result("a", { broken: ["x"] })), "BROKEN")
    assert.strictEqual(verdictOf(result("a", { broken: undefined })), "told")
    assert.strictEqual(verdictOf(failed), "ERROR")
  })

  it("fail a run by what this library broke or could not be asked, never by Go", () => {
    assert.isTrue(isKept([result("a"), result("b", { broken: undefined }), result("c", { broken: ["x"] }, "go")]))
    assert.isFalse(isKept([result("a"), result("b", { broken: ["x"] })]))
    assert.isFalse(isKept([failed]))
    assert.isFalse(isKept([{ ...failed, error: "" }]))
  })

  it("are a table with aligned columns, and a dash for what was not measured", () => {
    const lines = table([
      result("a | b", { figures: { answered: 3, pings: 4, restAfter: Infinity, longestStop: 12.6, failed: [] } }),
      result("long name of an attack", {}, "go")
    ]).split("\n")
    assert.strictEqual(new Set(lines.map((line) => line.length)).size, 1)
    assert.deepStrictEqual(
      lines.slice(2).map((line) => line.split(/ (?<!\\)\| ?/u).map((cell) => cell.trim())),
      [
        ["| a \\| b", "here", "kept", "13", "–", "–", "–", "3/4", "–", "0", "never", "3 packets", ""],
        ["| long name of an attack", "Go", "kept", "–", "–", "–", "–", "–", "–", "–", "–", "3 packets", ""]
      ]
    )
  })

  it("are explained where there is something to explain", () => {
    assert.deepStrictEqual(remarks([result("a"), result("b", { broken: ["late"], notes: ["busy"] }, "go"), failed]), [
      "b, Go: late; busy",
      "flood, here: anna ended"
    ])
  })

  it("are JSON that can be read again", () => {
    const text = json(
      { at: "2026-01-01T00:00:00Z", library: "here", node: "24", go: undefined, processors: "2 × x", loadBefore: 0 },
      [result("a", { figures: { restAfter: Infinity } })]
    )
    const { results } = JSON.parse(text) as { results: ReadonlyArray<{ verdict: string; outcome: Outcome }> }
    assert.strictEqual(results[0]?.verdict, "kept")
    assert.strictEqual(String(results[0]?.outcome.figures.restAfter), "never")
  })
})
