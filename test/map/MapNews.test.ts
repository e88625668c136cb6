import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as MapInput from "../../src/map/MapInput.ts"
import * as MapNews from "../../src/map/MapNews.ts"
import * as MapOptions from "../../src/map/MapOptions.ts"
import { Replica, type Rules } from "../../src/map/Replica.ts"

const rules: Rules = { life: 3_600_000, ahead: 60_000, mostEntries: 400_000, mostBytes: 2 ** 28 }

describe("what a comparison brought", () => {
  it.effect("is told as it is by then, though it was written again or expired before it was told", () =>
    Effect.gen(function*() {
      const settings = yield* MapOptions.checked({})
      const input = MapInput.make("m", { key: Schema.String, value: Schema.String }, settings)
      const bytes = (value: string) => Result.getOrThrow(input.bytesOf("k", value))
      const [one, two] = [new Replica("one", 1_000, rules), new Replica("two", 1_000, rules)]
      one.write("again", bytes("same"), undefined, 1_000)
      one.write("expired", bytes("short"), 2_000, 1_000)
      one.write("later", bytes("old"), undefined, 1_000)
      one.write("stays", bytes("here"), undefined, 1_000)
      const merged = two.delta(one.table.all(), 1_000)
      const news = MapNews.make<string, string>({ capacity: 16, count: () => {}, input, replica: two })
      // no change: what it tells is what the first one is to tell
      news.tellChanges(two.write("again", bytes("same"), undefined, 1_500).changes)
      news.tellChanges(two.write("later", bytes("new"), undefined, 1_500).changes)
      news.tellChanges(two.sweep(3_000))
      yield* news.tellMuch(merged)
      news.end()
      const told = yield* Stream.runCollect(news.changes.stream)
      assert.deepStrictEqual(
        Array.from(told, ([{ key, value }]) => `${key} ${Option.getOrElse(value, () => "gone")}`),
        ["later new", "expired gone", "again same", "stays here"]
      )
    }))
})
