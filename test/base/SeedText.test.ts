import { assert, describe, it } from "@effect/vitest"
import * as SeedText from "../../src/base/SeedText.ts"

const read = (text: string) => {
  const seed = SeedText.parse(text, 7946)
  return seed === undefined ? "SeedInvalid" : [seed.name, seed.host, seed.port]
}

describe("a seed", () => {
  const ports: ReadonlyArray<readonly [string, boolean]> = [
    ["1.2.3.4", false],
    ["1.2.3.4:1", true],
    ["2001:db8::1", false],
    ["[2001:db8::1]", false],
    ["[2001:db8::1]:1", true],
    ["host", false],
    ["host:1", true]
  ]
  for (const [text, expected] of ports) {
    it(`"${text}" ${expected ? "has" : "has no"} port`, () => assert.strictEqual(SeedText.hasPort(text), expected))
  }

  const cases: ReadonlyArray<readonly [string, unknown]> = [
    ["10.0.0.1", [undefined, "10.0.0.1", 7946]],
    ["10.0.0.1:80", [undefined, "10.0.0.1", 80]],
    ["seed.internal:1", [undefined, "seed.internal", 1]],
    ["::1", [undefined, "::1", 7946]],
    ["[::1]", [undefined, "::1", 7946]],
    ["foo.bar/[::1]:80", ["foo.bar", "::1", 80]],
    ["node-1/host", ["node-1", "host", 7946]],
    [":80", "SeedInvalid"],
    ["", "SeedInvalid"],
    ["host:80000", "SeedInvalid"],
    ["host:", "SeedInvalid"],
    ["host:x1", "SeedInvalid"],
    ["/1.2.3.4", "SeedInvalid"],
    ["a/b/c", "SeedInvalid"],
    ["[::1", "SeedInvalid"],
    ["ho st", "SeedInvalid"]
  ]
  for (const [text, expected] of cases) {
    it(`"${text}" reads as ${JSON.stringify(expected)}`, () => assert.deepStrictEqual(read(text), expected))
  }
})
