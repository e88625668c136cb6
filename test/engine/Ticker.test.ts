import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import * as Ticker from "../../src/engine/Ticker.ts"

describe("a ticker", () => {
  it.effect("tells how late its timer fired, and not how long its own run took", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      // as a timer that fires 7 ms late each time
      const node = { now, random: () => 0.5, lateBy: (due: number) => 7 + now() - due }
      const ticks: Array<number> = []
      const tick = (late: number) => Effect.andThen(Effect.sync(() => ticks.push(late)), Effect.sleep(1300))
      yield* Effect.forkChild(Ticker.every(node, 1000, tick), { startImmediately: true })
      yield* TestClock.adjust("3 seconds")
      // the second is due while the first still runs
      assert.deepStrictEqual(ticks.slice(0, 2), [7, 0])
    }))
})
