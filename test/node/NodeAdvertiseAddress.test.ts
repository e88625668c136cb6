import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import { ipText } from "../../src/base/Address.ts"
import { choose } from "../../src/node/NodeAdvertiseAddress.ts"

const up = (address: string) => ({ address, internal: false })
const loopback = [{ address: "127.0.0.1", internal: true }, { address: "::1", internal: true }]

const chosen = (options: Partial<Parameters<typeof choose>[0]>) => {
  const result = choose({
    advertiseAddress: undefined,
    bindAddress: "0.0.0.0",
    interfaces: loopback,
    preferred: [],
    ...options
  })
  return Result.isSuccess(result) ? ipText(result.success) : result.failure.message
}

describe("an explicit address", () => {
  it("wins over everything and is reduced to 4 bytes", () => {
    assert.strictEqual(chosen({ advertiseAddress: "203.0.113.7", bindAddress: "127.0.0.1" }), "203.0.113.7")
    const mapped = choose({ advertiseAddress: "::ffff:10.0.0.1", bindAddress: "::", interfaces: [], preferred: [] })
    assert.deepStrictEqual(Result.getOrThrow(mapped), Uint8Array.of(10, 0, 0, 1))
  })
  it("that is a host name or a wildcard is refused with what is right", () => {
    assert.match(chosen({ advertiseAddress: "node.example" }) ?? "", /node\.example.*resolve a host name/)
    assert.match(chosen({ advertiseAddress: "0.0.0.0" }) ?? "", /never announce a wildcard/)
  })
})

describe("a bound address", () => {
  it("is announced as it is, even if it is the loopback or public", () => {
    assert.strictEqual(chosen({ bindAddress: "127.0.0.1" }), "127.0.0.1")
    assert.strictEqual(chosen({ bindAddress: "2001:db8::5" }), "2001:db8::5")
  })
})

describe("0.0.0.0", () => {
  it("announces the first private IPv4 address", () =>
    assert.strictEqual(
      chosen({
        interfaces: [...loopback, up("fd00::2"), up("8.8.8.8"), up("169.254.3.4"), up("172.20.0.2"), up("10.0.0.2")]
      }),
      "172.20.0.2"
    ))
  it("prefers the interface of the default route", () =>
    assert.strictEqual(
      chosen({ interfaces: [up("172.17.0.1"), up("10.0.0.2")], preferred: ["10.0.0.2", "fd00::2"] }),
      "10.0.0.2"
    ))
  it("does not announce a public address although the default route uses it", () =>
    assert.strictEqual(chosen({ interfaces: [up("8.8.8.8"), up("10.0.0.2")], preferred: ["8.8.8.8"] }), "10.0.0.2"))
  it("ignores a route whose address no interface has", () =>
    assert.strictEqual(chosen({ interfaces: [up("10.0.0.2")], preferred: ["192.168.9.9"] }), "10.0.0.2"))
  it("knows the shared and documentation blocks of RFC 6890 as private", () => {
    for (const address of ["100.64.0.1", "198.18.0.1", "192.0.2.2", "203.0.113.9"]) {
      assert.strictEqual(chosen({ interfaces: [up(address)] }), address)
    }
  })
  it("fails with advice when there is nothing to announce", () => {
    assert.match(chosen({}) ?? "", /advertiseAddress.*127\.0\.0\.1/)
    assert.match(chosen({ interfaces: [up("8.8.8.8"), up("fd00::2")] }) ?? "", /advertiseAddress/)
  })
})

describe("::", () => {
  it("announces a unique local address before a global one, and never the wildcard", () =>
    assert.strictEqual(
      chosen({ bindAddress: "::", interfaces: [up("fe80::1"), up("2001:db8::2"), up("fd00::2"), up("10.0.0.2")] }),
      "fd00::2"
    ))
  it("announces a global address when there is no unique local one", () =>
    assert.strictEqual(chosen({ bindAddress: "::", interfaces: [up("10.0.0.2"), up("2001:db8::2")] }), "2001:db8::2"))
  it("announces a private IPv4 address on a host without IPv6", () =>
    assert.strictEqual(chosen({ bindAddress: "::", interfaces: [up("fe80::1"), up("10.0.0.2")] }), "10.0.0.2"))
  it("fails with advice on a host with only loopback", () =>
    assert.match(chosen({ bindAddress: "::" }) ?? "", /"::".*advertiseAddress/))
})
