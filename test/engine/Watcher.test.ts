/** One fiber that looks after many things. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import * as Watcher from "../../src/engine/Watcher.ts"

/** What is due when, and how often a fiber was started. */
const watching = Effect.gen(function*() {
  const context = yield* Effect.context<never>()
  const clock = yield* TestClock.testClockWith(Effect.succeed)
  const due: Array<number> = []
  const seen: Array<number> = []
  const told = { due, seen, started: 0, mayStart: true }
  const ensure = Watcher.make(() => {
    const now = clock.currentTimeMillisUnsafe()
    while (due[0] !== undefined && due[0] <= now) seen.push(due.shift() ?? 0)
    return due[0] === undefined ? undefined : due[0] - now
  }, (watch) => {
    if (told.mayStart) {
      told.started++
      Effect.runForkWith(context)(watch)
    }
    return told.mayStart
  })
  return { told, ensure }
})

describe("a watcher", () => {
  it.effect("is one fiber for all, ends when nothing is left, and begins again with the next", () =>
    Effect.gen(function*() {
      const { ensure, told } = yield* watching
      told.due.push(10, 30)
      ensure()
      ensure()
      assert.strictEqual(told.started, 1)
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(told.seen, [10])
      ensure()
      assert.strictEqual(told.started, 1)
      yield* TestClock.adjust(20)
      assert.deepStrictEqual(told.seen, [10, 30])
      told.due.push(50)
      ensure()
      assert.strictEqual(told.started, 2)
      yield* TestClock.adjust(20)
      assert.deepStrictEqual(told.seen, [10, 30, 50])
    }))

  it.effect("is started by a later call when no fiber could be started", () =>
    Effect.gen(function*() {
      const { ensure, told } = yield* watching
      told.due.push(10)
      told.mayStart = false
      ensure()
      assert.strictEqual(told.started, 0)
      told.mayStart = true
      ensure()
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(told.seen, [10])
    }))

  it.effect("is started by a later call when the first look found nothing left", () =>
    Effect.gen(function*() {
      const { ensure, told } = yield* watching
      ensure()
      told.due.push(10)
      ensure()
      yield* TestClock.adjust(10)
      assert.deepStrictEqual(told.seen, [10])
    }))

  it.effect("is started by a later call when the first look died", () =>
    Effect.gen(function*() {
      const seen: Array<string> = []
      const ensure = Watcher.make(() => {
        seen.push("look")
        if (seen.length === 1) throw new Error("a look that fails")
        return undefined
      }, (watch) => {
        Effect.runFork(watch)
        return true
      })
      ensure()
      ensure()
      assert.deepStrictEqual(seen, ["look", "look"])
    }))

  it.effect("is one fiber when something new comes during its first look", () =>
    Effect.gen(function*() {
      const started: Array<number> = []
      const ensure: () => void = Watcher.make(() => {
        if (started.length < 3) ensure()
        return undefined
      }, (watch) => {
        started.push(started.length)
        Effect.runFork(watch)
        return true
      })
      ensure()
      assert.deepStrictEqual(started, [0])
    }))
})
