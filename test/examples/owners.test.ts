/** How the example `task-owner` counts owners: what it says of a run is worth as much as this. */
import { assert, describe, it } from "@effect/vitest"
import { type Entry, ownersOf } from "../../examples/task-owner/owners.ts"
import { tasks } from "../../examples/task-owner/report.ts"

const follows = (at: number, name: string, ...members: ReadonlyArray<string>): Entry => ({
  _tag: "Follows",
  name,
  at,
  members
})
const begun = (at: number, name: string, task = "task-0"): Entry => ({ _tag: "Begun", name, at, task })
const ended = (at: number, name: string, task = "task-0"): Entry => ({ _tag: "Ended", name, at, task, ticks: 1 })

/** Of the first task, each with its owners, begin and end. */
const spansOf = (...entries: ReadonlyArray<Entry>) =>
  ownersOf(entries).spans.filter(({ task }) => task === "task-0").map(({ from, owners, to }) => [owners, from, to])

describe("the owners of tasks", () => {
  it("are none before anybody reports", () => {
    assert.deepInclude(ownersOf([]), {
      agreed: undefined,
      broken: 0,
      counts: { none: tasks.length, one: 0, several: 0 }
    })
  })

  it("are counted by what each has begun and not ended, in the order of the times and not of the lines", () => {
    const entries = [begun(100, "a"), begun(300, "b"), ended(250, "a"), begun(150, "a", "task-1")]
    const { counts, running } = ownersOf(entries)
    assert.deepStrictEqual(counts, { none: tasks.length - 2, one: 2, several: 0 })
    assert.deepStrictEqual([...running].map(([name, own]) => [name, ...own]), [["a", "task-1"], ["b", "task-0"]])
    assert.deepStrictEqual(spansOf(...entries), [[0, 250, 300]])
  })

  it("are two from the second begin to the first end, and one that is gone owns nothing", () => {
    assert.deepStrictEqual(spansOf(begun(100, "a"), begun(200, "b"), ended(260, "a")), [[2, 200, 260]])
    assert.deepStrictEqual(spansOf(begun(100, "a"), { _tag: "Gone", name: "a", at: 200 }), [[0, 200, undefined]])
    assert.deepStrictEqual(spansOf(begun(100, "a"), begun(200, "b"), { _tag: "Gone", name: "a", at: 230 }), [
      [2, 200, 230]
    ])
  })

  it("agree when all that run follow a ring of the same members", () => {
    const both = [follows(1, "a", "a", "b"), follows(2, "b", "a", "b")]
    assert.deepStrictEqual(ownersOf(both).agreed, ["a", "b"])
    assert.isUndefined(ownersOf([...both, follows(3, "a", "a")]).agreed)
    // one that has started and follows nothing yet
    assert.isUndefined(ownersOf([...both, { _tag: "Listens", name: "c", at: 3, address: "127.0.0.1:1" }]).agreed)
    assert.deepStrictEqual(ownersOf([...both, follows(3, "a", "a"), { _tag: "Gone", name: "b", at: 4 }]).agreed, ["a"])
  })

  it("break the promise only where two own a task while all follow one ring", () => {
    const both = [follows(1, "a", "a", "b"), follows(2, "b", "a", "b"), begun(100, "a")]
    const other = follows(150, "b", "b")
    assert.strictEqual(ownersOf([...both, begun(200, "b"), ended(260, "a")]).broken, 60)
    assert.strictEqual(ownersOf([...both, other, begun(200, "b"), ended(260, "a")]).broken, 0)
    const again = follows(220, "b", "a", "b")
    assert.strictEqual(ownersOf([...both, other, begun(200, "b"), again, ended(260, "a")]).broken, 40)
  })
})
