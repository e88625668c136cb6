import { assert, describe, it } from "@effect/vitest"
import { VersionedMap } from "../../src/base/VersionedMap.ts"
import { seeded } from "../support/Rules.ts"

const entriesOf = (map: VersionedMap<number>) => map.values().toSorted((a, b) => a - b)

describe("VersionedMap", () => {
  it("finds, replaces and removes", () => {
    const map = VersionedMap.empty<number>().with("a", 1).with("b", 2).with("a", 3)
    assert.deepStrictEqual([map.get("a"), map.get("b"), map.get("c"), map.size], [3, 2, undefined, 2])
    const less = map.with("a", undefined)
    assert.deepStrictEqual([less.has("a"), less.has("b"), less.size], [false, true, 1])
  })

  it("is the very same when nothing changes", () => {
    const map = VersionedMap.empty<number>().with("a", 1)
    assert.strictEqual(map.with("a", 1), map)
    assert.strictEqual(map.with("b", undefined), map)
  })

  it("keeps what every version said, in whatever order they are asked", () => {
    const random = seeded(3)
    const below = (n: number) => Math.floor(random() * n)
    const versions: Array<readonly [VersionedMap<number>, ReadonlyMap<string, number>]> = [
      [VersionedMap.empty(), new Map()]
    ]
    const check = ([map, model]: (typeof versions)[number]) => {
      assert.strictEqual(map.size, model.size)
      assert.deepStrictEqual(entriesOf(map), [...model.values()].toSorted((a, b) => a - b))
      for (let k = 0; k < 12; k++) assert.strictEqual(map.get(`k${k}`), model.get(`k${k}`))
    }
    for (let i = 1; i < 2000; i++) {
      // mostly the newest, sometimes one long past: versions branch
      const [map, model] = versions[random() < 0.7 ? versions.length - 1 : below(versions.length)]!
      const key = `k${below(12)}`
      const next = new Map(model)
      if (random() < 0.3) {
        next.delete(key)
        versions.push([map.with(key, undefined), next])
      } else {
        next.set(key, i)
        versions.push([map.with(key, i), next])
      }
      check(versions[below(versions.length)]!)
    }
    for (const version of versions) check(version)
    for (const version of versions.toReversed()) check(version)
  })

  it("shares nothing between two that grew from one empty map", () => {
    const empty = VersionedMap.empty<number>()
    const [a, b] = [empty.with("a", 1), empty.with("b", 2)]
    assert.deepStrictEqual([empty.size, a.values(), b.values()], [0, [1], [2]])
    const again = a.with("a", undefined).with("c", 3)
    assert.deepStrictEqual([a.values(), again.values()], [[1], [3]])
  })

  it("tells the values in the order their keys came, also after an older version was asked", () => {
    const older = VersionedMap.empty<number>().with("a", 1).with("b", 2)
    const newest = older.with("b", undefined).with("c", 3).with("b", 4).with("a", 5)
    assert.deepStrictEqual(newest.values(), [5, 3, 4])
    assert.strictEqual(older.get("b"), 2)
    assert.deepStrictEqual(newest.values(), [5, 3, 4])
  })

  it("can be changed while its values are told", () => {
    let map = VersionedMap.empty<number>().with("a", 1).with("b", 2)
    const seen: Array<number> = []
    for (const value of map.values()) {
      seen.push(value)
      map = map.with(`n${value}`, value + 10).with("a", undefined)
    }
    assert.deepStrictEqual(seen, [1, 2])
    assert.deepStrictEqual(map.values(), [2, 11, 12])
  })
})
