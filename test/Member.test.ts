import { assert, describe, it } from "@effect/vitest"
import { Member } from "../src/Member.ts"

const member = (addr: ReadonlyArray<number>) =>
  new Member({
    name: "a",
    addr: Uint8Array.from(addr),
    port: 7946,
    meta: new TextEncoder().encode("web"),
    state: "suspect",
    incarnation: 3,
    versions: { min: 1, max: 5, current: 2, delegateMin: 0, delegateMax: 0, delegateCurrent: 0 }
  })

const v6 = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]

describe("a member", () => {
  it("prints its name, its address and its state", () => {
    assert.strictEqual(String(member([10, 0, 0, 1])), "a (10.0.0.1:7946) suspect")
    assert.strictEqual(member([10, 0, 0, 1]).metaText, "web")
  })

  it("has one address, whichever way its bytes were written, with IPv6 in brackets", () => {
    const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1]
    assert.deepStrictEqual([member([10, 0, 0, 1]).address, member(mapped).address], ["10.0.0.1:7946", "10.0.0.1:7946"])
    assert.deepStrictEqual([member(v6).ip, member(v6).address], ["fd00::1", "[fd00::1]:7946"])
  })
})
