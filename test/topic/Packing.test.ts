import { assert, describe, it } from "@effect/vitest"
import * as Packing from "../../src/topic/Packing.ts"
import { MAX_BATCH, MAX_RANGES } from "../../src/topic/TopicFrame.ts"
import * as Window from "../../src/topic/Window.ts"

const message = (origin: string, sequence: number, size = 10) => ({
  origin,
  epoch: 1,
  sequence,
  payload: new Uint8Array(size)
})

describe("packing", () => {
  it("names every message once, in lists that frames can hold", () => {
    // a gap after each, so that each takes a range
    const messages = Array.from({ length: 400 }, (_, i) => message("a", 2 * i + 1))
    const others = Array.from({ length: 60 }, (_, i) => message(`m${i}`, 1))
    const lists = Packing.lists([...messages, ...others])
    for (const list of lists) {
      assert.isAtMost(list.length, 24)
      for (const { ranges } of list) assert.isAtMost(ranges.length, MAX_RANGES)
    }
    const named = lists.flat().flatMap(({ origin, ranges }) => ranges.map(([from, to]) => `${origin} ${from} ${to}`))
    const expected = [...messages, ...others].map(({ origin, sequence }) => `${origin} ${sequence} ${sequence}`)
    assert.sameMembers([...named], expected)
    // and the window finds them by such lists
    const bounds = { messages: 1_000, bytes: 1e9, age: 1_000 }
    const window = [...messages, ...others].reduce(
      (window, message) => Window.added(window, { message, from: undefined, isPushed: true, at: 0 }, bounds, 0),
      Window.empty
    )
    assert.strictEqual(Window.select(window, lists.flat(), "named", { age: 1_000, now: 0 }).length, 460)
    assert.strictEqual(Window.select(window, lists.flat(), "lacking", { age: 1_000, now: 0 }).length, 0)
    assert.strictEqual(Window.select(window, [], "lacking", { age: 1_000, now: 1_001 }).length, 0)
  })

  it("sends every message once, in batches of bounded size, and one that is larger alone", () => {
    const kept = [
      ...Array.from({ length: 3_000 }, (_, i) => message("a", i + 1, 1)),
      message("b", 1, 300_000),
      ...Array.from({ length: 10 }, (_, i) => message("c", i + 1, 100_000))
    ].map((message) => ({ message, age: 0 }))
    const batches = Packing.batches(kept, true)
    assert.deepStrictEqual(batches.flatMap(({ messages }) => messages), kept)
    for (const { messages } of batches) {
      assert.isAtMost(messages.length, MAX_BATCH)
      const bytes = messages.reduce((sum, { message }) => sum + message.payload.length, 0)
      if (messages.length > 1) assert.isAtMost(bytes, 262_144)
    }
    assert.deepStrictEqual(Packing.batches([], true), [])
  })
})
