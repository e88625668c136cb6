import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import { complaint, type Lost, type Write } from "../../../simulate/explorer/Maps.ts"

const write = (value: number | undefined, at: number, rest: Partial<Write> = {}): Write => ({
  node: "a",
  key: "k",
  value,
  at,
  ends: Infinity,
  life: 1,
  ...rest
})

/** All that was begun and told, where lives 1 and 2 go on. */
const known = (begun: ReadonlyArray<Write>, discarded: ReadonlyArray<Lost> = []) => ({
  begun,
  discarded,
  survivors: new Set([1, 2])
})

describe("an acknowledged write of the explorer's map", () => {
  const one = write(1, 100_000)

  for (
    const [what, is, begun, discarded] of [
      ["is there", 1, [one], []],
      ["was overwritten", 2, [one, write(2, 120_000, { node: "b" })], []],
      ["was overwritten by a clock that is behind by what is allowed", 2, [one, write(2, 95_000, { node: "b" })], []],
      ["was removed", undefined, [one, write(undefined, 120_000, { node: "b" })], []],
      ["gave way to one that has ended", undefined, [one, write(2, 120_000, { ends: 121_000 })], []],
      ["was overwritten by one that was told as discarded", 3, [
        write(3, 50_000, { node: "b" }),
        one,
        write(2, 120_000, { node: "c" })
      ], [{ key: "k", value: Option.some(2), by: "c" }]],
      ["was told as discarded", undefined, [one], [{ key: "k", value: Option.some(1), by: "a" }]]
    ] as ReadonlyArray<readonly [string, number | undefined, ReadonlyArray<Write>, ReadonlyArray<Lost>]>
  ) {
    it(`is fine when it ${what}`, () => {
      assert.isUndefined(complaint(one, is, known(begun, discarded)))
    })
  }

  it("is missed when it is gone, and nothing later took its place", () => {
    const earlier = write(undefined, 80_000, { node: "b" })
    assert.strictEqual(
      complaint(one, undefined, known([one, earlier])),
      "a wrote k = 1, and it is gone"
    )
    const other = write(undefined, 120_000, { key: "other" })
    assert.isDefined(complaint(one, undefined, known([one, other])))
  })

  it("is missed when an older one has its place, or what nobody wrote", () => {
    const older = write(2, 80_000, { node: "b" })
    assert.strictEqual(
      complaint(one, 2, known([one, older])),
      "a wrote k = 1, and there is 2 of b, 20000 ms older"
    )
    assert.strictEqual(complaint(one, 7, known([one])), "k is 7, which nobody wrote")
  })

  it("says nothing where one that is gone overwrote it, of which nothing is promised", () => {
    const older = write(2, 50_000, { node: "b" })
    const removed = write(undefined, 101_000, { node: "c", life: 3 })
    assert.isUndefined(complaint(one, 2, known([older, one, removed])))
    assert.isDefined(complaint(one, 2, known([older, one, { ...removed, life: 2 }])))
    assert.isDefined(complaint(one, 2, known([older, one, { ...removed, at: 89_000 }])))
  })

  it("that has an end is told as the removal that it is afterwards", () => {
    const ended = write(1, 100_000, { ends: 101_000 })
    const begun = [write(2, 50_000, { node: "b" }), ended]
    assert.isDefined(complaint(ended, 2, known(begun)))
    assert.isUndefined(complaint(ended, 2, known(begun, [{ key: "k", value: Option.none(), by: "a" }])))
  })

  it("that removed a key is undone when an older value is back, unless that was told", () => {
    const removed = write(undefined, 100_000)
    const older = write(2, 80_000, { node: "b" })
    const begun = [removed, older]
    assert.strictEqual(
      complaint(removed, 2, known(begun)),
      "a removed k, and there is 2 of b, 20000 ms older"
    )
    const told = { key: "k", value: Option.none(), by: "a" }
    assert.isUndefined(complaint(removed, 2, known(begun, [told])))
    assert.isDefined(complaint(removed, 2, known(begun, [{ ...told, by: "c" }])))
    assert.isUndefined(complaint(removed, undefined, known(begun)))
    // a later removal by somebody else took its place, and that one was told
    const later = write(undefined, 105_000, { node: "b", life: 2 })
    assert.isUndefined(complaint(removed, 2, known([...begun, later], [{ ...told, by: "b" }])))
    assert.isDefined(complaint(removed, 2, known([...begun, later])))
  })
})
