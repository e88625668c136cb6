import { assert, describe, it } from "@effect/vitest"
import * as Features from "../../../src/swim/membership/Versions.ts"

describe("what a member can do", () => {
  it.each([
    [0, false, false, false],
    [1, false, false, false],
    [2, false, false, false],
    [3, true, false, false],
    [4, true, true, false],
    [5, true, true, true],
    [255, true, true, true]
  ])("with %i as its highest version: TCP pings %s, nacks %s, checksums %s", (max, streamPing, nack, checksum) => {
    // what it speaks now, and the delegate's versions, mean nothing
    for (const others of [0, 5]) {
      const member = { vsn: Uint8Array.of(1, max, others, others, others, others) }
      assert.strictEqual(Features.answersStreamPing(member), streamPing)
      assert.strictEqual(Features.canNack(member), nack)
      assert.strictEqual(Features.readsChecksum(member), checksum)
    }
  })

  it("is nothing where it announces no versions", () => {
    const member = { vsn: new Uint8Array() }
    assert.isFalse(Features.answersStreamPing(member) || Features.canNack(member) || Features.readsChecksum(member))
  })
})
