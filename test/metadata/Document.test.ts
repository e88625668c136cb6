import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Document from "../../src/metadata/Document.ts"
import { bytes, generator, hex, mutate } from "../support/Hex.ts"

const section = (name: string, content: string): Document.Section => ({ name, bytes: bytes(content) })

/** The sections in these bytes, as text. */
const told = (meta: string): unknown =>
  Result.match(Document.read(bytes(meta)), {
    onSuccess: Option.match({
      onNone: () => "absent",
      onSome: (sections) => sections.map(({ bytes, name }) => `${name}=${hex(bytes)}`)
    }),
    onFailure: (reason) => reason
  })

describe("the layout of sections", () => {
  it("is the magic, a version, and for each section the lengths and bytes of its name and its content", () => {
    const sections = [section("app", "0102"), section("é", "")]
    const written = "fe4d 01 03 617070 0002 0102 02 c3a9 0000"
    assert.strictEqual(hex(Document.write(sections)), written.replaceAll(" ", ""))
    assert.strictEqual(Document.totalOf(sections), 16)
    assert.deepStrictEqual(told(written), ["app=0102", "é="])
  })

  it("is none at all without sections, and with the head alone has none", () => {
    assert.deepStrictEqual([hex(Document.write([])), Document.totalOf([])], ["", 0])
    assert.deepStrictEqual(told("fe4d01"), [])
  })

  it("has the sections in the order of their names, one of each", () => {
    const both = Document.including(Document.including([], section("b", "01")), section("a", "02"))
    assert.deepStrictEqual(both.map(({ name }) => name), ["a", "b"])
    const changed = Document.including(both, section("b", "03"))
    assert.deepStrictEqual(told(hex(Document.write(changed))), ["a=02", "b=03"])
    assert.deepStrictEqual(Document.without(changed, "a").map(({ name }) => name), ["b"])
  })

  it("has lengths in the order of the network", () => {
    const written = Document.write([{ name: "a", bytes: new Uint8Array(258) }])
    assert.strictEqual(hex(written.subarray(0, 7)), "fe4d0101610102")
  })

  it("is absent in whatever does not begin with its magic: nothing, text, JSON, what Serf sends", () => {
    const others = ["", "fe", "fe4c01", "4dfe01", hex(new TextEncoder().encode("þM{}")), "7b7d", "ff82a3", "00", "0a80"]
    assert.deepStrictEqual(others.map(told), others.map(() => "absent"))
  })

  it("begins with what is no UTF-8 text", () => {
    const decode = () => new TextDecoder("utf-8", { fatal: true }).decode(Document.write([section("a", "")]))
    assert.throws(decode)
  })

  const malformed: ReadonlyArray<readonly [what: string, meta: string, reason: string]> = [
    ["no version", "fe4d", "it ends before its version"],
    ["another version", "fe4d02", "its layout is version 2; this library knows version 1"],
    ["a length without a name", "fe4d01 03", "it ends in the head of a section, at byte 3"],
    ["half a name", "fe4d01 03 6170", "it ends in the head of a section, at byte 3"],
    ["half a length", "fe4d01 03 617070 00", "it ends in the head of a section, at byte 3"],
    ["half a content", "fe4d01 03 617070 0002 01", "it ends in the section \"app\": 1 bytes are missing"],
    [
      "a content of 64 KiB that is not there",
      "fe4d01 01 61 ffff",
      "it ends in the section \"a\": 65535 bytes are missing"
    ],
    ["an empty name", "fe4d01 00 0000", "the section at byte 3 has no name in UTF-8"],
    ["a name that is no UTF-8", "fe4d01 01 ff 0000", "the section at byte 3 has no name in UTF-8"],
    ["the same name twice", "fe4d01 01 61 0000 01 61 0000", "it has two sections \"a\""],
    ["bytes behind the last section", "fe4d01 01 61 0000 00", "it ends in the head of a section, at byte 7"]
  ]
  for (const [what, meta, reason] of malformed) {
    it(`is malformed with ${what}`, () => assert.strictEqual(told(meta), reason))
  }

  it("reads any bytes to sections that are written as these bytes, or to a reason", () => {
    const random = generator(1)
    const whole = Document.write([section("app", "0102"), section("calls", "ff".repeat(20)), section("é", "")])
    let read = 0
    for (let i = 0; i < 5_000; i++) {
      const meta = mutate(whole, random)
      const result = Document.read(meta)
      if (Result.isFailure(result)) continue
      if (Option.isNone(result.success)) {
        assert.notStrictEqual(hex(meta.subarray(0, 2)), "fe4d")
        continue
      }
      const sections = result.success.value
      if (sections.length === 0) assert.strictEqual(hex(meta), "fe4d01")
      else assert.strictEqual(hex(Document.write(sections)), hex(meta))
      read++
    }
    assert.isAbove(read, 500)
  })
})

describe("the name of a section", () => {
  it("has 1 to 255 bytes in UTF-8", () => {
    const names = ["a", "Ω", "x".repeat(255), "é".repeat(127)]
    assert.deepStrictEqual(names.map(Document.nameObjection), names.map(() => undefined))
    assert.match(Document.nameObjection("") ?? "", /1 to 255 bytes/)
    assert.match(Document.nameObjection("é".repeat(128)) ?? "", /1 to 255 bytes/)
    assert.match(Document.nameObjection("\ud800") ?? "", /surrogate/)
  })
})
