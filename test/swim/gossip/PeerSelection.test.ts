import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { FirstHand } from "../../../src/swim/gossip/FirstHand.ts"
import { kRandom, kRandomKnown, select } from "../../../src/swim/gossip/PeerSelection.ts"
import * as T from "../../support/Rules.ts"

const { seeded } = T

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

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Heard from are exactly these. */
const heard = (...names: ReadonlyArray<string>): FirstHand => ({
  size: names.length,
  has: (name) => names.includes(name),
  stands: (name) => names.includes(name),
  any: (eligible, random) => kRandom(1, names, eligible, random)[0]
})

const everybody = () => true
const fakes = Array.from({ length: 1000 }, (_, i) => `fake-${i}`)

describe("a random member of a table full of made-up ones", () => {
  it("is one who was heard from, where there is one, and first", () => {
    const random = seeded(1)
    const names = [...fakes, "real"]
    for (let i = 0; i < 200; i++) {
      const picked = kRandomKnown(3, names, everybody, heard("real"), random)
      assert.strictEqual(picked[0], "real")
      assert.strictEqual(new Set(picked).size, 3)
    }
  })

  it("is each of those who were heard from equally often, however many fakes there are", () => {
    const random = seeded(2)
    const real = ["r1", "r2", "r3", "r4"]
    const counts = new Map<string, number>()
    for (let i = 0; i < 4000; i++) {
      const [first = ""] = kRandomKnown(3, [...fakes, ...real], everybody, heard(...real), random)
      counts.set(first, (counts.get(first) ?? 0) + 1)
    }
    for (const name of real) assert.closeTo(counts.get(name) ?? 0, 1000, 150)
  })

  it("is a random member where nobody was heard from, or nobody of those who may hear it", () => {
    const none = kRandomKnown(3, fakes, everybody, heard(), seeded(3))
    assert.deepStrictEqual(none, kRandom(3, fakes, everybody, seeded(3)))
    const live = (name: string) => name !== "gone"
    assert.notInclude(kRandomKnown(3, [...fakes, "gone"], live, heard("gone"), seeded(3)), "gone")
  })

  it("is who would hear it anyway where all were heard from, by the same draws", () => {
    const names = fakes.slice(0, 100)
    const [a, b] = [seeded(4), seeded(4)]
    for (let i = 0; i < 100; i++) {
      assert.deepStrictEqual(kRandomKnown(3, names, everybody, heard(...names), a), kRandom(3, names, everybody, b))
    }
  })

  it.prop(
    "is as many as wanted, each once and eligible, and one heard from when there is any",
    [int(0, 5), int(0, 30), int(0, 30), int(1, 5), int(0, 1_000_000)],
    ([k, total, known, nth, seed]) => {
      const names = Array.from({ length: total }, (_, i) => `n${i}`)
      const eligible = (name: string) => Number(name.slice(1)) % nth === 0
      const firstHand = heard(...names.slice(0, known))
      const picked = kRandomKnown(k, names, eligible, firstHand, seeded(seed))
      assert.strictEqual(picked.length, Math.min(k, names.filter(eligible).length))
      assert.strictEqual(new Set(picked).size, picked.length)
      assert.isTrue(picked.every(eligible))
      const possible = names.some((name) => eligible(name) && firstHand.stands(name))
      if (k > 0) assert.strictEqual(firstHand.stands(picked[0] ?? ""), possible)
    },
    { arbitrary: { runs: 300 } }
  )
})

describe("select", () => {
  const names = ["a", "b", "c", "d", "e"]
  const m = T.cluster(...names)

  it.prop(
    "picks as many entries as there are eligible members, up to k, each once and never ourselves",
    [int(0, 7), Schema.Array(Schema.Boolean), int(0, 1_000_000), Schema.Boolean, int(0, 5)],
    ([k, wanted, seed, knows, known]) => {
      const eligible = (name: string) => wanted[names.indexOf(name)] ?? true
      const firstHand = knows ? heard(...names.slice(0, known)) : undefined
      const picked = select(m, k, ({ name }) => eligible(name), { ...T.env({ random: seeded(seed) }), firstHand })
      assert.strictEqual(picked.length, Math.min(k, names.filter(eligible).length))
      assert.strictEqual(new Set(picked).size, picked.length)
      for (const entry of picked) {
        assert.isTrue(eligible(entry.name) && entry.name !== T.SELF)
        assert.strictEqual(entry, m.entries.get(entry.name))
      }
      const possible = names.slice(0, known).some(eligible)
      if (knows && k > 0) assert.strictEqual(firstHand?.stands(picked[0]?.name ?? ""), possible)
    },
    { arbitrary: { runs: 300 } }
  )

  it("draws as kRandom does over the ring where nobody knows who was heard from, as in the paper", () => {
    for (let seed = 0; seed < 50; seed++) {
      const picked = select(m, 2, ({ name }) => name !== "c", T.env({ random: seeded(seed) }))
      const others = (name: string) => name !== T.SELF && name !== "c"
      assert.deepStrictEqual(picked.map(({ name }) => name), kRandom(2, m.ring.names, others, seeded(seed)))
    }
  })

  it("picks nobody where we are alone", () => {
    assert.deepStrictEqual(select(T.started(), 3, () => true, T.env()), [])
  })
})
