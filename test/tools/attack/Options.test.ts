import { assert, describe, it } from "@effect/vitest"
import type { Case } from "../../../attack/Case.ts"
import { cases } from "../../../attack/cases/all.ts"
import { isChosen, type Options, parse, wanted } from "../../../attack/Options.ts"

const parsed = (...args: ReadonlyArray<string>): Options => {
  const options = parse(args)
  if (typeof options === "string") throw new Error(options)
  return options
}

const caseOf = (fields: Partial<Case>): Case => ({
  name: "flood: acks, 1 port",
  promise: "",
  against: ["ours", "go"],
  seconds: () => 1,
  run: () => Promise.reject(new Error("not to be run")),
  ...fields
})

describe("the command line of an attack", () => {
  it("has a usual run of 20,000 packets a second for five seconds, with Go", () => {
    const { length, library, minutes, only, out, rate, seconds, withGo } = parsed()
    assert.deepStrictEqual({ length, minutes, only, rate, seconds, withGo }, {
      length: "usual",
      minutes: 10,
      only: [],
      rate: 20_000,
      seconds: 5,
      withGo: true
    })
    assert.isUndefined(library)
    assert.isUndefined(out)
  })

  it("has a short run with shorter floods", () => {
    const { length, minutes, seconds } = parsed("--quick")
    assert.deepStrictEqual({ length, minutes, seconds }, { length: "quick", minutes: 3, seconds: 2 })
    assert.strictEqual(parsed("--quick", "--seconds", "7").seconds, 7)
  })

  it("can leave Go out", () => {
    assert.isFalse(parsed("--no-go").withGo)
  })

  it("says what is wrong, and never guesses", () => {
    for (
      const [args, part] of [
        [["--rate", "0"], "--rate 0"],
        [["--rate", "1.5"], "--rate 1.5"],
        [["--seconds", "soon"], "--seconds soon"],
        [["--seconds", "61"], "--seconds 61"],
        [["--minutes", "0"], "--minutes 0"],
        [["--quick", "--full"], "give one of them"],
        [["--fast"], "--fast"],
        [["stray"], "stray"]
      ] as const
    ) {
      const said = parse(args)
      assert.isString(said)
      assert.include(said, part)
    }
  })

  it("chooses cases by parts of their names", () => {
    const { only } = parsed("--only", "Acks, 1 port; names;")
    assert.deepStrictEqual(only, ["acks, 1 port", "names"])
    assert.isTrue(isChosen("flood: acks, 1 port", only))
    assert.isFalse(isChosen("flood: acks, 1,000 ports", only))
    assert.isTrue(isChosen("names: control characters", only))
    assert.isFalse(isChosen("flood: garbage, 1 port", only))
    assert.isTrue(isChosen("anything", []))
  })
})

describe("the cases of a run", () => {
  it("are more in a longer run, and Go comes later", () => {
    const each = caseOf({ since: "quick", goSince: "full" })
    assert.deepStrictEqual(wanted(each, { length: "quick", only: [] }), ["ours"])
    assert.deepStrictEqual(wanted(each, { length: "usual", only: [] }), ["ours"])
    assert.deepStrictEqual(wanted(each, { length: "full", only: [] }), ["ours", "go"])
    assert.deepStrictEqual(wanted(caseOf({ since: "full" }), { length: "usual", only: [] }), [])
    assert.deepStrictEqual(wanted(caseOf({}), { length: "usual", only: [] }), ["ours", "go"])
  })

  it("are carried out against everybody when they are asked for by name", () => {
    const each = caseOf({ since: "full", goSince: "full" })
    assert.deepStrictEqual(wanted(each, { length: "quick", only: ["acks"] }), ["ours", "go"])
    assert.deepStrictEqual(wanted(each, { length: "quick", only: ["garbage"] }), [])
  })

  it("have names of their own, and are all in the full run", () => {
    assert.strictEqual(new Set(cases.map(({ name }) => name)).size, cases.length)
    for (const each of cases) assert.deepStrictEqual(wanted(each, { length: "full", only: [] }), each.against)
  })
})
