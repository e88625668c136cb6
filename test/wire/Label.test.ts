import { assert, describe, it } from "@effect/vitest"
import * as Label from "../../src/wire/Label.ts"
import { bytes, hex } from "../support/Hex.ts"
import * as Examples from "../support/WireExamples.ts"

const check = (text: string, label: Uint8Array = Examples.noLabel, skipLabelCheck = false) => {
  const result = Label.check(bytes(text), bytes(text).length, { label, skipLabelCheck })
  return typeof result === "number" ? result : result.reason
}

describe("header", () => {
  it("is the prefix, the length and the label", () => {
    assert.strictEqual(hex(Label.header(Examples.label)), "f40570726f6431")
    assert.strictEqual(Label.header(new Uint8Array(255)).length, 257)
  })

  it("of the empty label is nothing", () => {
    assert.strictEqual(Label.header(Examples.noLabel).length, 0)
    assert.strictEqual(Label.overhead(0), 0)
    assert.strictEqual(Label.overhead(5), 7)
  })
})

describe("check", () => {
  const cases: ReadonlyArray<readonly [string, string, Uint8Array, boolean, number | string]> = [
    ["no bytes are no label", "", Examples.noLabel, false, 0],
    ["another first byte is no label", "0082", Examples.noLabel, false, 0],
    ["the prefix alone is cut short", "f4", Examples.noLabel, false, "LabelTruncated"],
    ["an empty label in a header is refused", "f400", Examples.noLabel, false, "LabelEmpty"],
    ["a label shorter than announced is cut short", "f40570726f64", Examples.label, false, "LabelTruncated"],
    ["the right label is passed over", "f40570726f643100", Examples.label, false, 7],
    ["another label is refused", "f40570726f643200", Examples.label, false, "LabelMismatch"],
    ["a label to an unlabelled node is refused", "f40570726f643100", Examples.noLabel, false, "LabelMismatch"],
    ["no label to a labelled node is refused", "00", Examples.label, false, "LabelMismatch"],
    ["a longer label with the right start is refused", "f40670726f64313200", Examples.label, false, "LabelMismatch"],
    ["without the check, no label is right", "00", Examples.label, true, 0],
    ["without the check, any label is one too many", "f40570726f643100", Examples.label, true, "DoubleLabel"],
    ["without the check, an empty label is still refused", "f400", Examples.label, true, "LabelEmpty"]
  ]
  for (const [name, text, label, skip, expected] of cases) {
    it(name, () => {
      assert.strictEqual(check(text, label, skip), expected)
    })
  }
})
