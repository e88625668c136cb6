import { assert, describe, it } from "@effect/vitest"
import { parts } from "../../../bench/page/Results.ts"
import { type Options, parse } from "../../../bench/run/Options.ts"

const parsed = (...args: ReadonlyArray<string>): Options => {
  const options = parse(args)
  if (typeof options === "string") throw new Error(options)
  return options
}

describe("the command line of the benchmark", () => {
  it("measures every part three times, with 100 nodes and Go, side by side", () => {
    const { amounts, before, isApart, only, out, rounds, withGo } = parsed()
    assert.deepStrictEqual({ only, rounds, withGo, isApart }, { only: parts, rounds: 3, withGo: true, isApart: false })
    assert.strictEqual(amounts.nodes, 100)
    assert.strictEqual(amounts.settleSeconds + amounts.windowSeconds, 120)
    assert.strictEqual(out, "bench/results/latest.json")
    assert.isUndefined(before)
  })

  it("measures once, and for shorter, with --quick", () => {
    const { amounts, rounds } = parsed("--quick")
    assert.strictEqual(rounds, 1)
    assert.isBelow(amounts.windowSeconds, parsed().amounts.windowSeconds)
    assert.strictEqual(parsed("--quick", "--rounds", "4").rounds, 4)
  })

  it("measures chosen parts, in the order they always have", () => {
    assert.deepStrictEqual(parsed("--only", "idle, steady").only, ["steady", "idle"])
  })

  it("leaves Go out, and takes another checkout in", () => {
    const { before, isApart, withGo } = parsed("--no-go", "--apart", "--before", "../old")
    assert.deepStrictEqual({ before, isApart, withGo }, { before: "../old", isApart: true, withGo: false })
  })

  it("names what is wrong, and what would be right", () => {
    assert.strictEqual(
      parse(["--only", "steady,memory"]),
      `--only memory: expected ${parts.join(", ")}`
    )
    assert.strictEqual(parse(["--rounds", "0"]), "--rounds 0: expected a whole number from 1 to 100")
    assert.strictEqual(parse(["--nodes", "1.5"]), "--nodes 1.5: expected a whole number from 2 to 1000")
    assert.strictEqual(parse(["--out", "x.md"]), "--out x.md: expected the name of a JSON file")
    assert.match(String(parse(["--unknown"])), /--unknown/)
  })
})
