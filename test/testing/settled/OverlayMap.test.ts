import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { OverlayMap } from "../../../src/testing/settled/OverlayMap.ts"

const Change = Schema.Struct({
  key: Schema.Literals(["a", "b", "c", "d", "e", "f"]),
  value: Schema.Literals([0, 1, 2, 3]),
  removes: Schema.Boolean
})

describe("a map over another", () => {
  it.prop(
    "is what a copy of the other would be after the same changes, and leaves the other as it was",
    [Arbitrary.array(Arbitrary.schema(Change), { maxLength: 30 })],
    ([changes]) => {
      const base = new Map([["a", 10], ["b", 11], ["c", 12]])
      const copy = new Map(base)
      const overlay = new OverlayMap(base)
      for (const { key, removes, value } of changes) {
        if (removes) assert.strictEqual(overlay.delete(key), copy.delete(key))
        else {
          overlay.set(key, value)
          copy.set(key, value)
        }
        assert.strictEqual(overlay.size, copy.size)
        for (const each of ["a", "b", "c", "d", "e", "f"]) {
          assert.strictEqual(overlay.get(each), copy.get(each))
          assert.strictEqual(overlay.has(each), copy.has(each))
        }
        assert.sameMembers([...overlay.values()], [...copy.values()])
      }
      assert.deepStrictEqual([...base], [["a", 10], ["b", 11], ["c", 12]])
    }
  )

  it("has its values in the order of the other's, and what is new behind them", () => {
    const overlay = new OverlayMap(new Map([["a", 1], ["b", 2], ["c", 3]]))
    overlay.set("d", 4)
    overlay.set("b", 20)
    overlay.delete("a")
    assert.deepStrictEqual([...overlay.values()], [20, 3, 4])
    overlay.set("a", 10)
    assert.deepStrictEqual([...overlay.values()], [20, 3, 4, 10])
  })
})
