import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import * as Signal from "../../src/engine/Signal.ts"
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

  it.effect("sets no timer while it rests, and ticks when it would have ticked without the rest", () =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
      const node = { now, random: () => 0.5, lateBy: () => 0 }
      const begun = now()
      const ticks: Array<number> = []
      let isIdle = true
      const signal = yield* Signal.make
      const rest = { isIdle: () => isIdle, woken: signal.wait }
      const tick = Effect.sync(() => void ticks.push(now() - begun))
      yield* Effect.forkChild(Ticker.every(node, 1000, () => tick, rest), { startImmediately: true })
      yield* TestClock.adjust("10200 millis")
      assert.deepStrictEqual(ticks, [])
      signal.notify()
      yield* TestClock.adjust("1 second")
      // it was told, and is idle all the same
      assert.deepStrictEqual(ticks, [])
      isIdle = false
      signal.notify()
      yield* TestClock.adjust("1800 millis")
      isIdle = true
      yield* TestClock.adjust("10 seconds")
      isIdle = false
      signal.notify()
      yield* TestClock.adjust("1 second")
      // half an interval after the beginning, and then each second; the one that was due when the rest began again is run
      assert.deepStrictEqual(ticks, [11_500, 12_500, 13_500, 23_500])
    }))
})
