import { assert, describe, it } from "@effect/vitest"
import * as Lines from "../../../reference/Lines.ts"

describe("two texts", () => {
  it("that are the same differ in no line", () => {
    assert.deepStrictEqual(Lines.compare("a\nb\n", "a\nb\n"), { go: [], us: [] })
  })

  it("differ in the lines that one of them alone has", () => {
    assert.deepStrictEqual(Lines.compare("a\nb\nc", "a\nx\ny\nc"), { go: ["b"], us: ["x", "y"] })
  })

  it("differ where the same lines stand in another order", () => {
    const { go, us } = Lines.compare("a\nb", "b\na")
    assert.deepStrictEqual([go.length, us.length], [1, 1])
    assert.deepStrictEqual(go, us)
  })

  it("are shown with memberlist's lines first", () => {
    assert.strictEqual(Lines.shown({ go: ["one"], us: ["two"] }), "  - one\n  + two")
  })
})
