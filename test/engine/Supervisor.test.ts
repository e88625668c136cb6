import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { LONGEST_PAUSE, supervise, WELL_AFTER } from "../../src/engine/Supervisor.ts"
import * as Counters from "../../src/engine/telemetry/Counters.ts"
import * as Logs from "../../src/engine/telemetry/Logs.ts"

/** Supervises a loop that lives for as long as `lives` says, one after the other, and then forever. Answers its pauses. */
const pausesAfter = Effect.fnUntraced(function*(lives: ReadonlyArray<number>) {
  const counters = Counters.make(Context.empty(), {})
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const logs = yield* Logs.make({ name: "a", now, onDrop: () => {} })
  const pauses: Array<number> = []
  let died: number | undefined
  let life = 0
  const loop = Effect.gen(function*() {
    if (died !== undefined) pauses.push(now() - died)
    const millis = lives[life++]
    if (millis === undefined) return yield* Effect.never
    if (millis > 0) yield* Effect.sleep(millis)
    died = now()
    return yield* Effect.die(new Error("a defect"))
  })
  // without jitter
  yield* supervise("loop", { counters, logs, now, random: () => 0.5 }, loop)
  yield* TestClock.adjust("1 hour")
  assert.strictEqual(counters.totals().get("fiber.restarted:loop"), lives.length)
  return pauses
})

const doubling = [10, 20, 40, 80, 160, 320, 640, 1280, 2560, LONGEST_PAUSE, LONGEST_PAUSE]

describe("a loop that dies", () => {
  it.effect("again and again is restarted after pauses that double up to five seconds", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* pausesAfter(doubling.map(() => 0)), doubling)
    }))

  it.effect("at each of its turns is not taken for well", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* pausesAfter(doubling.map(() => 1_000)), doubling)
    }))

  it.effect("after it ran well for half a minute begins with the first pause again, however often it has died", () =>
    Effect.gen(function*() {
      const lives = [...doubling.map(() => 0), WELL_AFTER, 0, WELL_AFTER - 1, WELL_AFTER]
      assert.deepStrictEqual(yield* pausesAfter(lives), [...doubling, 10, 20, 40, 10])
    }))

  it.effect("pauses for up to a fifth more or less, by chance", () =>
    Effect.gen(function*() {
      const counters = Counters.make(Context.empty(), {})
      const logs = yield* Logs.make({ name: "a", now: () => 0, onDrop: () => {} })
      const restarted = () => counters.totals().get("fiber.restarted:loop") ?? 0
      for (const [random, pause] of [[0, 8], [0.999, 12]] as const) {
        const before = restarted()
        yield* Effect.scoped(Effect.gen(function*() {
          yield* supervise("loop", { counters, logs, now: () => 0, random: () => random }, Effect.die("a defect"))
          yield* TestClock.adjust(pause - 1)
          assert.strictEqual(restarted() - before, 1)
          yield* TestClock.adjust(1)
          assert.strictEqual(restarted() - before, 2)
        }))
      }
    }))

  it.effect("of an interruption from inside is restarted and counted as well", () =>
    Effect.gen(function*() {
      const counters = Counters.make(Context.empty(), {})
      const logs = yield* Logs.make({ name: "a", now: () => 0, onDrop: () => {} })
      yield* supervise("loop", { counters, logs, now: () => 0, random: () => 0.5 }, Effect.interrupt)
      yield* TestClock.adjust(11)
      assert.strictEqual(counters.totals().get("fiber.restarted:loop"), 2)
    }))
})

describe("a supervised loop", () => {
  it.effect("ends with its scope, which is no death", () =>
    Effect.gen(function*() {
      const counters = Counters.make(Context.empty(), {})
      const logs = yield* Logs.make({ name: "a", now: () => 0, onDrop: () => {} })
      yield* Effect.scoped(Effect.andThen(
        supervise("loop", { counters, logs, now: () => 0, random: () => 0.5 }, Effect.never),
        TestClock.adjust("1 second")
      ))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([...counters.totals()], [])
    }))
})
