import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import * as TopicMark from "../../src/topic/TopicMark.ts"
import { bytes, generator, hex } from "../support/Hex.ts"

const written = (meta: Uint8Array, hash: number, isMarked: boolean) =>
  Result.getOrUndefined(TopicMark.written(hash, isMarked)(meta))

const [A, B] = [0x01020304, 0xf0000000]

describe("the mark of a topic in metadata", () => {
  it("is the MurmurHash3 of its name", () => {
    assert.strictEqual(TopicMark.hashOf(""), 0)
    assert.strictEqual(TopicMark.hashOf("orders").toString(16), "75184c89")
  })

  it("is written into no metadata, and the last one leaves none", () => {
    const one = written(new Uint8Array(), B, true) ?? new Uint8Array()
    assert.strictEqual(hex(one), "fe4d0101740004f0000000")
    const two = written(one, A, true) ?? new Uint8Array()
    assert.strictEqual(hex(two), "fe4d010174000801020304f0000000")
    assert.deepStrictEqual([A, B, 7].map((hash) => TopicMark.has(two, hash)), [true, true, false])
    assert.deepStrictEqual(written(two, A, false), one)
    assert.deepStrictEqual(written(one, B, false), new Uint8Array())
  })

  it("leaves the sections of others as they are", () => {
    const others = "fe4d01016d0003aabbcc0278780000"
    const marked = written(bytes(others), A, true) ?? new Uint8Array()
    assert.strictEqual(hex(marked), "fe4d01016d0003aabbcc01740004010203040278780000")
    assert.strictEqual(hex(written(marked, A, false) ?? new Uint8Array()), others)
  })

  it("is not written into what is no such document, nor found in it", () => {
    for (const text of ["ff", "fe4d02", "fe4d0101740004", "fe4d010174", "82a16101"]) {
      assert.isUndefined(written(bytes(text), A, true), text)
      assert.isFalse(TopicMark.has(bytes(text), A), text)
    }
  })

  it("is looked for in any bytes without a throw", () => {
    const random = generator(1)
    for (let i = 0; i < 2_000; i++) {
      const rest = Array.from({ length: Math.floor(random() * 30) }, () => Math.floor(random() * 256))
      const meta = Uint8Array.from([0xfe, 0x4d, 1, ...rest])
      TopicMark.has(meta, A)
      const marked = written(meta, A, true)
      if (marked !== undefined && !TopicMark.has(marked, A)) assert.fail(hex(meta))
    }
  })
})
