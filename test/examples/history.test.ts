/** How the example `kv-store` judges a run: what it says is worth as much as this. */
import { assert, describe, it } from "@effect/vitest"
import { judge, type Write } from "../../examples/kv-store/history.ts"

const wrote = (value: string | undefined, sent: number, answered?: number): Write => ({
  node: "anna",
  key: "k",
  value,
  sent,
  answered
})
const removed = (sent: number, answered?: number) => wrote(undefined, sent, answered)

/** Of one key, what each node has; `undefined` for nothing. */
const judged = (writes: ReadonlyArray<Write>, ...values: ReadonlyArray<string | undefined>) =>
  judge(
    writes,
    new Map(values.map((value, i) => [`n${i + 1}`, new Map(value === undefined ? [] : [["k", value]])]))
  )
const fine = { differ: [], wrong: [] }

describe("what a key/value store has", () => {
  it("is the last of what was acknowledged, at all nodes", () => {
    const writes = [wrote("a", 10, 20), wrote("b", 30, 40)]
    assert.deepStrictEqual(judged(writes, "b", "b"), fine)
    assert.deepStrictEqual(judged(writes, "a", "a").wrong, ["n1 has a for k, and not b", "n2 has a for k, and not b"])
    assert.deepStrictEqual(judged(writes, "b", "a"), { differ: ["k"], wrong: ["n2 has a for k, and not b"] })
    assert.deepStrictEqual(judged(writes, "b", undefined), {
      differ: ["k"],
      wrong: ["n2 has nothing for k, and not b"]
    })
  })

  it("is either of two that were written at the same time, but one of them", () => {
    const writes = [wrote("a", 10, 30), wrote("b", 30, 40), wrote("c", 20, 50)]
    for (const value of ["a", "b", "c"]) assert.deepStrictEqual(judged(writes, value, value), fine)
    assert.deepStrictEqual(judged(writes, "a", "b"), { differ: ["k"], wrong: [] })
    assert.lengthOf(judged(writes, undefined).wrong, 1)
  })

  it("may be what was never acknowledged, or what was there before", () => {
    const writes = [wrote("a", 10, 20), wrote("b", 30)]
    for (const value of ["a", "b"]) assert.deepStrictEqual(judged(writes, value), fine)
    assert.lengthOf(judged(writes, undefined).wrong, 1)
    for (const value of [undefined, "b"]) assert.deepStrictEqual(judged([wrote("b", 30)], value), fine)
    // it may come late, but not instead of what came after it
    const late = [wrote("b", 10), wrote("a", 20, 30), wrote("c", 40, 50)]
    for (const value of ["b", "c"]) assert.deepStrictEqual(judged(late, value), fine)
    assert.lengthOf(judged(late, "a").wrong, 1)
  })

  it("is not what was removed, nor what nobody wrote", () => {
    const writes = [wrote("a", 10, 20), removed(30, 40)]
    assert.deepStrictEqual(judged(writes, undefined), fine)
    assert.deepStrictEqual(judged(writes, "a").wrong, ["n1 has a for k, and not nothing"])
    assert.deepStrictEqual(judged([...writes, wrote("b", 50, 60)], "b"), fine)
    assert.deepStrictEqual(judged([], "x").wrong, ["n1 has x for k, and not nothing"])
  })
})
