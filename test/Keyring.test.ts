import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Keyring } from "../src/Keyring.ts"

const key = (fill: number, length = 16) => new Uint8Array(length).fill(fill)
const firsts = (keys: ReadonlyArray<Uint8Array>) => keys.map((bytes) => bytes[0])
const contents = (ring: Keyring["Service"]) => Effect.map(ring.keys, firsts)

describe("make", () => {
  it.effect("puts the primary first and drops duplicates", () =>
    Effect.gen(function*() {
      const ring = yield* Keyring.make({ primary: key(2), keys: [key(1), key(2), key(3), key(1)] })
      assert.deepStrictEqual(yield* contents(ring), [2, 1, 3])
    }))
  it.effect("makes an empty ring from nothing", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual((yield* Keyring.make({})).keysUnsafe(), [])
    }))
  it.effect("refuses keys without a primary", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Keyring.make({ keys: [key(1)] }))
      assert.strictEqual(error._tag, "KeyringRefused")
    }))
  it.effect("refuses keys of a length AES does not know", () =>
    Effect.gen(function*() {
      for (const length of [0, 8, 15, 17, 31, 33, 64]) {
        const error = yield* Effect.flip(Keyring.make({ primary: key(1, length) }))
        assert.strictEqual(error._tag, "KeyInvalid")
      }
      for (const length of [16, 24, 32]) yield* Keyring.make({ primary: key(1, length) })
    }))
})

describe("operations", () => {
  it.effect("add appends, and the first key becomes the primary", () =>
    Effect.gen(function*() {
      const ring = yield* Keyring.make({})
      yield* ring.add(key(1))
      yield* ring.add(key(2))
      yield* ring.add(key(1))
      assert.deepStrictEqual(yield* contents(ring), [1, 2])
      assert.strictEqual((yield* Effect.flip(ring.add(key(1, 20)))).length, 20)
    }))
  it.effect("use moves a key to the front and keeps the order of the others", () =>
    Effect.gen(function*() {
      const ring = yield* Keyring.make({ primary: key(1), keys: [key(2), key(3)] })
      yield* ring.use(key(3))
      assert.deepStrictEqual(yield* contents(ring), [3, 1, 2])
      assert.strictEqual((yield* Effect.flip(ring.use(key(9)))).operation, "use")
      assert.deepStrictEqual(yield* contents(ring), [3, 1, 2])
    }))
  it.effect("remove spares the primary and ignores the unknown", () =>
    Effect.gen(function*() {
      const ring = yield* Keyring.make({ primary: key(1), keys: [key(2)] })
      assert.strictEqual((yield* Effect.flip(ring.remove(key(1)))).operation, "remove")
      yield* ring.remove(key(9))
      yield* ring.remove(key(2))
      assert.deepStrictEqual(yield* contents(ring), [1])
    }))
  it.effect("remove refuses on an empty ring", () =>
    Effect.gen(function*() {
      const ring = yield* Keyring.make({})
      assert.strictEqual((yield* Effect.flip(ring.remove(key(1)))).operation, "remove")
    }))
  it.effect("a rotation keeps a usable key throughout", () =>
    Effect.gen(function*() {
      const ring = yield* Keyring.make({ primary: key(1) })
      yield* ring.add(key(2))
      yield* ring.use(key(2))
      yield* ring.remove(key(1))
      assert.deepStrictEqual(yield* contents(ring), [2])
    }))
})

describe("isolation", () => {
  it.effect("changing a given or a returned key does not change the ring", () =>
    Effect.gen(function*() {
      const given = key(1)
      const ring = yield* Keyring.make({ primary: given })
      given.fill(9)
      const [returned] = yield* ring.keys
      returned?.fill(9)
      assert.deepStrictEqual(ring.keysUnsafe(), [key(1)])
    }))
  it.effect("a snapshot stays as it was, and is the same array until the ring changes", () =>
    Effect.gen(function*() {
      const ring = yield* Keyring.make({ primary: key(1) })
      const before = ring.keysUnsafe()
      assert.strictEqual(ring.keysUnsafe(), before)
      yield* ring.add(key(1))
      assert.strictEqual(ring.keysUnsafe(), before)
      yield* ring.add(key(2))
      assert.deepStrictEqual(firsts(before), [1])
      assert.notStrictEqual(ring.keysUnsafe(), before)
    }))
})
