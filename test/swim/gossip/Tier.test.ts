import { assert, describe, it } from "@effect/vitest"
import * as Tier from "../../../src/swim/gossip/Tier.ts"
import { seeded } from "../../support/Rules.ts"

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

  it("takes the longest that fits, the newest of equally long ones, or nothing", () => {
    const tier = [item(1, 5), item(2, 9), item(3, 5)].reduce(Tier.insert<number>, Tier.empty)
    const taken = (limit: number, most = Infinity) => Tier.take(tier, limit, 0, most)[1].map(({ id }) => id)
    assert.deepStrictEqual(taken(9), [2])
    assert.deepStrictEqual(taken(8), [3])
    assert.deepStrictEqual(taken(14), [2, 3])
    assert.deepStrictEqual(taken(19), [2, 3, 1])
    assert.deepStrictEqual(taken(19, 2), [2, 3])
    assert.deepStrictEqual(taken(4), [])
    assert.strictEqual(Tier.take(tier, 4, 0, Infinity)[0], tier)
    assert.deepStrictEqual(Tier.take(Tier.empty, 4, 0, Infinity), [[], []])
    assert.isUndefined(Tier.last(Tier.empty))
  })

  it("takes and puts back many at once exactly as one after the other", () => {
    const random = seeded(4)
    let tier: Tier.Tier<number> = Tier.empty
    let model: Array<Item> = []
    let id = 0
    for (let round = 0; round < 120; round++) {
      const added = inOrder(
        Array.from({ length: Math.floor(random() * 300) }, () => item(++id, Math.floor(random() * 60)))
      )
      tier = added.reduce(Tier.insert<number>, tier)
      model = inOrder([...model, ...added])
      assert.deepStrictEqual(ids(tier), model.map(({ id }) => id))
      const overhead = Math.floor(random() * 4)
      const limit = Math.floor(random() * 4000)
      const most = random() < 0.5 ? Infinity : Math.floor(random() * 80)
      const [rest, taken] = Tier.take(tier, limit, overhead, most)
      const expected = drawnOneByOne(model, limit, overhead, most)
      assert.deepStrictEqual(taken, expected)
      model = model.filter((item) => !expected.includes(item))
      assert.deepStrictEqual(ids(rest), model.map(({ id }) => id))
      for (const chunk of rest) assert.isTrue(chunk.length > 0 && chunk.length <= 128)
      tier = rest
    }
    assert.isAbove(id, 15_000)
  })
})

/** The rule, word by word: as long as there is room, the first in order that fits. */
const drawnOneByOne = (items: ReadonlyArray<Item>, limit: number, overhead: number, most: number) => {
  const left = [...items]
  const taken: Array<Item> = []
  for (let free = limit - overhead; free > 0 && taken.length < most;) {
    const index = left.findIndex(({ length }) => length <= free)
    const [item] = index < 0 ? [] : left.splice(index, 1)
    if (item === undefined) break
    taken.push(item)
    free -= overhead + item.length
  }
  return taken
}
