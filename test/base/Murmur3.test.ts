import { assert, describe, it } from "@effect/vitest"
import * as Murmur3 from "../../src/base/Murmur3.ts"
import { bytes } from "../support/Hex.ts"

describe("MurmurHash3", () => {
  const published: ReadonlyArray<readonly [hex: string, seed: number, number: number]> = [
    ["", 0, 0],
    ["", 1, 0x514e28b7],
    ["", 0xffffffff, 0x81f16f39],
    ["ffffffff", 0, 0x76293b50],
    ["21436587", 0, 0xf55b516b],
    ["21436587", 0x5082edee, 0x2362f9de],
    ["214365", 0, 0x7e4a8634],
    ["2143", 0, 0xa0f7b07a],
    ["21", 0, 0x72661cf4],
    ["00000000", 0, 0x2362f9de],
    ["000000", 0, 0x85f0b427],
    ["0000", 0, 0x30f4c306],
    ["00", 0, 0x514e28b7]
  ]
  it("gives the numbers that are published for it", () => {
    for (const [hex, seed, number] of published) {
      assert.strictEqual(Murmur3.ofBytes(bytes(hex), seed), number, `${hex} with ${seed}`)
    }
  })

  it("reads text as UTF-8", () => {
    assert.strictEqual(Murmur3.ofText("Hello, world!", 0x9747b28c), 0x24884cba)
    assert.strictEqual(Murmur3.ofText("ππππππππ", 0x9747b28c), 0xd58063c1)
  })

  it("mixes different numbers to different ones", () => {
    const mixed = new Set(Array.from({ length: 100_000 }, (_, i) => Murmur3.mix(i * 0x9e3779b1)))
    assert.strictEqual(mixed.size, 100_000)
    assert.deepStrictEqual([0, 1, -1, 0xffffffff].map(Murmur3.mix), [0, 0x514e28b7, 0x81f16f39, 0x81f16f39])
  })
})
