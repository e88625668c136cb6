import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as ResolvConf from "../../src/node/ResolvConf.ts"

describe("a file of DNS servers", () => {
  const cases: ReadonlyArray<readonly [why: string, text: string, expected: ReadonlyArray<string>]> = [
    ["names them in order", "nameserver 10.0.0.2\nnameserver 10.0.0.3\n", ["10.0.0.2 53", "10.0.0.3 53"]],
    ["may name ports", "nameserver 10.0.0.2:8600\nnameserver [fd00::1]:8600", ["10.0.0.2 8600", "fd00::1 8600"]],
    ["may name IPv6 addresses, with zones", "nameserver fd00::1\nnameserver fe80::1%eth0", [
      "fd00::1 53",
      "fe80::1%eth0 53"
    ]],
    ["may have comments, other keywords and any spacing", "# c\n; c\noptions ndots:5\n\tnameserver\t10.0.0.2 # c\r\n", [
      "10.0.0.2 53"
    ]],
    ["is read past what it should not hold", "nameserver\nnameserver dns.test\nnameserver 10.0.0.2:0\nnameserver ::1", [
      "::1 53"
    ]],
    ["may be empty", "", []]
  ]
  for (const [why, text, expected] of cases) {
    it(why, () => assert.deepStrictEqual(ResolvConf.servers(text).map(({ ip, port }) => `${ip} ${port}`), expected))
  }

  it.effect("that is missing fails with the reason", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(ResolvConf.read("/nowhere/resolv.conf"))
      assert.match(error.message, /ENOENT.*nowhere/)
    }))
})
