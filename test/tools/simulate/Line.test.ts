import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Background from "../../../simulate/explorer/Background.ts"
import { make } from "../../../simulate/explorer/Plan.ts"
import { Progress as Exploration } from "../../../simulate/explorer/Progress.ts"
import { type Ending, Summary } from "../../../simulate/explorer/Report.ts"
import { type Outcome, run } from "../../../simulate/explorer/Run.ts"
import { fit, Line, span } from "../../../simulate/running/Line.ts"
import { Progress as Runs } from "../../../simulate/running/Progress.ts"

const TAKE_BACK = "\r\u001b[2K"

/** A terminal of so many columns, or none, and what was written to it. */
const terminal = (columns: number | undefined) => {
  const written: Array<string> = []
  const line = new Line({ isTTY: columns !== undefined, columns, write: (text) => written.push(text) })
  return { line, written, last: () => written.at(-1)?.replace(TAKE_BACK, "") }
}

/** A clock that a test sets, in seconds. */
const stopped = () => {
  let millis = 0
  return { now: () => millis, set: (seconds: number) => void (millis = seconds * 1000) }
}

describe("a line of progress", () => {
  it("has as many of its parts as fit, the most important first", () => {
    const parts = ["9/30 seeds", "", "5 s left", "0 failed"]
    assert.strictEqual(fit(parts, 100), "9/30 seeds, 5 s left, 0 failed")
    assert.strictEqual(fit(parts, 31), "9/30 seeds, 5 s left, 0 failed")
    assert.strictEqual(fit(parts, 30), "9/30 seeds, 5 s left")
    assert.strictEqual(fit(parts, 11), "9/30 seeds")
    assert.strictEqual(fit(parts, 5), "9/30")
    assert.strictEqual(fit(parts, 0), "")
  })

  it("takes back what was there before, and leaves nothing behind", () => {
    const { line, written } = terminal(40)
    line.show("one")
    line.show("two", "three")
    line.clear()
    assert.deepStrictEqual(written, [`${TAKE_BACK}one`, `${TAKE_BACK}two, three`, TAKE_BACK])
  })

  it("is not written where there is no terminal", () => {
    const { line, written } = terminal(undefined)
    line.show("one")
    line.clear()
    assert.deepStrictEqual(written, [])
  })

  it("tells spans as people do", () => {
    assert.deepStrictEqual([0.2, 89, 90, 5399, 5400, 36_000].map(span), [
      "1 s",
      "89 s",
      "2 min",
      "90 min",
      "1.5 h",
      "10.0 h"
    ])
  })
})

/** A seed that took two virtual minutes, and failed or did not. */
const outcome = (seed: number, fails: boolean): Outcome => ({
  ...run(make({ seed, nodes: 2, minutes: 0.1, mask: [], only: [] })),
  failures: fails ? [{ kind: "Liveness", at: 1, message: "" }] : [],
  elapsed: 120_000
})

describe("the progress of an exploration", () => {
  const explored = (columns: number) => {
    const { last, line } = terminal(columns)
    const { now, set } = stopped()
    const summary = new Summary()
    return { last, set, summary, progress: new Exploration({ seeds: 10, chaos: 100_000, summary, line, now }) }
  }

  it("begins with what is known, and guesses nothing", () => {
    const { last, progress } = explored(100)
    progress.at(5, 0)
    assert.strictEqual(last(), "0/10 seeds, 0 failed, seed 5: chaos 0 %")
  })

  it("tells how far a seed is, and how long it all takes at this rate", () => {
    const { last, progress, set, summary } = explored(100)
    summary.add(outcome(5, false))
    summary.add(outcome(6, true))
    set(5)
    progress.at(7, 60_000)
    assert.strictEqual(last(), "2/10 seeds, 15 s left, 1 failed, seed 7: chaos 60 %, 60 times real time")
    progress.at(7, 110_000)
    assert.match(last() ?? "", /seed 7: calm/)
  })

  it("fits into a narrow terminal", () => {
    const { last, progress, set, summary } = explored(40)
    summary.add(outcome(5, false))
    set(2)
    progress.at(6, 50_000)
    assert.strictEqual(last(), "1/10 seeds, 13 s left, 0 failed")
    progress.shrinking(6, 12, 30)
    assert.strictEqual(last(), "1/10 seeds")
  })
})

