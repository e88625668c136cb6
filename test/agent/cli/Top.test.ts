import * as CliOutput from "effect/cli/CliOutput"
import * as DateTime from "effect/DateTime"
import { describe, expect, it } from "vitest"
import { CommandFailed } from "../../../src/agent/cli/CommandFailed.ts"
import { frame, type Picture } from "../../../src/agent/cli/commands/Top.ts"
import * as Fake from "../../support/FakeAgent.ts"

const now = DateTime.toEpochMillis(Fake.at) + 90_000

const joined = (name: string): Picture["events"][number] => ({
  id: name,
  event: "MemberJoined",
  data: { member: Fake.member(name), at: Fake.at, missed: 0 }
})

const picture: Picture = {
  about: Fake.info,
  health: Fake.health,
  members: [
    Fake.member("web-1", { self: true }),
    Fake.member("web-2", { state: "suspect" }),
    Fake.member("web-3", { state: "dead" })
  ],
  events: [joined("web-2"), joined("web-3")],
  problem: undefined,
  scroll: 0,
  order: "state"
}

const many: Picture = {
  ...picture,
  members: Array.from({ length: 1000 }, (_, i) => Fake.member(`web-${i}`, { meta: Fake.content("名前 ".repeat(40)) })),
  events: Array.from({ length: 100 }, (_, i) => joined(`web-${i}`))
}

const size = (columns: number, rows: number) => ({ columns, rows })

describe("a picture of the cluster", () => {
  it("has who needs attention first, and what happened last", () => {
    const lines = frame(picture, size(80, 24), false, now)
    expect(lines[0]).toBe("web-1  10.0.0.5:7946  2 alive  local health 0  Joined  up 90 s")
    expect(lines.slice(2, 6).map((line) => line.split(/ +/)[0])).toEqual(["NAME", "web-2", "web-3", "web-1"])
    expect(lines.filter((line) => line.includes("joined"))).toHaveLength(2)
    expect(lines.at(-1)).toBe("q quit  s order")
  })

  it("fits on a screen of any size, in colours or without", () => {
    for (const columns of [1, 40, 80]) {
      for (const rows of [1, 5, 12, 24]) {
        for (const shown of [picture, { ...many, scroll: 990 }]) {
          for (const colors of [true, false]) {
            const lines = frame(shown, size(columns, rows), colors, now)
            expect(lines.length).toBeLessThanOrEqual(rows)
            for (const line of lines) expect(CliOutput.displayWidth(line)).toBeLessThanOrEqual(columns)
          }
        }
      }
    }
  })

  it("tells how much is not shown, and never scrolls past the end", () => {
    expect(frame(many, size(100, 24), false, now).at(-1)).toBe("q quit  s order  ↑↓ scroll: 1–13 of 1000")
    expect(frame({ ...many, scroll: 5000 }, size(100, 24), false, now).at(-1)).toContain("988–1000 of 1000")
  })

  it("tells when the agent does not answer any more, and keeps what was known", () => {
    const problem = new CommandFailed({ reason: "AgentUnreachable", message: "no agent answers", isUsage: false })
    const lines = frame({ ...picture, problem }, size(80, 24), false, now)
    expect(lines.at(-1)).toBe("trying again: no agent answers")
    expect(lines.join("\n")).toContain("web-3")
  })

  it("shows what steers a terminal as text", () => {
    const odd = { ...picture, members: [Fake.member("a\u001b[2Jb", { meta: Fake.content("x\r\ny") })] }
    const text = frame(odd, size(120, 24), false, now).join("\n")
    expect(["\u001b", "\r"].filter((steering) => text.includes(steering))).toEqual([])
  })
})
