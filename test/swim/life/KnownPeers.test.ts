/** Who is worth remembering, and who is tried first. */
import { assert, describe, it } from "@effect/vitest"
import { type KnownPeer, REFRESH } from "../../../src/base/Snapshot.ts"
import type { MemberState } from "../../../src/Member.ts"
import type { FirstHand } from "../../../src/swim/gossip/FirstHand.ts"
import * as KnownPeers from "../../../src/swim/life/KnownPeers.ts"
import type { Membership } from "../../../src/swim/membership/Membership.ts"
import * as T from "../../support/Rules.ts"

const NOW = 1_700_000_000_000

const heard = (...names: ReadonlyArray<string>): FirstHand => ({
  size: names.length,
  has: (name) => names.includes(name),
  stands: (name) => names.includes(name),
  any: () => undefined
})

const peer = (name: string, seen = NOW, last = 1): KnownPeer => ({ name, ip: `10.0.0.${last}`, port: 7946, seen })

/** A table with these members, all at 10.0.0.1. */
const table = (members: Readonly<Record<string, MemberState>>): Membership => {
  let m = T.cluster(...Object.keys(members))
  for (const [name, state] of Object.entries(members)) m = T.force(m, name, { state })
  return m
}

const remember = (known: ReadonlyArray<KnownPeer>, m: Membership, firstHand = heard("b", "c", "d"), max = 256) =>
  KnownPeers.remember(known, m, firstHand, NOW, max)

describe("who is remembered", () => {
  it("is every live member that something came from, suspects too, and not ourselves", () => {
    const m = table({ b: "alive", c: "suspect", d: "dead", e: "alive" })
    assert.deepStrictEqual(remember([], m, heard("b", "c", "d", T.SELF)), [peer("b"), peer("c")])
  })

  it("stays when it dies or is forgotten, as it was seen last", () => {
    const known = [peer("b", NOW - 5), peer("d", NOW - 7), peer("z", NOW - 6)]
    assert.deepStrictEqual(remember(known, table({ b: "alive", d: "dead" })), [
      peer("b", NOW),
      peer("z", NOW - 6),
      peer("d", NOW - 7)
    ])
  })

  it("is forgotten when it leaves", () => {
    assert.deepStrictEqual(remember([peer("b"), peer("c")], table({ b: "left", c: "alive" })), [peer("c")])
  })

  it("is forgotten a day after it was seen, by a node that has live peers, and never by one that has none", () => {
    const old = peer("z", NOW - KnownPeers.REMEMBERED)
    const recent = peer("y", NOW - KnownPeers.REMEMBERED + 1)
    assert.deepStrictEqual(remember([old, recent], table({ b: "alive" })), [peer("b"), recent])
    assert.deepStrictEqual(remember([old, recent], table({ b: "dead" })), [recent, old])
  })

  it("is where it moved, once something came from there, and until then where it was", () => {
    const known = [peer("b", NOW - 5, 9)]
    assert.deepStrictEqual(remember(known, table({ b: "alive" }), heard()), known)
    assert.deepStrictEqual(remember(known, table({ b: "alive" })), [peer("b", NOW, 1)])
  })

  it("is no more than may be: live peers before others, those that were remembered before new ones, the latest first", () => {
    const m = table({ b: "alive", c: "alive", d: "alive" })
    assert.deepStrictEqual(remember([peer("d")], m, undefined, 2).map(({ name }) => name), ["d", "b"])
    const gone = [peer("x", NOW - 3), peer("y", NOW - 1), peer("z", NOW - 2)]
    assert.deepStrictEqual(remember(gone, table({ b: "alive" }), undefined, 3).map(({ name }) => name), ["b", "y", "z"])
    assert.deepStrictEqual(remember(gone, table({}), undefined, 1).map(({ name }) => name), ["y"])
  })
})

describe("who is tried first", () => {
  it("is one of those of the last hour, in any order, then the others, the latest first", () => {
    const latest = ["a", "b", "c", "d"].map((name, i) => peer(name, NOW - i))
    const older = [peer("y", NOW - REFRESH - 1), peer("z", NOW - REFRESH)]
    const firsts = new Set<string>()
    for (let seed = 0; seed < 50; seed++) {
      const order = KnownPeers.inOrder([...older, ...latest], T.seeded(seed)).map(({ name }) => name)
      firsts.add(order[0] ?? "")
      assert.sameMembers(order.slice(0, 4), ["a", "b", "c", "d"])
      assert.deepStrictEqual(order.slice(4), ["z", "y"])
    }
    assert.strictEqual(firsts.size, 4)
  })

  it("is nobody where nobody is known", () => {
    assert.deepStrictEqual(KnownPeers.inOrder([], T.seeded(1)), [])
  })
})

describe("a node is alone", () => {
  it("while all others are gone", () => {
    assert.isTrue(KnownPeers.isAlone(table({})))
    assert.isTrue(KnownPeers.isAlone(table({ b: "dead", c: "left" })))
    assert.isFalse(KnownPeers.isAlone(table({ b: "dead", c: "suspect" })))
  })
})
