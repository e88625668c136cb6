import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Deadlines from "../../../src/swim/suspicion/Deadlines.ts"

const int = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const added = (all: ReadonlyArray<Deadlines.Deadline>) => all.reduce(Deadlines.add, Deadlines.none)
const at = (...times: ReadonlyArray<number>) => times.map((at, i) => ({ name: `m${i}`, at }))
const { MAX_LISTED } = Deadlines

describe("Deadlines", () => {
  it("are listed soonest first, and those at the same time in the order in which they came", () => {
    const { horizon, soonest } = added(at(30, 10, 20, 10))
    assert.deepStrictEqual(soonest.map(({ at, name }) => `${name} ${at}`), ["m1 10", "m3 10", "m2 20", "m0 30"])
    assert.strictEqual(horizon, Infinity)
  })

  it("are next at the first one, at the horizon where none is listed, and never where there is none", () => {
    assert.strictEqual(Deadlines.next(added(at(30, 10))), 10)
    assert.strictEqual(Deadlines.next({ soonest: [], horizon: 40 }), 40)
    assert.strictEqual(Deadlines.next(Deadlines.none), Infinity)
  })

  it("keep the earlier half when there are too many, and nothing beyond it", () => {
    const full = added(at(...Array.from({ length: MAX_LISTED }, (_, i) => i)))
    assert.strictEqual(full.horizon, Infinity)
    const cut = Deadlines.add(full, { name: "late", at: 1e9 })
    assert.deepStrictEqual(cut, { soonest: full.soonest.slice(0, MAX_LISTED / 2), horizon: MAX_LISTED / 2 })
    assert.strictEqual(Deadlines.add(cut, { name: "later", at: cut.horizon }), cut)
    assert.strictEqual(Deadlines.add(cut, { name: "sooner", at: cut.horizon - 1 }).soonest.length, MAX_LISTED / 2 + 1)
  })

  it.prop(
    "name everybody before the horizon, one by one or all together",
    [Arbitrary.array(Arbitrary.schema(int(0, 1000)), { maxLength: 2000 })],
    ([times]) => {
      const all = at(...times)
      for (const deadlines of [added(all), Deadlines.from((each) => all.forEach(each))]) {
        const { horizon, soonest } = deadlines
        const sorted = all.toSorted((a, b) => a.at - b.at)
        assert.isTrue(sorted.slice(soonest.length).every(({ at }) => at >= horizon))
        assert.deepStrictEqual(soonest.map(({ at }) => at), sorted.slice(0, soonest.length).map(({ at }) => at))
        assert.strictEqual(new Set(soonest).size, soonest.length)
        assert.isAtMost(soonest.length, MAX_LISTED)
        if (all.length <= MAX_LISTED) assert.strictEqual(horizon, Infinity)
        assert.strictEqual(Deadlines.next(deadlines), Math.min(...times))
      }
    },
    { arbitrary: { runs: 100, size: 2000 } }
  )
})