describe("the progress of an experiment's runs", () => {
  it("counts the time left down while a run lasts", () => {
    const { last, line } = terminal(100)
    const { now, set } = stopped()
    const progress = new Runs(4, { line, now })
    try {
      assert.strictEqual(last(), "0/4 runs, 00:00 gone")
      set(10)
      progress.step("first")
      assert.strictEqual(last(), "1/4 runs, 00:30 left, 00:10 gone, 6.0 a minute, last first")
      set(20)
      progress.fail("second")
      assert.strictEqual(last(), "2/4 runs, 1 failed, 00:20 left, 00:20 gone, 6.0 a minute, last second")
    } finally {
      progress.end()
    }
    assert.strictEqual(last(), "")
  })

  it("is a line now and then where there is no terminal, and one at the end", () => {
    const { line, written } = terminal(undefined)
    const { now, set } = stopped()
    const lines: Array<string> = []
    const progress = new Runs(4, { line, now, write: (text) => void lines.push(text) })
    for (const second of [1, 2, 17, 18]) {
      set(second)
      progress.step(`run ${second}`)
    }
    progress.end()
    assert.deepStrictEqual(written, [])
    assert.deepStrictEqual(lines, [
      "1/4 runs, 00:03 left, 00:01 gone, 60.0 a minute, last run 1",
      "3/4 runs, 00:06 left, 00:17 gone, 10.6 a minute, last run 17",
      "4/4 runs, 00:18 gone, 13.3 a minute, last run 18"
    ])
  })
})

describe("the end of an exploration", () => {
  const told = (ended: Ending["ended"], ...outcomes: ReadonlyArray<Outcome>) => {
    const summary = new Summary()
    for (const each of outcomes) summary.add(each)
    return summary.text({ first: 5, seeds: 3, ended }).split("\n")
  }

  it("is that nothing was found, when all seeds are done", () => {
    const lines = told("Finished", outcome(5, false), outcome(6, false), outcome(7, false))
    assert.strictEqual(lines.at(-1), "no failures")
    assert.isTrue(lines.every((line) => line.length <= 60), lines.join("\n"))
  })

  it("is the first failure, and what is not done because of it", () => {
    assert.deepStrictEqual(told("Finished", outcome(5, false), outcome(6, true)).slice(-2), [
      "FAILED seeds: 6",
      "the first failure ended the run: 1 of 3 seeds are not done; --keep-going does not stop"
    ])
  })

  it("is an interruption, and how to go on", () => {
    assert.deepStrictEqual(told("Interrupted", outcome(5, false)).slice(-2), [
      "no failures so far",
      "interrupted: 2 of 3 seeds are not done; go on with --seed 6 --seeds 2"
    ])
    assert.deepStrictEqual(told("Interrupted"), [
      "interrupted: 3 of 3 seeds are not done; go on with --seed 5 --seeds 3"
    ])
  })

  it("does not call it an agreement where there was none", () => {
    const none = { ...outcome(5, true), agreedAfter: undefined }
    assert.include(told("Finished", none).join("\n"), "no agreement after calm")
  })
})

describe("the thread that seeds are lived through in", () => {
  const options = { seed: 3, nodes: 3, minutes: 0.2, mask: [] }

  it.live("gives the outcome that the simulation gives here", () =>
    Effect.gen(function*() {
      const ask = yield* Background.make
      const there = yield* ask({ _tag: "Live", options }, () => {})
      assert.deepStrictEqual(there, run(make(options)))
    }), 60_000)

  it.live("ends at once in the middle of a seed", () =>
    Effect.gen(function*() {
      let told = 0
      const started = yield* Deferred.make<void>()
      const onTold = () => {
        told++
        Deferred.doneUnsafe(started, Effect.void)
      }
      const running = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
        const ask = yield* Background.make
        return yield* ask({ _tag: "Live", options: { ...options, nodes: 20, minutes: 1440 } }, onTold)
      })))
      yield* Deferred.await(started)
      yield* Fiber.interrupt(running)
      const before = told
      yield* Effect.sleep(1000)
      assert.strictEqual(told, before)
    }), 60_000)
})
