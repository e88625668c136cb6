import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as ProbeRing from "../../../src/swim/probing/ProbeRing.ts"
import { seeded } from "../../support/Rules.ts"

const letters = ["a", "b", "c", "d"]

describe("ProbeRing", () => {
  it("gives a new name a place by swapping it with a random earlier one", () => {
    const ring = ProbeRing.insert(ProbeRing.empty, letters, () => 0)
    assert.deepStrictEqual([...ring.names], ["d", "a", "b", "c"])
    assert.deepStrictEqual([...ProbeRing.insert(ring, ["e"], () => 0.5).names], ["d", "a", "e", "c", "b"])
  })

  it("keeps its position when names are added", () => {
    const ring = ProbeRing.insert(
      ProbeRing.advance(ProbeRing.insert(ProbeRing.empty, letters, () => 0)),
      ["e"],
      () => 0
    )
    assert.strictEqual(ring.index, 1)
  })

  it("adds many names as it adds them one by one", () => {
    const one = seeded(5)
    const many = seeded(5)
    const oneByOne = letters.reduce((ring, name) => ProbeRing.insert(ring, [name], one), ProbeRing.empty)
    assert.deepStrictEqual([...oneByOne.names], [...ProbeRing.insert(ProbeRing.empty, letters, many).names])
  })

  it("gives two rings that grew from one their own newcomers", () => {
    const ring = ProbeRing.insert(ProbeRing.empty, letters, () => 0)
    const e = ProbeRing.insert(ring, ["e"], () => 0)
    const f = ProbeRing.insert(ring, ["f"], () => 0)
    assert.deepStrictEqual([...e.names], ["e", "a", "b", "c", "d"])
    assert.deepStrictEqual([...f.names], ["f", "a", "b", "c", "d"])
    assert.deepStrictEqual([...ring.names], ["d", "a", "b", "c"])
  })

  it("does not change the ring it was given", () => {
    const ring = ProbeRing.insert(ProbeRing.empty, letters, () => 0)
    const names = [...ring.names]
    ProbeRing.insert(ring, ["e"], () => 0)
    ProbeRing.shuffle([...ring.names], seeded(1))
    assert.deepStrictEqual([...ring.names], names)
  })

  it("starts a shuffled round at its first place, with the same names", () => {
    const ring = ProbeRing.shuffle(letters, seeded(1))
    assert.strictEqual(ring.index, 0)
    assert.deepStrictEqual([...ring.names].sort(), letters)
  })

  it("shuffles every name to every place equally often", () => {
    const random = seeded(7)
    const rounds = 8000
    const counts = new Map<string, number>()
    for (let i = 0; i < rounds; i++) {
      for (const [place, name] of [...ProbeRing.shuffle(letters, random).names].entries()) {
        const key = `${name}${place}`
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
    }
    assert.strictEqual(counts.size, 16)
    for (const count of counts.values()) assert.closeTo(count, rounds / 4, 150)
  })

  it.prop(
    "gives a replaced name's place to another, whatever was inserted and replaced before",
    [
      Arbitrary.array(
        Arbitrary.schema(Schema.Struct({
          replaces: Schema.Boolean
        })),
        { maxLength: 60 }
      ),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))
    ],
    ([steps, seed]) => {
      const random = seeded(seed)
      let ring = ProbeRing.insert(ProbeRing.empty, ["a", "b", "c"], random)
      const present = new Set(["a", "b", "c"])
      const replaced: Array<string> = []
      steps.forEach(({ replaces }, i) => {
        // a name that was replaced may come back
        const back = replaced.find((name) => !present.has(name))
        const name = i % 3 === 0 && back !== undefined ? back : `n${i}`
        const place = replaces ? ProbeRing.sample(ring, random) : undefined
        if (place !== undefined && present.has(place.name)) {
          ring = ProbeRing.replace(ring, place, name)
          present.delete(place.name)
          replaced.push(place.name)
        } else ring = ProbeRing.insert(ring, [name], random)
        present.add(name)
        assert.deepStrictEqual([...ring.names].sort(), Array.from(present).sort())
      })
      assert.deepStrictEqual([...ring.names].sort(), Array.from(present).sort())
    }
  )
})
