import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as crypto from "node:crypto"
import * as Encryption from "../../src/wire/Encryption.ts"
import { bytes, generator, hex, mutate, packed } from "../support/Hex.ts"
import * as Examples from "../support/WireExamples.ts"

const { key, label, noLabel, nonce } = Examples
const plain = bytes(Examples.nackHex)

const vectors: ReadonlyArray<readonly [0 | 1, Uint8Array, string]> = [
  [1, noLabel, "01 000102030405060708090a0b f6be614e7b057559c2 0575fa058d31cd58e0fd40add0054768"],
  [1, label, "01 000102030405060708090a0b f6be614e7b057559c2 fcf08ab991d013880973c3d5524c7b86"],
  [
    0,
    noLabel,
    "00 000102030405060708090a0b f6be614e7b057559c221001dc79cb72a 03085160268706d03c18ffd452c2c657"
  ],
  [0, label, "00 000102030405060708090a0b f6be614e7b057559c221001dc79cb72a fa8d21dc3a66d800d5967cacd08bfab9"]
]

describe("the reference's vectors", () => {
  for (const [version, aad, text] of vectors) {
    it(`version ${version} with ${aad.length} authenticated bytes, both ways`, () => {
      assert.strictEqual(hex(Encryption.encrypt(plain, { key, version, nonce }, aad)), packed(text))
      assert.deepStrictEqual(Uint8Array.from(Encryption.decrypt(bytes(text), [key], aad) as Uint8Array), plain)
    })
  }

  it("the overhead is 29 bytes, or at most 45 with padding", () => {
    assert.deepStrictEqual([Encryption.overhead(1), Encryption.overhead(0)], [29, 45])
    assert.deepStrictEqual([0, 1, 15, 16].map((n) => Encryption.sealedLength(0, n)), [45, 45, 45, 61])
    assert.deepStrictEqual([0, 1, 16].map((n) => Encryption.sealedLength(1, n)), [29, 30, 45])
  })
})

describe("decrypt", () => {
  const [, , sealedHex] = vectors[0] ?? [1, noLabel, ""]
  const sealed = bytes(sealedHex)

  it("tries every key in order", () => {
    const others = [new Uint8Array(16), new Uint8Array(24), new Uint8Array(32)]
    assert.instanceOf(Encryption.decrypt(sealed, [...others, key], noLabel), Uint8Array)
    assert.strictEqual(
      Encryption.decrypt(sealed, others, noLabel),
      "no installed keys could decrypt the message"
    )
    assert.isString(Encryption.decrypt(sealed, [], noLabel))
  })

  it("refuses other authenticated bytes, and any changed bit but those of an unauthenticated version", () => {
    assert.isString(Encryption.decrypt(sealed, [key], label))
    for (let bit = 8; bit < sealed.length * 8; bit++) {
      const changed = Uint8Array.from(sealed)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.isString(Encryption.decrypt(changed, [key], noLabel))
    }
  })

  it("refuses too few bytes and unknown versions in the reference's words", () => {
    assert.strictEqual(Encryption.decrypt(new Uint8Array(0), [key], noLabel), "cannot decrypt empty payload")
    assert.strictEqual(Encryption.decrypt(bytes("0200"), [key], noLabel), "unsupported encryption version 2")
    assert.strictEqual(
      Encryption.decrypt(sealed.subarray(0, 28), [key], noLabel),
      "payload is too small to decrypt: 28"
    )
    const padded = Uint8Array.from({ length: 44 })
    assert.strictEqual(Encryption.decrypt(padded, [key], noLabel), "payload is too small to decrypt: 44")
  })

  it("takes a version flipped from 1 to 0 for a failure, whatever the plaintext ends with", () => {
    for (const end of ["00", "11", "ff", "0b", "0202", "010203"]) {
      const flipped = Encryption.encrypt(
        bytes(`0b81a55365714e6f2a000102030405${end}`),
        { key, version: 1, nonce },
        noLabel
      )
      flipped[0] = 0
      const result = Encryption.decrypt(flipped, [key], noLabel)
      if (end === "0202") assert.instanceOf(result, Uint8Array)
      else assert.isString(result)
    }
  })

  it("accepts only strict padding", () => {
    const seal = (text: string) => {
      const out = Encryption.encrypt(bytes(text), { key, version: 1, nonce }, noLabel)
      out[0] = 0
      return Encryption.decrypt(out, [key], noLabel)
    }
    assert.deepStrictEqual(Uint8Array.from(seal("10".repeat(16)) as Uint8Array), new Uint8Array(0))
    assert.deepStrictEqual(Uint8Array.from(seal("0b".repeat(5) + "0b".repeat(11)) as Uint8Array), bytes("0b".repeat(5)))
    for (const text of ["11".repeat(17), "00".repeat(16), "aa".repeat(13) + "020303", "aa".repeat(15) + "00"]) {
      assert.isString(seal(text))
    }
  })

  it("accepts an empty plaintext in version 1, which is for the caller to refuse", () => {
    const out = Encryption.decrypt(
      Encryption.encrypt(new Uint8Array(0), { key, version: 1, nonce }, noLabel),
      [key],
      noLabel
    )
    assert.isTrue(out instanceof Uint8Array && out.length === 0)
  })

  it("passes over a key of no AES length", () => {
    assert.instanceOf(Encryption.decrypt(sealed, [new Uint8Array(5), key], noLabel), Uint8Array)
    assert.throws(() => Encryption.encrypt(plain, { key: new Uint8Array(5), version: 1, nonce }, noLabel))
  })

  it("never throws, whatever the bytes", () => {
    const random = generator(17)
    for (let i = 0; i < 2_000; i++) {
      const input = i % 2 === 0
        ? mutate(sealed, random)
        : Uint8Array.from({ length: random() * 80 }, () => random() * 3)
      const out = Encryption.decrypt(input, [key], noLabel)
      assert.isTrue(typeof out === "string" || out instanceof Uint8Array)
    }
  })
})

describe("any plaintext", () => {
  it.prop("comes back, in both versions, with keys of every length", [Schema.Uint8Array], ([input]) => {
    for (const version of [0, 1] as const) {
      for (const size of [16, 24, 32]) {
        const random = crypto.randomBytes(size)
        const sealed = Encryption.encrypt(input, { key: random, version, nonce }, label)
        assert.strictEqual(sealed.length, Encryption.sealedLength(version, input.length))
        const out = Encryption.decrypt(sealed, [random], label)
        assert.isTrue(out instanceof Uint8Array && hex(out) === hex(input))
      }
    }
  })
})
