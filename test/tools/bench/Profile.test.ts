import { assert, describe, it } from "@effect/vitest"
import { kindOf, profiles, summary } from "../../../bench/page/Profile.ts"

const frame = (functionName: string, url: string) => ({
  functionName,
  url,
  scriptId: "1",
  lineNumber: 1,
  columnNumber: 1
})

describe("a profile", () => {
  it("tells whose a function is by its file", () => {
    assert.strictEqual(kindOf(frame("draw", "file:///a/node_modules/effect-memberlist/dist/index.js")), "ours")
    assert.strictEqual(kindOf(frame("runLoop", "file:///a/node_modules/effect/dist/internal/effect.js")), "Effect")
    assert.strictEqual(kindOf(frame("send", "node:dgram")), "Node.js")
    assert.strictEqual(kindOf(frame("send", "")), "native code")
    assert.isUndefined(kindOf(frame("(idle)", "")))
    assert.isUndefined(kindOf(frame("post", "node:inspector")))
  })

  it("divides the time in which the main thread worked, and names the functions", () => {
    const nodes = [frame("draw", "/effect-memberlist/dist/index.js"), frame("(idle)", ""), frame("send", "node:dgram")]
      .map((callFrame, i) => ({ id: i + 1, callFrame }))
    const profile = { nodes, startTime: 0, endTime: 100, samples: [1, 2, 3, 1], timeDeltas: [10, 500, 20, 15] }
    const { busy, byKind, functions } = summary(profile)
    assert.strictEqual(busy, 45)
    assert.deepInclude(byKind, { "ours": 25, "Node.js": 20, "Effect": 0 })
    assert.deepStrictEqual(functions, [["ours", "draw", 25], ["Node.js", "send", 20]])
    assert.deepStrictEqual(profiles({ profile, unit: "µs", scale: 5 }, 1), {
      header: ["", "µs", "of all"],
      rows: [
        ["ours", "5", "56 %"],
        ["Effect", "0", "0 %"],
        ["Node.js", "4", "44 %"],
        ["native code", "0", "0 %"],
        ["garbage collection", "0", "0 %"],
        ["ours: draw", "5", "56 %"],
        ["Node.js: send", "4", "44 %"]
      ]
    })
  })
})
