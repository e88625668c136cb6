import { assert, describe, it } from "@effect/vitest"
import * as Overlay from "../../src/topic/Overlay.ts"

const names = (count: number) => Array.from({ length: count }, (_, i) => `member-${i}`)
const ringOf = (count: number) => {
  const ring = new Overlay.Overlay()
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

  for (const count of [1, 2, 3, 4, 5, 10, 33, 100, 333]) {
    it(`of ${count} is one tree, of few steps, on which all agree`, () => {
      const ring = ringOf(count)
      const branches = new Map(names(count).map((name) => [name, ring.branches(name)]))
      const ends = [...branches.values()].reduce((sum, own) => sum + own.length, 0)
      assert.strictEqual(ends, 2 * (count - 1))
      const steps = new Map([["member-0", 0]])
      for (const [name, step] of steps) {
        for (const other of branches.get(name) ?? []) {
          assert.isTrue(branches.get(other)?.includes(name))
          if (!steps.has(other)) steps.set(other, step + 1)
        }
      }
      assert.strictEqual(steps.size, count)
      assert.isAtMost(Math.max(...steps.values()), 2 * Math.ceil(Math.log2(count + 1)))
    })
  }

  it("changes few links of the tree when a member comes or goes", () => {
    const ring = ringOf(200)
    const before = new Map(names(200).map((name) => [name, ring.branches(name).join()]))
    let changed = 0
    for (let i = 200; i < 240; i++) {
      ring.add(`member-${i}`)
      for (const [name, own] of before) if (ring.branches(name).join() !== own) changed++
      ring.remove(`member-${i}`)
    }
    assert.isBelow(changed / 40, 8)
  })

  it("does not depend on the order in which members came and went", () => {
    const ring = ringOf(50)
    const other = new Overlay.Overlay()
    for (const name of names(60).toReversed()) assert.isTrue(other.add(name))
    for (const name of names(60).slice(50)) assert.isTrue(other.remove(name))
    assert.isFalse(other.remove("nobody"))
    assert.isFalse(other.add("member-1"))
    assert.deepStrictEqual(other.names, ring.names)
    assert.isTrue(other.has("member-1"))
    assert.isFalse(other.has("member-55"))
  })
})
