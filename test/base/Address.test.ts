import { assert, describe, it } from "@effect/vitest"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { ipBytes } from "../../src/base/Address.ts"

/** What Effect's parser makes of a text. */
const parsed = (text: string): ReadonlyArray<number> | undefined => {
  const address = NetAddress.ipv4FromString(text)
  return Result.isSuccess(address) ? [...NetAddress.ipv4ToOctets(address.success)] : undefined
}

describe("ipBytes", () => {
  it("reads dotted decimals exactly as the parser does, and nothing that it refuses", () => {
    const parts = ["", "0", "00", "01", "1", "9", "10", "099", "99", "100", "255", "256", "1000", "-1", "+1", "a", " 1"]
    for (const a of parts) {
      for (const b of parts) {
        for (const text of [`${a}.${b}.3.4`, `1.${a}.${b}.4`, `1.2.${a}.${b}`, `${a}.${b}`, `1.2.3.${a}.${b}`]) {
          const bytes = ipBytes(text)
          assert.deepStrictEqual(bytes === undefined ? undefined : [...bytes], parsed(text), text)
        }
      }
    }
  })

  it("reads IPv6, and IPv4 in IPv6 as IPv4", () => {
    assert.deepStrictEqual(ipBytes("::ffff:10.0.0.1"), Uint8Array.of(10, 0, 0, 1))
    assert.strictEqual(ipBytes("fd00::1")?.length, 16)
    assert.isUndefined(ipBytes("example.org"))
  })
})
