import { assert, describe, it } from "@effect/vitest"
import { budget, complaints, type Cost } from "../../../scripts/package/cost.ts"

const ours = (count: number, folder = "engine") =>
  Array.from({ length: count }, (_, i) => `file:///app/node_modules/effect-memberlist/dist/${folder}/${i}.js`)

const cost = (modules: Record<string, ReadonlyArray<string>>, megabytes: number): Cost => ({
  files: 3,
  modules: new Map(Object.entries(modules)),
  megabytes: { whole: 100 + megabytes, beneath: 100 },
  milliseconds: { whole: 2, beneath: 1 }
})

describe("the cost of importing the package", () => {
  const most = budget.modules.get("effect-memberlist") ?? 0

  it("may be what the budget says", () => {
    assert.deepStrictEqual(complaints(cost({ "effect-memberlist": ours(most) }, budget.megabytes)), [])
  })

  it("may be no module, no package and no megabyte more", () => {
    const found = complaints(
      cost({ "effect-memberlist": ours(most + 1), "left-pad": ["left-pad"] }, budget.megabytes + 1)
    )
    assert.deepStrictEqual(found.map((complaint) => complaint.replace(/^importing the package /, "")), [
      `loads ${most + 1} modules of effect-memberlist, above ${most}`,
      "loads left-pad, which is not in the budget",
      `takes ${budget.megabytes + 1}.0 MB above its Effect modules, above ${budget.megabytes}`
    ])
  })

  it("may not be that of the test kit", () => {
    const [complaint] = complaints(cost({ "effect-memberlist": ours(1, "testing") }, 0))
    assert.match(complaint ?? "", /loads .*\/dist\/testing\/0\.js/)
  })

  it("may not be that of the entries beside it", () => {
    const urls = ["MemberMeta.js", "Ring.js", "metadata/Document.js", "ring/Points.js"].map((file) =>
      `file:///app/node_modules/effect-memberlist/dist/${file}`
    )
    assert.strictEqual(complaints(cost({ "effect-memberlist": urls }, 0)).length, 4)
    assert.deepStrictEqual(
      complaints(cost({ "effect-memberlist": ours(1).map((url) => url.replace("0.js", "Member.js")) }, 0)),
      []
    )
  })
})
