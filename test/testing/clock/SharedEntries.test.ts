import { assert, describe, it } from "@effect/vitest"
import * as Alive from "../../../src/swim/membership/Alive.ts"
import type { Entry } from "../../../src/swim/membership/Entry.ts"
import * as Membership from "../../../src/swim/membership/Membership.ts"
import * as SharedEntries from "../../../src/testing/clock/SharedEntries.ts"
import * as T from "../../support/Rules.ts"

const entryOf = (
  last: number,
  incarnation: number,
  meta: Uint8Array | null,
  env: Partial<Membership.Env> = {}
): Entry => {
  const claim = T.alive("n1", incarnation, { addr: T.ip(last), meta })
  const [next] = Alive.alive(Membership.make("self"), claim, { ...T.env(), ...env })
  const entry = next.entries.get("n1")
  if (entry === undefined) throw new Error("not inserted")
  return entry
}

describe("the entries of one simulation", () => {
  it("share what nodes know of the same member, and nothing else", () => {
    const share = SharedEntries.make()
    const a = entryOf(1, 3, Uint8Array.of(1), { share })
    const b = entryOf(1, 4, Uint8Array.of(1), { share, now: 500 })
    assert.strictEqual(b.addr, a.addr)
    assert.strictEqual(b.endpoint, a.endpoint)
    assert.strictEqual(b.meta, a.meta)
    assert.deepStrictEqual(b, entryOf(1, 4, Uint8Array.of(1), { now: 500 }))
  })

  it("stay apart where anything differs, an empty metadata and none included", () => {
    const share = SharedEntries.make()
    entryOf(1, 3, null, { share })
    for (const [last, meta] of [[2, null], [1, new Uint8Array(0)], [1, Uint8Array.of(1)]] as const) {
      assert.deepStrictEqual(entryOf(last, 3, meta, { share }), entryOf(last, 3, meta))
    }
  })
})
