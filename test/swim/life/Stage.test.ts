import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import * as Announcement from "../../../src/swim/life/Announcement.ts"
import * as Stage from "../../../src/swim/life/Stage.ts"
import type { Membership } from "../../../src/swim/membership/Membership.ts"
import * as T from "../../support/Rules.ts"

const stages: ReadonlyArray<Stage.Stage> = [
  { _tag: "Unannounced" },
  { _tag: "Present" },
  { _tag: "Returning", joins: [1] },
  { _tag: "Returning", joins: [1, 2] },
  { _tag: "Left" },
  { _tag: "Closed" }
]

const calls: ReadonlyArray<Stage.Call> = [
  { _tag: "Start" },
  { _tag: "Introduce", join: 3 },
  { _tag: "Settle", join: 1, answered: true },
  { _tag: "Settle", join: 1, answered: false },
  { _tag: "Settle", join: 9, answered: true },
  { _tag: "Update" },
  { _tag: "Leave" },
  { _tag: "Close" }
]

const word = (stage: Stage.Stage): string =>
  stage._tag === "Returning" ? `Returning ${stage.joins.join("+")}` : stage._tag

const call = (call: Stage.Call): string =>
  call._tag === "Settle" ? `Settle ${call.join} ${call.answered ? "answered" : "failed"}` : call._tag

/** What each call makes of each stage: the next stage, what the cluster is told, or why nothing happens. */
const table = `
Unannounced   | Start              | Present         | Alive
Unannounced   | Introduce          | Unannounced     |
Unannounced   | Settle 1 answered  | Unannounced     |
Unannounced   | Settle 1 failed    | Unannounced     |
Unannounced   | Settle 9 answered  | Unannounced     |
Unannounced   | Update             | Unannounced     | Alive
Unannounced   | Leave              | Unannounced     | AlreadyLeft
Unannounced   | Close              | Closed          |
Present       | Start              | Present         |
Present       | Introduce          | Present         |
Present       | Settle 1 answered  | Present         |
Present       | Settle 1 failed    | Present         |
Present       | Settle 9 answered  | Present         |
Present       | Update             | Present         | Alive
Present       | Leave              | Left            | Goodbye
Present       | Close              | Closed          | Goodbye
Returning 1   | Start              | Returning 1     |
Returning 1   | Introduce          | Returning 1+3   |
Returning 1   | Settle 1 answered  | Present         |
Returning 1   | Settle 1 failed    | Left            | Goodbye
Returning 1   | Settle 9 answered  | Returning 1     |
Returning 1   | Update             | Returning 1     | Alive
Returning 1   | Leave              | Left            | Goodbye
Returning 1   | Close              | Closed          | Goodbye
Returning 1+2 | Start              | Returning 1+2   |
Returning 1+2 | Introduce          | Returning 1+2+3 |
Returning 1+2 | Settle 1 answered  | Present         |
Returning 1+2 | Settle 1 failed    | Returning 2     |
Returning 1+2 | Settle 9 answered  | Returning 1+2   |
Returning 1+2 | Update             | Returning 1+2   | Alive
Returning 1+2 | Leave              | Left            | Goodbye
Returning 1+2 | Close              | Closed          | Goodbye
Left          | Start              | Left            |
Left          | Introduce          | Returning 3     | Alive
Left          | Settle 1 answered  | Left            |
Left          | Settle 1 failed    | Left            |
Left          | Settle 9 answered  | Left            |
Left          | Update             | Left            | NotParticipating
Left          | Leave              | Left            | AlreadyLeft
Left          | Close              | Closed          |
Closed        | Start              | Closed          | Closed
Closed        | Introduce          | Closed          | Closed
Closed        | Settle 1 answered  | Closed          | Closed
Closed        | Settle 1 failed    | Closed          | Closed
Closed        | Settle 9 answered  | Closed          | Closed
Closed        | Update             | Closed          | Closed
Closed        | Leave              | Closed          | Closed
Closed        | Close              | Closed          | Closed
`.trim().split("\n").map((line) => line.split("|").map((cell) => cell.trim()))

describe("Stage.decide", () => {
  it("knows what every call makes of every stage", () => {
    const decided = stages.flatMap((stage) =>
      calls.map((it) => {
        const { refused, says, stage: next } = Stage.decide(stage, it)
        return [word(stage), call(it), word(next), refused ?? (says === "Nothing" ? "" : says)]
      })
    )
    assert.deepStrictEqual(decided, table)
  })
})

const Happening = Schema.Union([
  Schema.Struct({ call: Schema.Literal("introduce"), join: Schema.Literals([1, 2, 3]) }),
  Schema.Struct({ call: Schema.Literal("settle"), join: Schema.Literals([1, 2, 3]), answered: Schema.Boolean }),
  Schema.Struct({ call: Schema.Literals(["update", "leave", "close"]) })
])

const happen = (m: Membership, it: typeof Happening.Type): Membership => {
  switch (it.call) {
    case "introduce":
      return Announcement.introduce(m, T.own, { join: it.join }, T.env())[0]
    case "settle":
      return Announcement.settle(m, it.join, it.answered, T.env())[0]
    case "update":
      return Announcement.update(m, T.own, T.env())[0]
    case "leave":
      return Announcement.leave(m, T.env())[0]
    case "close":
      return Announcement.close(m, T.env())[0]
  }
}

describe("a life", () => {
  it.prop(
    "has its own entry alive exactly while it is not outside, whatever happens in it",
    [Arbitrary.array(Arbitrary.schema(Happening), { maxLength: 40 })],
    ([happenings]) => {
      let m = T.started()
      for (const it of happenings) {
        const next = happen(m, it)
        assert.strictEqual(T.entry(next, T.SELF).state, Stage.isOutside(next.stage) ? "left" : "alive")
        assert.isAtLeast(T.entry(next, T.SELF).incarnation, T.entry(m, T.SELF).incarnation)
        if (m.stage._tag === "Closed") assert.strictEqual(next, m)
        m = next
      }
    },
    { arbitrary: { runs: 500, size: 40 } }
  )

  it("says goodbye when it closes, however far a leave had come, but not when nobody was told of it", () => {
    const goodbye = T.dead(T.SELF, 1, T.SELF)
    assert.deepStrictEqual(Announcement.close(T.started(), T.env())[2], goodbye)
    assert.deepStrictEqual(Announcement.close(Announcement.leave(T.started(), T.env())[0], T.env())[2], goodbye)
  })
})
