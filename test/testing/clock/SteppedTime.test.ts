/** The clock that most tests of whole clusters run by. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import * as SteppedTime from "../../support/SteppedTime.ts"

/** Sleeps of many fibers, and what was adjusted between them: who woke, and when. */
const program = Effect.gen(function*() {
  const woken: Array<string> = []
  const now = Effect.clockWith((clock) => clock.currentTimeMillis)
  const sleeper = (name: string, pauses: ReadonlyArray<number>) =>
    Effect.forEach(pauses, (pause) =>
      Effect.sleep(pause).pipe(
        Effect.andThen(now),
        Effect.map((at) => woken.push(`${name} ${at}`))
      ))
  yield* Effect.forkScoped(sleeper("a", [10, 10, 10]))
  yield* Effect.forkScoped(sleeper("b", [5, 15, 1]))
  yield* Effect.forkScoped(sleeper("c", [20, 0, 0.5]))
  yield* TestClock.adjust(9)
  yield* Effect.forkScoped(sleeper("d", [11, 11]))
  yield* TestClock.adjust(11)
  woken.push(`test ${yield* now}`)
  yield* TestClock.setTime(50)
  woken.push(`test ${yield* now}`)
  return woken
}).pipe(Effect.scoped)

describe("stepped time", () => {
  it.effect("wakes the same fibers at the same moments and in the same order as TestClock", () =>
    Effect.map(program, (woken) => {
      assert.isAbove(woken.length, 12)
      assert.deepStrictEqual(SteppedTime.run(program), woken)
    }))

  it("throws what the test fails with", () => {
    assert.throws(() => SteppedTime.run(Effect.die(new Error("it is broken"))), "it is broken")
  })

  it("throws where a test waits and nobody adjusts the clock", () => {
    assert.throws(() => SteppedTime.run(Effect.sleep(10)), "nobody adjusts the clock")
  })

  it("goes on although a fiber never waits", () => {
    const spinning = Effect.forkScoped(Effect.forever(Effect.yieldNow))
    assert.strictEqual(
      SteppedTime.run(Effect.scoped(spinning.pipe(Effect.andThen(TestClock.adjust(10)), Effect.as(1)))),
      1
    )
  })
})
