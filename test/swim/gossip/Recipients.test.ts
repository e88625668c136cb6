import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { FirstHand } from "../../../src/swim/gossip/FirstHand.ts"
import { kRandom } from "../../../src/swim/gossip/PeerSelection.ts"
import { recipients } from "../../../src/swim/gossip/Recipients.ts"
import { seeded } from "../support.ts"

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

describe("who hears gossip", () => {
  it("is one who was heard from, where there is one, and first", () => {
    const random = seeded(1)
    const names = [...fakes, "real"]
    for (let i = 0; i < 200; i++) {
      const picked = recipients(3, names, everybody, heard("real"), random)
      assert.strictEqual(picked[0], "real")
      assert.strictEqual(new Set(picked).size, 3)
    }
  })

  it("is each of those who were heard from equally often, however many fakes there are", () => {
    const random = seeded(2)
    const real = ["r1", "r2", "r3", "r4"]
    const counts = new Map<string, number>()
    for (let i = 0; i < 4000; i++) {
      const [first = ""] = recipients(3, [...fakes, ...real], everybody, heard(...real), random)
      counts.set(first, (counts.get(first) ?? 0) + 1)
    }
    for (const name of real) assert.closeTo(counts.get(name) ?? 0, 1000, 150)
  })

  it("is a random member where nobody was heard from, or nobody of those who may hear it", () => {
    const none = recipients(3, fakes, everybody, heard(), seeded(3))
    assert.deepStrictEqual(none, kRandom(3, fakes, everybody, seeded(3)))
    const live = (name: string) => name !== "gone"
    assert.notInclude(recipients(3, [...fakes, "gone"], live, heard("gone"), seeded(3)), "gone")
  })

  it("is who would hear it anyway where all were heard from, by the same draws", () => {
    const names = fakes.slice(0, 100)
    const [a, b] = [seeded(4), seeded(4)]
    for (let i = 0; i < 100; i++) {
      assert.deepStrictEqual(recipients(3, names, everybody, heard(...names), a), kRandom(3, names, everybody, b))
    }
  })

  it.prop(
    "is as many as wanted, each once and eligible, and one heard from when there is any",
    [int(0, 5), int(0, 30), int(0, 30), int(1, 5), int(0, 1_000_000)],
    ([k, total, known, nth, seed]) => {
      const names = Array.from({ length: total }, (_, i) => `n${i}`)
      const eligible = (name: string) => Number(name.slice(1)) % nth === 0
      const firstHand = heard(...names.slice(0, known))
      const picked = recipients(k, names, eligible, firstHand, seeded(seed))
      assert.strictEqual(picked.length, Math.min(k, names.filter(eligible).length))
      assert.strictEqual(new Set(picked).size, picked.length)
      assert.isTrue(picked.every(eligible))
      const possible = names.some((name) => eligible(name) && firstHand.stands(name))
      if (k > 0) assert.strictEqual(firstHand.stands(picked[0] ?? ""), possible)
    },
    { arbitrary: { runs: 300 } }
  )
})
