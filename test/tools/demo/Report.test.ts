import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Report from "../../../demo/Report.ts"

/** The lines that an effect prints. */
const printed = (effect: Effect.Effect<void>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const keeping = { ...globalThis.console, log: (line: string) => void lines.push(line) }
    return Effect.as(Effect.provideService(effect, Console.Console, keeping), lines)
  })

const observation = { at: 1000, observer: "node-1", event: "MemberJoined", member: "x\u001b[2J\u202e\u2028" } as const

describe("the demo's report", () => {
  it.effect("shows hostile names plainly to people", () =>
    Effect.gen(function*() {
      const [line] = yield* printed(Report.text(false).observed(observation))
      assert.strictEqual(line, "  1.0 s  node-1: x\\u{1b}[2J\\u{202e}\\u{2028} joined")
    }))

  it.effect("gives programs the name as it is, in JSON that can be shown", () =>
    Effect.gen(function*() {
      const [line = ""] = yield* printed(Report.json.observed(observation))
      assert.notMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      assert.strictEqual(JSON.parse(line).member, observation.member)
    }))
})
