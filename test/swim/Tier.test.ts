import { assert, describe, it } from "@effect/vitest"
import * as Tier from "../../src/swim/Tier.ts"
import { seeded } from "./support.ts"

type Item = Tier.Queued<number>

const item = (id: number, length: number): Item => ({ id, length, broadcast: id })
const inOrder = (items: Iterable<Item>) => Array.from(items).sort((a, b) => b.length - a.length || b.id - a.id)
const ids = (tier: Tier.Tier<number>) => Tier.broadcasts(tier)

describe("Tier", () => {
  it("keeps its order while it grows to thousands and shrinks to nothing, in any order", () => {
    const random = seeded(9)
    const present = new Map<number, Item>()
    let tier: Tier.Tier<number> = Tier.empty
    const check = () => assert.deepStrictEqual(ids(tier), inOrder(present.values()).map((item) => item.id))
    for (let id = 0; id < 3000; id++) {
      const added = item(id, Math.floor(random() * 40))
      present.set(id, added)
      tier = Tier.insert(tier, added)
      if (id % 100 === 0) check()
    }
    assert.isAbove(tier.length, 20)
    while (present.size > 0) {
      const left = Array.from(present.values())
      const removed = left[Math.floor(random() * left.length)]
      if (removed === undefined) break
      present.delete(removed.id)
      tier = Tier.remove(tier, removed)
      if (present.size % 100 === 0) check()
      if (present.size % 500 === 250) {
        const free = Math.floor(random() * 40)
        assert.strictEqual(Tier.longest(tier, free), inOrder(present.values()).find((item) => item.length <= free))
        assert.strictEqual(Tier.last(tier), inOrder(present.values()).at(-1))
      }
    }
    assert.deepStrictEqual(tier, [])
  })

  it("joins what has become short, so that it does not fall apart into single ones", () => {
    let tier: Tier.Tier<number> = Tier.empty
    for (let id = 0; id < 3000; id++) tier = Tier.insert(tier, item(id, 10))
    for (let id = 0; id < 3000; id++) if (id % 50 !== 0) tier = Tier.remove(tier, item(id, 10))
    assert.strictEqual(ids(tier).length, 60)
    assert.isBelow(tier.length, 10)
  })

  it("is the very same when what is removed is not there", () => {
    const tier = Tier.insert(Tier.empty, item(1, 10))
    assert.strictEqual(Tier.remove(tier, item(2, 10)), tier)
    assert.strictEqual(Tier.remove(tier, item(1, 11)), tier)
    assert.strictEqual(Tier.remove<number>(Tier.empty, item(1, 10)), Tier.empty)
  })

  it("finds the longest that fits, the newest of equally long ones, or nothing", () => {
    const tier = [item(1, 5), item(2, 9), item(3, 5)].reduce<Tier.Tier<number>>(
      (tier, added) => Tier.insert(tier, added),
      Tier.empty
    )
    assert.strictEqual(Tier.longest(tier, 9)?.id, 2)
    assert.strictEqual(Tier.longest(tier, 8)?.id, 3)
    assert.isUndefined(Tier.longest(tier, 4))
    assert.isUndefined(Tier.longest(Tier.empty, 4))
    assert.isUndefined(Tier.last(Tier.empty))
  })
})
