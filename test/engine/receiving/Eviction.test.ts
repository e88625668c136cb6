import { assert, describe, it } from "@effect/vitest"
import * as Eviction from "../../../src/engine/receiving/Eviction.ts"

type Given = Partial<Eviction.Candidate> & { readonly id: string }

const stream = (given: Given) => ({
  ip: "10.0.0.1",
  activeAt: 0,
  bytes: 0,
  authenticated: false,
  complete: false,
  ...given
})

const placeOf = (...given: ReadonlyArray<Given>) => Eviction.forPlace(given.map(stream))?.id
const bytesOf = (...given: ReadonlyArray<Given>) => Eviction.forBytes(given.map(stream))?.id

describe("for a place", () => {
  it("nobody goes where nobody is", () => {
    assert.isUndefined(placeOf())
  })

  it("the address that has most loses its longest idle stream, though others are idle for longer", () => {
    assert.strictEqual(
      placeOf(
        { id: "single", ip: "10.0.0.2", activeAt: 0 },
        { id: "younger", activeAt: 30 },
        { id: "older", activeAt: 20 },
        { id: "another", ip: "10.0.0.3", activeAt: 10 }
      ),
      "older"
    )
  })

  it("of addresses that have equally many, the longest idle stream goes", () => {
    assert.strictEqual(
      placeOf(
        { id: "a", ip: "10.0.0.2", activeAt: 3 },
        { id: "b", ip: "10.0.0.3", activeAt: 1 },
        { id: "c", ip: "10.0.0.4", activeAt: 2 }
      ),
      "b"
    )
  })

  it("a stream that a key opened stays while there is any other, even of an address that has fewer", () => {
    assert.strictEqual(
      placeOf(
        { id: "member", authenticated: true, activeAt: 0 },
        { id: "another member", authenticated: true, activeAt: 1 },
        { id: "stranger", ip: "10.0.0.2", activeAt: 5 }
      ),
      "stranger"
    )
    assert.strictEqual(
      placeOf({ id: "member", authenticated: true, activeAt: 1 }, { id: "longer", authenticated: true, activeAt: 0 }),
      "longer"
    )
  })
})

describe("for bytes", () => {
  it("spares whoever is being served while others of the address have not even asked", () => {
    assert.strictEqual(placeOf({ id: "served", complete: true, activeAt: 0 }, { id: "silent", activeAt: 1 }), "silent")
    assert.strictEqual(
      placeOf({ id: "served", complete: true, activeAt: 1 }, { id: "longer", complete: true, activeAt: 0 }),
      "longer"
    )
    const many = Array.from(
      { length: 3 },
      (_, i) => ({ id: `unread ${i}`, ip: "10.0.0.9", complete: true, activeAt: i })
    )
    assert.strictEqual(placeOf({ id: "member", activeAt: 0 }, ...many), "unread 0")
  })

  it("nobody goes who holds none", () => {
    assert.isUndefined(bytesOf({ id: "a" }, { id: "b" }))
  })

  it("the address that holds most loses, not the one that has most streams", () => {
    assert.strictEqual(
      bytesOf(
        { id: "a", bytes: 10, activeAt: 0 },
        { id: "b", bytes: 10, activeAt: 1 },
        { id: "large", ip: "10.0.0.2", bytes: 30, activeAt: 9 }
      ),
      "large"
    )
  })

  it("of that address the longest idle goes, unless it holds less than half of the average", () => {
    assert.strictEqual(
      bytesOf(
        { id: "small", bytes: 1, activeAt: 0 },
        { id: "second", bytes: 50, activeAt: 2 },
        { id: "first", bytes: 60, activeAt: 1 },
        { id: "third", bytes: 70, activeAt: 3 }
      ),
      "first"
    )
  })

  it("of streams that hold about the same, it is not the one with a few bytes more", () => {
    assert.strictEqual(
      bytesOf({ id: "newcomer", bytes: 103, activeAt: 9 }, { id: "a", bytes: 100, activeAt: 1 }, {
        id: "b",
        bytes: 100,
        activeAt: 2
      }),
      "a"
    )
  })

  it("a stream that alone holds most of what its address does goes, however active it is", () => {
    assert.strictEqual(
      bytesOf(
        { id: "a", bytes: 1, activeAt: 0 },
        { id: "b", bytes: 1, activeAt: 1 },
        { id: "large", bytes: 100, activeAt: 9 }
      ),
      "large"
    )
  })
})
