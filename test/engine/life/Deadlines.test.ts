/**
 * One fiber looks after the deadlines of all calls. It ends when there is none, and a call that begins just then has one
 * as well, however soon fibers give way to others.
 */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Calls from "../../../src/engine/life/Calls.ts"
import { LIMITS } from "../../../src/engine/Work.ts"

const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

/** Calls that never end by themselves, each begun some turns of the event loop after the one before; how many came late. */
const late = Effect.fnUntraced(function*(count: number) {
  const run = Effect.runForkWith(yield* Effect.context<never>())
  const live = new Set<Fiber.Fiber<void>>()
  const start = (_: string, work: Effect.Effect<void>) => {
    if (live.size >= LIMITS.late) return false
    const fiber = run(work)
    live.add(fiber)
    fiber.addObserver(() => live.delete(fiber))
    return true
  }
  const calls = yield* Calls.make({ start }, () => performance.now(), 5)
  const call = calls.runTimed("call", Effect.never, () => Effect.succeed("late")).pipe(
    Effect.timeoutOption("100 millis"),
    Effect.provideService(Scheduler.MaxOpsBeforeYield, 2048)
  )
  let ended = 0
  for (let turns = 0; turns < count; turns++) {
    if ((yield* call)._tag === "Some") ended++
    for (let i = 0; i < turns; i++) yield* turn
  }
  return ended
})

describe("a call with a deadline", () => {
  it.live("is ended when it begins while the last one's end is noted", () =>
    Effect.gen(function*() {
      for (let operations = 3; operations < 9; operations++) {
        const ended = yield* Effect.provideService(late(8), Scheduler.MaxOpsBeforeYield, operations)
        assert.strictEqual(ended, 8, `where a fiber gives way after ${operations} operations`)
      }
    }))
})
