import { assert, describe, it } from "@effect/vitest"
import { Timeouts } from "../../src/base/Timeouts.ts"

describe("timeouts", () => {
  it("end in their order, each once, and tell when the next one does", () => {
    const ended: Array<string> = []
    const timeouts = new Timeouts(100)
    timeouts.add(0, () => ended.push("a"))
    timeouts.add(0.5, () => ended.push("b"))
    timeouts.add(40, () => ended.push("c"))
    assert.strictEqual(timeouts.next(99.5), 1)
    assert.deepStrictEqual(ended, [])
    assert.strictEqual(timeouts.next(100.5), 40)
    assert.deepStrictEqual(ended, ["a", "b"])
    assert.strictEqual(timeouts.next(140), undefined)
    assert.strictEqual(timeouts.next(1_000), undefined)
    assert.deepStrictEqual(ended, ["a", "b", "c"])
  })

  it("that are taken back do not end, even by one that ends before them", () => {
    const ended: Array<string> = []
    const timeouts = new Timeouts(100)
    timeouts.add(0, () => takeBack.forEach((each) => each()))
    const takeBack = [timeouts.add(1, () => ended.push("b")), timeouts.add(2, () => ended.push("c"))]
    assert.strictEqual(timeouts.next(200), undefined)
    assert.deepStrictEqual(ended, [])
  })
})
