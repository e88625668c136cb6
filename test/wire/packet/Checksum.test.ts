import { assert, describe, it } from "@effect/vitest"
import * as Checksum from "../../../src/wire/packet/Checksum.ts"
import { bytes, hex } from "../../support/Hex.ts"
import * as Examples from "../../support/WireExamples.ts"

describe("a checksum", () => {
  const examples: ReadonlyArray<readonly [string, string]> = [
    ["0c5615c9e1", Examples.compoundHex],
    ["0ca5422811", Examples.aliveHex],
    ["0c6818b0f9", "086869"],
    ["0c44dce244", "0982a4416c676f00a3427566ae0011841948b0a0c1830813160c08"]
  ]
  for (const [head, payload] of examples) {
    it(`${head} stands before its payload and matches it`, () => {
      assert.strictEqual(hex(Checksum.add(bytes(payload))), head + payload)
      assert.isTrue(Checksum.isPresent(bytes(head + payload)))
      assert.deepStrictEqual(Checksum.verify(bytes(head + payload)), bytes(payload))
    })
  }

  it("does not match when any bit changes", () => {
    const packet = bytes("0c6818b0f9086869")
    for (let bit = 8; bit < packet.length * 8; bit++) {
      const changed = Uint8Array.from(packet)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.isUndefined(Checksum.verify(changed))
    }
  })

  it("is not looked for in fewer than five bytes", () => {
    assert.isFalse(Checksum.isPresent(bytes("0c000000")))
    assert.isTrue(Checksum.isPresent(bytes("0c00000000")))
    assert.deepStrictEqual(Checksum.verify(bytes("0c00000000")), new Uint8Array(0))
  })
})
