import { assert, describe, it } from "@effect/vitest"
import * as Overlay from "../../src/topic/Overlay.ts"

const names = (count: number) => Array.from({ length: count }, (_, i) => `member-${i}`)
const ringOf = (count: number) => {
  const ring = new Overlay.Ring()
  for (const name of names(count)) ring.add(name)
  return ring
}

describe("the ring of participants", () => {
  for (const count of [1, 2, 3, 4, 5, 10, 33, 100]) {
    it(`of ${count} makes everybody the neighbour of those who are its neighbours`, () => {
      const ring = ringOf(count)
      const neighbours = new Map(names(count).map((name) => [name, ring.neighbours(name)]))
      for (const [name, own] of neighbours) {
        assert.notInclude(own, name)
        assert.strictEqual(new Set(own).size, own.length)
        assert.isAtMost(own.length, 2 * Math.max(1, Math.ceil(Math.log2(count))))
        assert.isTrue(own.every((other) => neighbours.get(other)?.includes(name)))
      }
      // everybody is reached, in few steps
      const reached = new Set(["member-0"])
      let steps = 0
      for (; reached.size < count; steps++) {
        for (const name of [...reached]) for (const other of neighbours.get(name) ?? []) reached.add(other)
      }
      assert.isAtMost(steps, Math.ceil(Math.log2(count)))
    })
  }

  it("does not depend on the order in which members came and went", () => {
    const ring = ringOf(50)
    const other = new Overlay.Ring()
    for (const name of names(60).toReversed()) assert.isTrue(other.add(name))
    for (const name of names(60).slice(50)) assert.isTrue(other.remove(name))
    assert.isFalse(other.remove("nobody"))
    assert.isFalse(other.add("member-1"))
    assert.deepStrictEqual(other.names, ring.names)
    assert.isTrue(other.has("member-1"))
    assert.isFalse(other.has("member-55"))
  })
})
