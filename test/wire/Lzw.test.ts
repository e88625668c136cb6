import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"
import * as Lzw from "../../src/wire/Lzw.ts"
import { bytes, generator, hex, mutate } from "../support/Hex.ts"

const LIMIT = 41_943_040
const text = (value: string) => new TextEncoder().encode(value)
const sha256 = (value: Uint8Array) => createHash("sha256").update(value).digest("hex")

const compress = (input: Uint8Array): Uint8Array => {
  const out = Lzw.compress(input)
  assert.isDefined(out)
  return out
}
const decompress = (input: Uint8Array, limit = LIMIT): Uint8Array => {
  const out = Lzw.decompress(input, limit)
  assert.instanceOf(out, Uint8Array)
  return out
}
const failure = (input: Uint8Array, limit = LIMIT): string => {
  const out = Lzw.decompress(input, limit)
  return out instanceof Uint8Array ? "none" : out.failure
}

/** A linear congruential generator's bytes, which do not compress. */
const lcg = (n: number): Uint8Array => {
  let x = 1n
  return Uint8Array.from({ length: n }, () => {
    x = (x * 1103515245n + 12345n) % 2147483648n
    return Number((x >> 16n) & 0xffn)
  })
}

const counting = (n: number) => Uint8Array.from({ length: n }, (_, i) => i & 0xff)

describe("the reference's vectors", () => {
  const short: ReadonlyArray<readonly [string, Uint8Array, string]> = [
    ["nothing", new Uint8Array(0), "000302"],
    ["a", text("a"), "00c30404"],
    ["AA", text("AA"), "0083040908"],
    ["AAA", text("AAA"), "0083080c08"],
    ["ten a", text("aaaaaaaaaa"), "00c3081c483020"],
    ["TOBEORNOT", text("TOBEORNOTTOBEORTOBEORNOT"), "00a93c1152e48914274fa80824687061c183090302"],
    ["a user message", bytes("086869"), "0011a0491310"]
  ]
  for (const [name, input, output] of short) {
    it(`${name} compresses to ${output} and back`, () => {
      assert.strictEqual(hex(compress(input)), output)
      assert.deepStrictEqual(decompress(bytes(output)), input)
    })
  }

  const long: ReadonlyArray<readonly [string, Uint8Array, number, string]> = [
    ["all bytes twice", counting(512), 451, "7a02b6d4ed21621aead2ce77c28e07a0e52fcdc92663393e832c57b4bd761428"],
    [
      "a word a thousand times",
      text("memberlist".repeat(1_000)),
      525,
      "3d908f5114b9c580a0771f38aed86d33d450dd1b1f182f007eba4c2f5b8a75c6"
    ],
    [
      "100,000 zeros",
      new Uint8Array(100_000),
      530,
      "7a2b74e419500a3be5ff7cda6b8829a1eb730ccfee1d9e062be7a8ef00a0f6bf"
    ],
    ["4,000 noise", lcg(4_000), 5_477, "1faacd594a9f00d8b612639e2451a66acd8d6e31edeef3b02932b53c3e3df5d1"],
    ["20,000 noise", lcg(20_000), 27_354, "a777aac29df15a922651dc478673f4c5c2f13761dd51672df2f35763e9e1cb27"]
  ]
  for (const [name, input, size, digest] of long) {
    it(`${name} compresses to the reference's ${size} bytes and back`, () => {
      const output = compress(input)
      assert.strictEqual(output.length, size)
      assert.strictEqual(sha256(output), digest)
      assert.deepStrictEqual(decompress(output), input)
    })
  }

  it("the last code may widen the end code", () => {
    assert.strictEqual(compress(counting(254)).length, 288)
    assert.strictEqual(compress(counting(255)).length, 290)
    assert.isTrue(hex(compress(counting(255))).endsWith("0101"))
    assert.strictEqual(compress(counting(256)).length, 291)
  })
})

