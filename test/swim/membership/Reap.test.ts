import { assert, describe, it } from "@effect/vitest"
import { vi } from "vitest"
import * as Dead from "../../../src/swim/membership/Dead.ts"
import * as Reap from "../../../src/swim/membership/Reap.ts"
import * as T from "../../support/Rules.ts"

const { OTHER, SELF } = T

describe("reaping", () => {
  it("forgets who has been gone for longer than the retention, and nobody else", () => {
    const rules = { gossipToTheDeadTime: 15_000 }
    for (const state of ["alive", "suspect", "dead", "left"] as const) {
      for (const passed of [0, 15_000, 15_001, 1e9]) {
        const m = T.known(state, 1)
        const [next, directives] = Reap.reap(m, T.env({ now: passed, rules }))
        const forgotten = (state === "dead" || state === "left") && passed > 15_000
        assert.strictEqual(T.has(next, OTHER), !forgotten, `${state} ${passed}`)
        assert.deepStrictEqual(T.words(directives), forgotten ? ["Reaped"] : [])
        assert.strictEqual(next.entries.size, forgotten ? 1 : 2)
        assert.deepStrictEqual([...next.ring.names].sort(), forgotten ? [SELF] : [OTHER, SELF])
        assert.strictEqual(next.ring.index, 0)
      }
    }
  })

  it("forgets many of many with work in proportion to the table", () => {
    const names = Array.from({ length: 400 }, (_, i) => `m${i}`)
    let m = T.cluster(...names)
    for (const name of names.slice(0, 200)) [m] = Dead.dead(m, T.dead(name, 1, OTHER), T.env())
    const writes = [vi.spyOn(Map.prototype, "set"), vi.spyOn(Map.prototype, "delete")]
    const [next, directives] = Reap.reap(m, T.env({ now: 1e9 }))
    const written = writes.reduce((sum, { mock }) => sum + mock.calls.length, 0)
    for (const spy of writes) spy.mockRestore()
    assert.deepStrictEqual([next.entries.size, directives.length], [201, 200])
    // each write to the map that the versions share; one that goes back to an older version repeats all in between
    assert.isAtMost(written, 2 * names.length)
  })
})
