import { assert, describe, it } from "@effect/vitest"
import { NameList } from "../../../src/swim/probing/NameList.ts"
import { seeded } from "../../support/Rules.ts"

const named = (count: number) => Array.from({ length: count }, (_, i) => `n${i}`)

describe("NameList", () => {
  it("has the names of an array at its places, however many there are", () => {
    for (const count of [0, 1, 127, 128, 129, 256, 1000]) {
      const names = NameList.of(named(count))
      assert.deepStrictEqual([...names], named(count))
      assert.strictEqual(names.length, count)
      assert.strictEqual(names.at(count - 1), named(count).at(-1))
      assert.isUndefined(names.at(count))
    }
  })

  it("changes and grows as an array does, and every older list stays as it was", () => {
    const random = seeded(6)
    const lists = [NameList.of([])]
    const arrays: Array<ReadonlyArray<string>> = [[]]
    for (let i = 1; i <= 600; i++) {
      const array = arrays[i - 1]!
      const list = lists[i - 1]!
      const index = Math.floor(random() * array.length)
      const grows = array.length === 0 || random() < 0.7
      lists.push(grows ? list.append(`n${i}`) : list.with(index, `n${i}`))
      arrays.push(grows ? [...array, `n${i}`] : array.with(index, `n${i}`))
    }
    assert.deepStrictEqual(lists.map((names) => [...names]), arrays)
    assert.deepStrictEqual(lists.map((names) => names.length), arrays.map((names) => names.length))
  })
})