describe("decompress", () => {
  it("ignores what follows the end code", () => {
    assert.deepStrictEqual(decompress(bytes("0003020000")), new Uint8Array(0))
  })

  it("needs no leading clear code", () => {
    assert.deepStrictEqual(decompress(bytes("610202")), text("a"))
  })

  it("fails without an end code", () => {
    for (const input of ["", "00", "0003", "00c304"]) assert.strictEqual(failure(bytes(input)), "UnexpectedEnd")
  })

  it("fails at a code that is not in the table", () => {
    // Code 258 after the clear code.
    assert.strictEqual(failure(bytes("00050a")), "InvalidCode")
  })

  it("stops at the limit, having produced no more than that", () => {
    const bomb = compress(new Uint8Array(1_000_000))
    assert.isBelow(bomb.length, 3_000)
    assert.strictEqual(decompress(bomb, 1_000_000).length, 1_000_000)
    const out = Lzw.decompress(bomb, 999_999)
    assert.isTrue(!(out instanceof Uint8Array) && out.failure === "TooLarge" && out.produced <= 999_999)
    assert.strictEqual(failure(bomb, 0), "TooLarge")
  })

  it("allocates for what it produces, not for the limit", () => {
    const before = process.memoryUsage().arrayBuffers
    const out = decompress(compress(text("a")), LIMIT)
    assert.isAtMost(out.buffer.byteLength, 256)
    assert.isBelow(process.memoryUsage().arrayBuffers - before, 1_000_000)
  })

  it("keeps decoding with a full table until a clear code", () => {
    // 12-bit literals after the table has filled: an encoder that never clears.
    const bits: Array<number> = []
    let width = 9
    let high = 257
    const put = (code: number) => {
      for (let i = 0; i < width; i++) bits.push((code >> i) & 1)
    }
    const literals = Uint8Array.from({ length: 6_000 }, (_, i) => (i * 7) & 0xff)
    put(256)
    for (const literal of literals) {
      put(literal)
      if (high < 4095 && ++high === 2 ** width && width < 12) width++
    }
    put(257)
    const packed = new Uint8Array(Math.ceil(bits.length / 8))
    bits.forEach((bit, i) => packed[i >> 3] = (packed[i >> 3] ?? 0) | (bit << (i & 7)))
    assert.deepStrictEqual(decompress(packed), literals)
  })
})

describe("compress", () => {
  it("gives up at the limit", () => {
    const input = lcg(4_000)
    assert.isUndefined(Lzw.compress(input, 5_476))
    assert.strictEqual(Lzw.compress(input, 5_477)?.length, 5_477)
    assert.isUndefined(Lzw.compress(input, 0))
  })
})

describe("any bytes", () => {
  it.prop("come back after compression", [Schema.Uint8Array], ([input]) => {
    assert.deepStrictEqual(decompress(compress(input)), input)
  })

  it("come back around every change of width and full table", () => {
    const random = generator(3)
    for (const size of [253, 255, 257, 509, 767, 1_023, 2_047, 3_837, 3_838, 3_839, 3_840, 7_676, 7_677, 12_000]) {
      for (const letters of [1, 2, 16, 256]) {
        const input = Uint8Array.from({ length: size }, () => random() * letters)
        assert.deepStrictEqual(decompress(compress(input)), input)
      }
    }
  })

  it("are decompressed or refused, whatever they are", () => {
    const random = generator(5)
    const valid = compress(text("memberlist ".repeat(600)))
    for (let i = 0; i < 2_000; i++) {
      const input = i % 2 === 0
        ? mutate(valid, random)
        : Uint8Array.from({ length: random() * 300 }, () => random() * 256)
      const out = Lzw.decompress(input, 100_000)
      if (out instanceof Uint8Array) assert.isAtMost(out.length, 100_000)
      else assert.isAtMost(out.produced, 100_000)
    }
  })
})
