import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { kRandom } from "../../../src/swim/gossip/PeerSelection.ts"
import { seeded } from "../support.ts"

const range = (n: number) => Array.from({ length: n }, (_, i) => i)

describe("PeerSelection", () => {
  it("always finds the one eligible peer among one, two or three", () => {
    const random = seeded(3)
    for (const k of [1, 2, 3]) {
      for (const n of [1, 2, 3]) {
        for (const only of range(n)) {
          for (let i = 0; i < 500; i++) assert.deepStrictEqual(kRandom(k, range(n), (x) => x === only, random), [only])
        }
      }
    }
  })

  it("finds the one eligible peer of a long list", () => {
    const random = seeded(3)
    for (let i = 0; i < 200; i++) assert.deepStrictEqual(kRandom(3, range(500), (x) => x === 250, random), [250])
  })

  it("finds all eligible peers of a long list when they are fewer than wanted", () => {
    const random = seeded(3)
    for (let i = 0; i < 200; i++) {
      assert.deepStrictEqual(kRandom(3, range(100), (x) => x % 50 === 7, random).slice().sort((a, b) => a - b), [7, 57])
    }
  })

  it("returns nobody when nobody is eligible, wanted or there", () => {
    assert.deepStrictEqual(kRandom(3, range(10), () => false, seeded(1)), [])
    assert.deepStrictEqual(kRandom(0, range(10), () => true, seeded(1)), [])
    assert.deepStrictEqual(kRandom(3, [], () => true, seeded(1)), [])
  })

  it.each([[1, 3], [3, 5], [3, 20], [2, 100]])("picks %i of %i with equal chance", (k, n) => {
    const random = seeded(11)
    const rounds = 30_000
    const counts = range(n).map(() => 0)
    // Every third one is not eligible.
    const eligible = range(n).filter((x) => x % 3 !== 1)
    for (let i = 0; i < rounds; i++) {
      for (const x of kRandom(k, range(n), (x) => x % 3 !== 1, random)) counts[x] = (counts[x] ?? 0) + 1
    }
    const expected = rounds * Math.min(k, eligible.length) / eligible.length
    for (const x of range(n)) {
      if (x % 3 === 1) assert.strictEqual(counts[x], 0)
      else assert.closeTo(counts[x] ?? 0, expected, 5 * Math.sqrt(expected))
    }
  })

  it.prop(
    "returns as many different eligible peers as there are, up to k",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 })),
      Schema.Array(Schema.Boolean),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))
    ],
    ([k, list, seed]) => {
      const eligible = (i: number) => list[i] === true
      const picked = kRandom(k, range(list.length), eligible, seeded(seed))
      assert.strictEqual(picked.length, Math.min(k, range(list.length).filter(eligible).length))
      assert.strictEqual(new Set(picked).size, picked.length)
      assert.isTrue(picked.every(eligible))
    }
  )
})
