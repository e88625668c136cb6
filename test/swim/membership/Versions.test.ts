import { assert, describe, it } from "@effect/vitest"
import type { MemberState } from "../../../src/Member.ts"
import * as Versions from "../../../src/swim/membership/Versions.ts"
import { row } from "../support.ts"

type Triple = readonly [min: number, max: number, current: number]

const vector = (protocol: Triple, delegate: Triple) => Uint8Array.of(...protocol, ...delegate)
const zero: Triple = [0, 0, 0]

const ours = (name: string, vsn: Uint8Array, state: MemberState = "alive") => ({ name, vsn, state })
const theirs = (name: string, vsn: Uint8Array, state = 0) => row(name, 1, state, { vsn })

describe("Versions", () => {
  // The reference's table: local members, remote members, whether they agree.
  const cases: ReadonlyArray<readonly [ReadonlyArray<Triple>, ReadonlyArray<Triple>, boolean]> = [
    [[[0, 0, 0]], [[0, 0, 0]], true],
    [[[0, 0, 0]], [[0, 1, 0]], true],
    [[[0, 0, 0]], [[1, 1, 1]], false],
    [[[0, 1, 0], [0, 2, 1]], [[1, 3, 1]], false],
    [[[0, 3, 2], [0, 2, 0]], [[0, 2, 1], [0, 5, 0]], true]
  ]
  const kinds: ReadonlyArray<readonly [string, (triple: Triple) => Uint8Array]> = [
    ["protocol", (triple) => vector(triple, zero)],
    ["delegate protocol", (triple) => vector(zero, triple)]
  ]
  for (const [kind, build] of kinds) {
    it.each(cases)(`${kind} versions %j and %j agree: %j`, (local, remote, agree) => {
      const mismatch = Versions.verify(
        local.map((triple, i) => ours(`a${i}`, build(triple))),
        remote.map((triple, i) => theirs(`b${i}`, build(triple)))
      )
      assert.strictEqual(mismatch === undefined, agree)
      if (mismatch !== undefined) assert.match(mismatch.version, new RegExp(`^${kind} \\d`))
    })
  }

  it("names the member, what it speaks and what was expected", () => {
    assert.deepStrictEqual(
      Versions.verify([ours("a", vector([1, 3, 2], zero))], [theirs("b", vector([1, 5, 5], zero))]),
      { node: "b", version: "protocol 5", expected: "protocol 1 to 3" }
    )
  })

  it("looks at the peer's members before ours", () => {
    const bad = vector([1, 5, 9], zero)
    assert.strictEqual(Versions.verify([ours("a", bad)], [theirs("b", bad)])?.node, "b")
  })

  it("lets only living members set the range, but holds everybody to it", () => {
    const narrow = vector([1, 1, 1], zero)
    const wide = vector([1, 5, 2], zero)
    assert.isUndefined(Versions.verify([ours("a", wide), ours("gone", narrow, "dead")], [theirs("b", wide)]))
    assert.isUndefined(Versions.verify([ours("a", wide)], [theirs("b", wide), theirs("gone", narrow, 3)]))
    assert.strictEqual(
      Versions.verify([ours("a", wide)], [theirs("b", wide), theirs("gone", vector([1, 9, 9], zero), 2)])?.node,
      "gone"
    )
  })

  it.each([0, 4, 5])("a vector of %i bytes counts as version 0", (length) => {
    const short = Uint8Array.of(1, 5, 2, 0, 0).subarray(0, length)
    const mismatch = Versions.verify([ours("a", vector([1, 5, 2], zero))], [theirs("b", short)])
    assert.deepStrictEqual(mismatch, { node: "b", version: "protocol 0", expected: "protocol 1 to 5" })
  })

  it("agrees when nobody is there", () => assert.isUndefined(Versions.verify([], [])))
})
