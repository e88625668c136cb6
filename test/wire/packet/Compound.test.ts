import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import type { Rejection } from "../../../src/wire/message/Rejection.ts"
import * as Compound from "../../../src/wire/packet/Compound.ts"
import { bytes, hex } from "../../support/Hex.ts"
import * as Examples from "../../support/WireExamples.ts"

/** The parts of a message that lies in the middle of something. */
const decode = (
  message: Uint8Array
): { readonly parts: ReadonlyArray<Uint8Array>; readonly rejection: Rejection | undefined } => {
  const around = Uint8Array.of(7, 1, ...message, 9)
  const { ends, first, rejection } = Compound.bounds(around, 2, 2 + message.length)
  return { parts: ends.map((end, i) => around.subarray(ends[i - 1] ?? first, end)), rejection }
}

const parts = [bytes(Examples.pingHex), bytes(Examples.suspectHex)]

describe("make", () => {
  it("writes the annotated example byte for byte", () => {
    assert.strictEqual(hex(Compound.make(parts)), Examples.compoundHex)
    assert.strictEqual(Compound.make(parts).length, 114)
  })

  it("of nothing is an empty compound", () => {
    assert.strictEqual(hex(Compound.make([])), "0700")
  })

  it("leaves out what the format has no room for, so that the rest stays readable", () => {
    const many = Array.from({ length: 300 }, (_, i) => Uint8Array.of(8, i & 0xff))
    assert.strictEqual(decode(Compound.make(many)).parts.length, 255)
    assert.strictEqual(hex(Compound.make([new Uint8Array(65_536), bytes("0801")])), "070100020801")
  })
})

describe("split", () => {
  it("leaves one message bare and none unsent", () => {
    assert.deepStrictEqual(Compound.split([]), [])
    assert.deepStrictEqual(Compound.split([bytes("0801")]), [bytes("0801")])
  })

  it("puts at most 127 messages in a packet, in order", () => {
    const many = Array.from({ length: 300 }, (_, i) => Uint8Array.of(8, i & 0xff))
    const packets = Compound.split(many)
    assert.deepStrictEqual(packets.map((packet) => packet[1]), [127, 127, 46])
    assert.deepStrictEqual(packets.flatMap((packet) => decode(packet).parts), many)
    assert.deepStrictEqual(Compound.split(many.slice(0, 128))[1], many[127])
  })

  it("sends a message too long for a part alone", () => {
    const long = new Uint8Array(65_536)
    assert.deepStrictEqual(Compound.split([bytes("0801"), long, bytes("0802")]), [bytes("0801"), long, bytes("0802")])
  })
})

describe("bounds", () => {
  it("reads the annotated example", () => {
    assert.deepStrictEqual(decode(bytes(Examples.compoundHex)), { parts, rejection: undefined })
  })

  it("accepts no parts, empty parts and bytes left over", () => {
    assert.deepStrictEqual(decode(bytes("0700")), { parts: [], rejection: undefined })
    assert.deepStrictEqual(decode(bytes("0702 0000 0001 0b ffff")), {
      parts: [new Uint8Array(0), bytes("0b")],
      rejection: undefined
    })
  })

  it("refuses a missing count and missing lengths", () => {
    for (const text of ["07", "0701", "070100", "07ff"]) {
      const { parts, rejection } = decode(bytes(text))
      assert.deepStrictEqual([parts.length, rejection?.reason], [0, "Truncated"])
    }
  })

  it("keeps the parts before the first that is cut short", () => {
    const { parts, rejection } = decode(bytes("0703 0001 0002 0001 0b 0c"))
    assert.deepStrictEqual(parts, [bytes("0b")])
    assert.strictEqual(rejection?.reason, "Truncated")
    assert.include(rejection?.detail, "2 of 3")
  })

  it.prop("reads what make writes", [Schema.Array(Schema.Uint8Array)], ([messages]) => {
    const some = messages.slice(0, 255)
    assert.deepStrictEqual(decode(Compound.make(some)), { parts: some, rejection: undefined })
  })

  it.prop("yields parts or a rejection for any bytes", [Schema.Uint8Array], ([input]) => {
    const message = Uint8Array.of(7, ...input)
    const { parts } = decode(message)
    assert.isAtMost(parts.reduce((sum, part) => sum + part.length, 0), message.length)
  })
})
