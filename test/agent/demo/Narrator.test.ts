import { assert, describe, it } from "@effect/vitest"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Narrator from "../../../src/agent/demo/Narrator.ts"
import * as World from "../../../src/agent/demo/World.ts"
import * as Tale from "../../support/DemoTale.ts"

/** The lines that an effect prints. */
const printed = (effect: Effect.Effect<void>) =>
  Effect.suspend(() => {
    const lines: Array<string> = []
    const keeping = { ...globalThis.console, log: (line: string) => void lines.push(line) }
    return Effect.as(Effect.provideService(effect, Console.Console, keeping), lines)
  })

const plain = { colours: false, unicode: true }

/** What a narrator prints of a whole story. */
const told = (narrator: Narrator.Narrator, names: ReadonlyArray<string>) => {
  const moments = Tale.told(names)
  return printed(
    Effect.forEach(
      moments,
      ({ at, state }, i) => narrator.show(state, at, i === moments.length - 1),
      { discard: true }
    )
  )
}

const hostile = "x\u001b[2J\u202e"
const observation = { at: 1000, observer: "node-1", event: "MemberFailed", member: hostile, others: 1 } as const
const oneObservation: World.State = { ...World.empty, observations: [observation] }

describe("the demo's narrator", () => {
  it.effect("shows hostile names plainly to people", () =>
    Effect.gen(function*() {
      const lines = yield* printed(Narrator.log(plain).show(oneObservation, 1000, true))
      assert.deepStrictEqual(lines, ["   1.0 s  ✕ x\\u{1b}[2J\\u{202e} failed (1 of 1)"])
    }))

  it.effect("gives programs the name as it is, in JSON that can be shown", () =>
    Effect.gen(function*() {
      const [line = ""] = yield* printed(Narrator.json().show(oneObservation, 1000, true))
      assert.notMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      assert.strictEqual(JSON.parse(line).member, hostile)
    }))

  it.effect("tells what all members saw in one line, with how many they are and how long it took", () =>
    Effect.gen(function*() {
      const lines = yield* told(Narrator.log(plain), Tale.nodes(5))
      assert.deepStrictEqual(lines.filter((line) => / s {2}\S/.test(line)), [
        "   0.0 s  ▸ starting 5 members, each a process of its own",
        "   2.6 s  ✓ all 5 members see each other",
        "   3.0 s  ▸ killing the last (SIGKILL): it says no goodbye",
        "   4.4 s  ? node-5 is suspected (4 of 4), after 1.4 s",
        "   7.4 s  ✕ node-5 failed (4 of 4), after 4.4 s",
        "   7.9 s  ▸ starting the last again, with its old name and port",
        "   8.6 s  ● node-5 is back (4 of 4), after 0.7 s",
        "   9.0 s  ▸ stopping the last but one (SIGTERM): it says goodbye",
        "   9.0 s  ○ node-4 left (4 of 4), after 10 to 40 ms"
      ])
    }))

  it.effect("tells in the end what only some members saw", () =>
    Effect.gen(function*() {
      const some = { ...observation, member: "node-9", others: 3 }
      const narrator = Narrator.log(plain)
      const state = { ...World.empty, observations: [some, { ...some, at: 1100, observer: "node-2" }] }
      assert.deepStrictEqual(yield* printed(narrator.show(state, 1200, false)), [])
      assert.deepStrictEqual(yield* printed(narrator.show(state, 1300, true)), ["   1.0 s  ✕ node-9 failed (2 of 3)"])
    }))

  it.effect("tells a second suspicion of one observer as news of its own", () =>
    Effect.gen(function*() {
      const seen = (at: number, event: World.Observation["event"]) => ({ ...observation, at, event, member: "b" })
      const state = {
        ...World.empty,
        observations: [seen(100, "MemberSuspected"), seen(200, "MemberRecovered"), seen(300, "MemberSuspected")]
      }
      const lines = yield* printed(Narrator.log(plain).show(state, 400, true))
      assert.deepStrictEqual(lines.map((line) => line.slice(12)), [
        "b is suspected (1 of 1)",
        "b recovered (1 of 1)",
        "b is suspected (1 of 1)"
      ])
    }))

  it.effect("prints no line over 80 columns with nine members, and no escape sequence into a file", () =>
    Effect.gen(function*() {
      const lines = yield* told(Narrator.log(plain), Tale.nodes(9))
      assert.isAbove(lines.length, 30)
      for (const line of lines) {
        assert.isAtMost(line.length, 80, line)
        assert.notInclude(line, "\u001b")
      }
    }))

  it.effect("prints ASCII alone where a terminal knows nothing else", () =>
    Effect.gen(function*() {
      const lines = yield* told(Narrator.log({ colours: false, unicode: false }), Tale.nodes(5))
      for (const line of lines) assert.match(line, /^[ -~]*$/)
      assert.include(lines.join("\n"), "? node-5 is suspected (4 of 4)")
    }))

  it.effect("gives programs one JSON value a line, with every observation", () =>
    Effect.gen(function*() {
      const values = (yield* told(Narrator.json(), Tale.nodes(3))).map((line) => JSON.parse(line))
      const failed = values.filter(({ event }) => event === "MemberFailed")
      assert.deepStrictEqual(failed.map(({ member, observer, type }) => [type, observer, member]), [
        ["event", "node-1", "node-3"],
        ["event", "node-2", "node-3"]
      ])
      assert.deepStrictEqual(
        [...new Set(values.filter(({ type }) => type === "step").map(({ chapter }) => chapter))],
        ["start", "kill", "return", "leave"]
      )
      assert.strictEqual(values.at(-1).type, "members")
    }))

  it("sums up with one time where the times do not differ", () => {
    const rows = Narrator.summaryRows({
      nodes: 4,
      killed: { member: "d", suspectedAfter: { a: 1.31, b: 1.34 }, failedAfter: { a: 4.2, b: 4.6, c: 4.4 } },
      returned: { member: "d", seenAfter: { a: 0.7 } },
      left: { member: "c", seenAfter: { a: 0.01, b: 0.02 } },
      survivors: ["a", "b", "d"]
    })
    assert.deepStrictEqual(rows.map((row) => row.map(({ text }) => text).join("")), [
      "✓ 3 of 4 members run, and each of them sees exactly these.",
      "  d was killed: suspected after 1.3 s,",
      "    failed after 4.2 to 4.6 s, for 3 members",
      "  d returned: seen after 0.7 s",
      "  c said goodbye: seen as left, not as failed, after 10 to 20 ms"
    ])
  })
})
