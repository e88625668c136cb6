import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Ranges from "../../src/topic/Ranges.ts"

const number = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))
const numbers = Arbitrary.array(Arbitrary.schema(number), { maxLength: 40 })
const sorted = (set: Iterable<number>) => [...set].sort((a, b) => a - b)
const listed = (ranges: Ranges.Ranges) =>
  ranges.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, i) => from + i))

describe("ranges", () => {
  it.prop("are the set of the numbers that were added, with as few ranges as possible", [numbers], ([all]) => {
    let ranges: Ranges.Ranges = []
    const set = new Set<number>()
    for (const n of all) {
      ranges = Ranges.add(ranges, n)
      set.add(n)
      assert.deepStrictEqual(listed(ranges), sorted(set))
      assert.isTrue(ranges.every(([from], i) => i === 0 || from > (ranges[i - 1]?.[1] ?? 0) + 1))
    }
    assert.deepStrictEqual(Ranges.of(all), ranges)
    for (let n = 0; n <= 42; n++) assert.strictEqual(Ranges.has(ranges, n), set.has(n))
  })

  it.prop("tell what another set lacks, the highest first", [numbers, numbers], ([wanted, known]) => {
    const has = new Set(known)
    const expected = sorted(new Set(wanted)).filter((n) => !has.has(n)).toReversed()
    assert.deepStrictEqual(Ranges.lacking(Ranges.of(wanted), Ranges.of(known), 100), expected)
    assert.deepStrictEqual(Ranges.lacking(Ranges.of(wanted), Ranges.of(known), 3), expected.slice(0, 3))
  })

  it.prop(
    "are united to one set, with as few ranges as possible",
    [Arbitrary.array(numbers, { maxLength: 5 })],
    (all) => {
      const sets = all[0]
      assert.deepStrictEqual(Ranges.union(sets.map(Ranges.of)), Ranges.of(sets.flat()))
    }
  )

  it("tell a few numbers of a range without end at once", () => {
    const all: Ranges.Ranges = [[1, Number.MAX_SAFE_INTEGER]]
    const most = Number.MAX_SAFE_INTEGER
    assert.deepStrictEqual(Ranges.lacking(all, [[1, most - 2]], 5), [most, most - 1])
    assert.strictEqual(Ranges.lacking(all, [], 5).length, 5)
  })

  it("forget the narrowest where there is one too many, and never what came just now", () => {
    const ranges: Ranges.Ranges = [[1, 2], [4, 4], [6, 9], [11, 11]]
    assert.deepStrictEqual(Ranges.capped(ranges, 4, 11), ranges)
    assert.deepStrictEqual(Ranges.capped(ranges, 3, 11), [[1, 2], [6, 9], [11, 11]])
    assert.deepStrictEqual(Ranges.capped(ranges, 3, 4), [[1, 2], [4, 4], [6, 9]])
    assert.deepStrictEqual(Ranges.capped([[4, 4], [6, 6]], 1, 6), [[6, 6]])
  })
})
