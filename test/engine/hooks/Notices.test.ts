import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as HookCalls from "../../../src/engine/hooks/HookCalls.ts"
import * as Notices from "../../../src/engine/hooks/Notices.ts"
import * as Counters from "../../../src/engine/telemetry/Counters.ts"
import * as Logs from "../../../src/engine/telemetry/Logs.ts"
import * as Work from "../../../src/engine/Work.ts"

/** Notices whose first is being served until `release`, and what was served and over. */
const make = Effect.gen(function*() {
  const counters = Counters.make(Context.empty(), {})
  const logs = yield* Logs.make({ name: "a", now: () => 0, onDrop: () => {} })
  const hooks = yield* HookCalls.make(yield* Work.make(counters, logs), counters, logs)
  const notices = yield* Notices.make("conflict", hooks, counters, logs)
  const gate = yield* Deferred.make<void>()
  const served: Array<string> = []
  const over: Array<string> = []
  const offer = (name: string, size = 0) =>
    notices.offer({
      call: () => Effect.andThen(Effect.sync(() => void served.push(name)), Deferred.await(gate)),
      size,
      over: () => void over.push(name)
    })
  yield* Effect.forkScoped(notices.loop, { startImmediately: true })
  offer("first")
  yield* Effect.yieldNow
  assert.deepStrictEqual(served, ["first"])
  const release = Effect.andThen(Deferred.succeed(gate, undefined), Effect.yieldNow)
  return { offer, release, served, over, dropped: () => counters.totals().get("hook.dropped:conflict") ?? 0 }
})

const names = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => String(from + i))

describe("notices", () => {
  it.effect("drop the oldest of those that wait, and serve the rest in order", () =>
    Effect.gen(function*() {
      const { dropped, offer, over, release, served } = yield* make
      for (const name of names(0, Notices.MAX_NOTICES + 44)) offer(name)
      assert.deepStrictEqual(over, names(0, 44))
      assert.strictEqual(dropped(), 44)
      yield* release
      assert.deepStrictEqual(served, ["first", ...names(44, Notices.MAX_NOTICES + 44)])
      assert.deepStrictEqual(over.slice(44), served)
    }))

  it.effect("are bounded by their bytes too, but a single one may be larger", () =>
    Effect.gen(function*() {
      const { offer, over, release, served } = yield* make
      offer("small", 1)
      offer("half", Notices.MAX_NOTICE_BYTES / 2)
      offer("rest", Notices.MAX_NOTICE_BYTES / 2)
      assert.deepStrictEqual(over, ["small"])
      offer("huge", 10 * Notices.MAX_NOTICE_BYTES)
      assert.deepStrictEqual(over, ["small", "half", "rest"])
      yield* release
      assert.deepStrictEqual(served, ["first", "huge"])
    }))

  it.effect("are never served by whoever offers them", () =>
    Effect.gen(function*() {
      const { offer, release, served } = yield* make
      yield* release
      offer("next")
      assert.deepStrictEqual(served, ["first"])
      yield* Effect.yieldNow
      assert.deepStrictEqual(served, ["first", "next"])
    }))
})
