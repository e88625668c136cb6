import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as SubscriptionRef from "effect/SubscriptionRef"
import * as Terminal from "effect/Terminal"
import { TestClock } from "effect/testing"
import * as Narrator from "../../../src/agent/demo/Narrator.ts"
import * as Screen from "../../../src/agent/demo/Screen.ts"
import * as World from "../../../src/agent/demo/World.ts"
import * as Tale from "../../support/DemoTale.ts"

/** What the demo does while its picture is drawn, and everything that comes out of it, in its order. */
const watched = Effect.fnUntraced(function*<E>(
  colours: boolean,
  body: (world: World.World, resize: (columns: number, rows: number) => void) => Effect.Effect<void, E>
) {
  const out: Array<string> = []
  let size = { columns: 80, rows: 24 }
  const screen = Terminal.make({
    columns: Effect.sync(() => size.columns),
    rows: Effect.sync(() => size.rows),
    size: Effect.never,
    readInput: Effect.never,
    readLine: Effect.never,
    display: (text) => Effect.sync(() => void out.push(text))
  })
  const console = {
    ...globalThis.console,
    log: (line: string) => void out.push(`${line}\n`),
    error: (line: string) => void out.push(`error: ${line}\n`)
  }
  const world = yield* World.make
  const narrator = Screen.picture(screen, { colours, unicode: true })
  const fiber = yield* Narrator.during(narrator, world, body(world, (columns, rows) => (size = { columns, rows })))
    .pipe(
      Effect.scoped,
      Effect.provideService(Console.Console, console),
      Effect.forkChild
    )
  return { fiber, out }
})

const set = (world: World.World, state: World.State) => SubscriptionRef.set(world.state, state)
const middle = Tale.told(Tale.nodes(5)).findLast(({ at }) => at <= 5000)?.state ?? World.empty

const ENTER = "\u001b[?1049h\u001b[?25l"
const LEAVE = "\u001b[?25h\u001b[?1049l"

/** The terminal is as it was: the first screen, a cursor, lines that wrap, no colour, and only text comes after. */
const assertGivenBack = (out: ReadonlyArray<string>) => {
  const all = out.join("")
  assert.isTrue(all.startsWith(ENTER))
  assert.strictEqual(all.split(LEAVE).length, 2)
  assert.include(all.slice(0, all.indexOf(LEAVE)), "\u001b[0m\u001b[?7h")
  assert.notInclude(all.slice(all.indexOf(LEAVE) + LEAVE.length), "\u001b")
}

describe("the demo's screen", () => {
  it.effect("gives the terminal back, and then tells what happened", () =>
    Effect.gen(function*() {
      const { fiber, out } = yield* watched(false, (world) => Effect.andThen(set(world, middle), Effect.sleep(450)))
      yield* TestClock.adjust(1000)
      yield* Fiber.join(fiber)
      assertGivenBack(out)
      const [, after = ""] = out.join("").split(LEAVE)
      assert.include(after, "   4.4 s  ? node-5 is suspected (4 of 4), after 1.4 s\n")
      assert.include(after, "  node-1       ●       ●       ●       ●       ?")
    }))

  it.effect("ends with a table that fits a terminal of 60 columns", () =>
    Effect.gen(function*() {
      const nine = Tale.told(Tale.nodes(9)).findLast(({ at }) => at <= 5000)?.state ?? World.empty
      const { fiber, out } = yield* watched(false, (world, resize) =>
        Effect.gen(function*() {
          resize(60, 24)
          yield* set(world, nine)
          yield* Effect.sleep(450)
        }))
      yield* TestClock.adjust(1000)
      yield* Fiber.join(fiber)
      const [, after = ""] = out.join("").split(LEAVE)
      const table = after.slice(after.indexOf("  sees")).split("\n")
      assert.isAbove(table.length, 9)
      assert.isTrue(table.every((line) => line.length <= 60), after)
    }))

  it.effect("gives the terminal back when it is interrupted", () =>
    Effect.gen(function*() {
      const { fiber, out } = yield* watched(true, (world) => Effect.andThen(set(world, middle), Effect.never))
      yield* TestClock.adjust(250)
      yield* Fiber.interrupt(fiber)
      const [drawn = "", after = ""] = out.join("").split(LEAVE)
      assert.include(drawn, "\u001b[32m")
      assert.include(after, "node-5 is suspected")
    }))

  it.effect("gives the terminal back when the story fails, and tells the warnings of members", () =>
    Effect.gen(function*() {
      const { fiber, out } = yield* watched(false, (world) =>
        Effect.gen(function*() {
          yield* set(world, World.withComplaint(middle, "node-2", "no\u001b[2Jthing works"))
          yield* Effect.sleep(250)
          return yield* new World.DemoFailed({ message: "it did not" })
        }))
      yield* TestClock.adjust(1000)
      const error = yield* Effect.flip(Fiber.join(fiber))
      assert.strictEqual(error.message, "it did not")
      assertGivenBack(out)
      assert.include(out.join("").split(LEAVE)[1] ?? "", "error: node-2: no\\u{1b}[2Jthing works\n")
    }))

  it.effect("gives the terminal back when it is interrupted before anything was drawn", () =>
    Effect.gen(function*() {
      const begun = yield* Deferred.make<void>()
      const { fiber, out } = yield* watched(
        false,
        () => Effect.andThen(Deferred.succeed(begun, undefined), Effect.never)
      )
      yield* Deferred.await(begun)
      yield* Fiber.interrupt(fiber)
      assertGivenBack(out)
    }))

  it.effect("fills the terminal anew when its size changes", () =>
    Effect.gen(function*() {
      const { fiber, out } = yield* watched(false, (world, resize) =>
        Effect.gen(function*() {
          yield* set(world, middle)
          yield* Effect.sleep(250)
          resize(60, 20)
          yield* Effect.sleep(250)
        }))
      yield* TestClock.adjust(1000)
      yield* Fiber.join(fiber)
      const frames = out.filter((text) => text.includes("\u001b[?2026h"))
      const rowsOf = (text = "") => text.split(";1H").length - 1
      assert.deepStrictEqual([rowsOf(frames[0]), rowsOf(frames.at(-1))], [24, 20])
      assert.strictEqual(frames.filter((text) => text.startsWith("\u001b[2J")).length, 1)
    }))
})
