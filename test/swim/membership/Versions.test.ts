import { assert, describe, it } from "@effect/vitest"
import type { MemberState } from "../../../src/Member.ts"
import * as Versions from "../../../src/swim/membership/Versions.ts"
import { row } from "../../support/Rules.ts"

type Triple = readonly [min: number, max: number, current: number]

const vector = (protocol: Triple, delegate: Triple) => Uint8Array.of(...protocol, ...delegate)
const zero: Triple = [0, 0, 0]

const ours = (name: string, vsn: Uint8Array, state: MemberState = "alive") => ({ name, vsn, state })
const theirs = (name: string, vsn: Uint8Array, state = 0) => row(name, 1, state, { vsn })

describe("Versions", () => {
  // The reference's table: local members, remote members, whether they agree. Protocol versions begin at 1 in any row that
  // counts, so those are one higher.
  const cases: ReadonlyArray<readonly [ReadonlyArray<Triple>, ReadonlyArray<Triple>, boolean]> = [
    [[[0, 0, 0]], [[0, 0, 0]], true],
    [[[0, 0, 0]], [[0, 1, 0]], true],
    [[[0, 0, 0]], [[1, 1, 1]], false],
    [[[0, 1, 0], [0, 2, 1]], [[1, 3, 1]], false],
    [[[0, 3, 2], [0, 2, 0]], [[0, 2, 1], [0, 5, 0]], true]
  ]
  const kinds: ReadonlyArray<readonly [string, (triple: Triple) => Uint8Array]> = [
    ["protocol", ([min, max, current]) => vector([min + 1, max + 1, current + 1], zero)],
    ["delegate protocol", (triple) => vector([1, 5, 2], triple)]
  ]
  for (const [kind, build] of kinds) {
    it.each(cases)(`${kind} versions %j and %j agree: %j`, (local, remote, agree) => {
      const mismatch = Versions.verify(
        local.map((triple, i) => ours(`a${i}`, build(triple))),
        remote.map((triple, i) => theirs(`b${i}`, build(triple)))
      )
      assert.strictEqual(mismatch === undefined, agree)
      if (mismatch !== undefined) assert.strictEqual(mismatch.kind, kind)
    })
  }

  it("names the member, and one that does not understand it, with the range of each", () => {
    assert.deepStrictEqual(
      Versions.verify([ours("a", vector([1, 3, 2], zero))], [theirs("b", vector([1, 5, 5], zero))]),
      {
        kind: "protocol",
        member: { name: "b", current: 5, min: 1, max: 5 },
        other: { name: "a", current: 2, min: 1, max: 3 }
      }
    )
  })

  it("tells two ranges that do not overlap as they are, and never one that is impossible", () => {
    const serf = vector([1, 5, 2], [2, 5, 4])
    const plain = vector([1, 5, 2], zero)
    const speakers = [{ name: "serf", current: 4, min: 2, max: 5 }, { name: "us", current: 0, min: 0, max: 0 }] as const
    const [member, other] = speakers
    const kind = "delegate protocol"
    assert.deepStrictEqual(Versions.verify([ours("us", plain)], [theirs("serf", serf)]), { kind, member, other })
    assert.deepStrictEqual(Versions.verify([ours("serf", serf)], [theirs("us", plain)]), {
      kind,
      member: other,
      other: member
    })
  })

  it("names a living member of those with one vector where the range is meant, and else the first", () => {
    const narrow = vector([1, 2, 2], zero)
    const mismatch = Versions.verify(
      [ours("us", vector([1, 5, 4], zero)), ours("gone", narrow, "dead"), ours("old", narrow)],
      []
    )
    assert.deepStrictEqual([mismatch?.member.name, mismatch?.other.name], ["us", "old"])
  })

  it("looks at the peer's members before ours", () => {
    const bad = vector([1, 5, 9], zero)
    const wide = vector([1, 9, 9], zero)
    assert.strictEqual(Versions.verify([ours("a", bad)], [theirs("b", bad), theirs("c", wide)])?.member.name, "b")
  })

  it("lets only living members set the range, but holds everybody to it", () => {
    const narrow = vector([1, 1, 1], zero)
    const wide = vector([1, 5, 2], zero)
    assert.isUndefined(Versions.verify([ours("a", wide), ours("gone", narrow, "dead")], [theirs("b", wide)]))
    assert.isUndefined(Versions.verify([ours("a", wide)], [theirs("b", wide), theirs("gone", narrow, 3)]))
    assert.strictEqual(
      Versions.verify([ours("a", wide)], [theirs("b", wide), theirs("gone", vector([1, 9, 9], zero), 2)])?.member.name,
      "gone"
    )
  })

  const useless: ReadonlyArray<readonly [string, Uint8Array]> = [
    ...[0, 2, 3, 4, 5].map((length) => [`${length} bytes`, new Uint8Array(length).fill(3)] as const),
    ["zeros", new Uint8Array(6)],
    ["a minimum of 0", vector([0, 5, 2], zero)],
    ["a maximum of 0", vector([1, 0, 2], zero)],
    ["a minimum above the maximum", vector([3, 2, 2], zero)]
  ]
  for (const [what, vsn] of useless) {
    it(`leaves out a row with versions of ${what}, alive or dead, theirs or ours`, () => {
      const good = vector([1, 5, 2], zero)
      for (const state of [0, 1, 2, 3]) {
        assert.isUndefined(Versions.verify([ours("a", good)], [theirs("b", vsn, state), theirs("c", good)]))
      }
      assert.isUndefined(Versions.verify([ours("a", good), ours("b", vsn)], [theirs("c", good)]))
    })
  }

  it("looks at a table again when it is another version of it", () => {
    const narrow = ours("a", vector([1, 2, 2], zero))
    const [table, peers] = [[ours("b", vector([1, 5, 2], zero))], [theirs("c", vector([1, 5, 4], zero))]]
    assert.isUndefined(Versions.verify(table, peers))
    assert.isUndefined(Versions.verify(table, peers))
    assert.strictEqual(Versions.verify([...table, narrow], peers)?.other.name, "a")
  })

  it("agrees when nobody is there", () => assert.isUndefined(Versions.verify([], [])))
})

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
      assert.strictEqual(Versions.answersStreamPing(member), streamPing)
      assert.strictEqual(Versions.canNack(member), nack)
      assert.strictEqual(Versions.readsChecksum(member), checksum)
    }
  })

  it("is nothing where it announces no versions", () => {
    const member = { vsn: new Uint8Array() }
    assert.isFalse(Versions.answersStreamPing(member) || Versions.canNack(member) || Versions.readsChecksum(member))
  })
})
