import { describe, expect, it } from "vitest"
import * as Columns from "../../../src/agent/cli/Columns.ts"

const terminal = { colors: false, columns: 40 }
const piped = { colors: false, columns: undefined }
const cells = (...texts: ReadonlyArray<string>) => texts.map((text) => ({ text }))

describe("a table", () => {
  it("is aligned on a terminal", () => {
    expect(Columns.lines(terminal, ["NAME", "STATE"], [cells("a", "alive"), cells("longer", "suspect")])).toEqual([
      "NAME    STATE",
      "a       alive",
      "longer  suspect"
    ])
  })

  it("is cut to the terminal's width, in its widest columns", () => {
    const rows = [cells("a", "alive", "x".repeat(100))]
    const lines = Columns.lines(terminal, ["NAME", "STATE", "META"], rows)
    expect(Math.max(...lines.map((line) => line.length))).toBe(40)
    expect(lines[1]).toMatch(/^a     alive  x+…$/)
  })

  it("counts wide characters as two columns, and cuts between characters", () => {
    const rows = [cells("名前", "alive"), cells("b", "alive")]
    const [, first, second] = Columns.lines(terminal, ["N", "STATE"], rows)
    expect([first, second]).toEqual(["名前  alive", "b     alive"])
    expect(Columns.cut("名前名前", 6)).toBe("名前…")
    expect(Columns.cut("abc", 0)).toBe("")
  })

  it("is values between tabs for other programs, and not cut", () => {
    const long = "x".repeat(200)
    expect(Columns.lines(piped, ["NAME", "META"], [cells("a", long)])).toEqual(["NAME\tMETA", `a\t${long}`])
  })

  it("has no colours where there are none, and shows what steers a terminal as text", () => {
    const rows = [[{ text: "\u001b[31mname\n\tx", color: "red" as const }]]
    for (const screen of [terminal, piped]) {
      expect(Columns.lines(screen, ["NAME"], rows)).toEqual(["NAME", "\\u{1b}[31mname\\u{a}\\u{9}x"])
    }
    expect(Columns.lines({ ...terminal, colors: true }, ["NAME"], rows)[1]).toContain("\u001b[31m\\u{1b}[31mname")
  })

  it("is its headings where there are no rows, on a terminal of any width", () => {
    for (const columns of [1, 3, 80]) expect(Columns.lines({ colors: false, columns }, ["NAME"], [])).toEqual(["NAME"])
  })
})

describe("names and values", () => {
  it("stand below each other", () => {
    expect(Columns.pairs(terminal, [["name", { text: "a" }], ["state", { text: "alive" }]])).toEqual([
      "name   a",
      "state  alive"
    ])
    expect(Columns.pairs(terminal, [["name", { text: "one two three four five six seven eight" }]])).toEqual([
      "name  one two three four five six seven\n      eight"
    ])
    expect(Columns.pairs(piped, [["name", { text: "a" }]])).toEqual(["name\ta"])
    // a name may be that of a hostile member
    for (const screen of [terminal, piped]) {
      const shown = Columns.pairs(screen, [["ping through \u001b[2Jx\ny", { text: "a" }]]).join("")
      expect([shown.includes("\u001b"), shown.includes("\n")]).toEqual([false, false])
    }
  })
})
