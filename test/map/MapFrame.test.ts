import { assert, describe, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { decode, encode, type MapFrame } from "../../src/map/exchange/MapFrame.ts"
import * as MapEntry from "../../src/map/MapEntry.ts"
import { hex } from "../support/Hex.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const entry = MapEntry.make("k", { time: 1_700_000_000_000, counter: 3, by: "n1" }, bytes("v"), 1_700_000_060_000)
const removal = MapEntry.make("ü", { time: 5, counter: 0, by: "n2" }, undefined)
const life = { name: "n1", birth: 1_000 }
const frames: ReadonlyArray<MapFrame> = [
  { _tag: "Delta", entries: [entry, removal, MapEntry.emptied(entry)] },
  { _tag: "Ask", session: 4_294_967_295, root: 2 ** 52 - 1 },
  {
    _tag: "Tops",
    session: 1,
    self: life,
    now: 2_000,
    asOf: 1_500,
    isNew: true,
    vector: [{ name: "n2", birth: 7, at: 9 }],
    sums: Array.from({ length: 64 }, (_, i) => i * 2 ** 40)
  },
  { _tag: "AskLeaves", session: 1, tops: [0, 5, 63] },
  { _tag: "Leaves", session: 1, sums: [1, 2, 3] },
  {
    _tag: "Want",
    session: 1,
    after: { leaf: 0, id: -1 },
    until: { leaf: 4_096, id: -1 },
    leaves: [0, 1, 4_095],
    has: [entry.id]
  },
  { _tag: "Chunk", session: 1, after: { leaf: 3, id: 17 }, to: { leaf: 4, id: 1 }, entries: [entry] }
]

describe("a frame of a map", () => {
  it("comes back as it was", () => {
    for (const frame of frames) assert.deepStrictEqual(decode(encode(frame)), frame)
  })

  it("has the bytes that members of other versions read", () => {
    assert.deepStrictEqual(frames.slice(0, 2).map((frame) => hex(encode(frame))), [
      "01010306016b80d095ffbc3103026e31e0a499ffbc3101c18efdc7f2cf01760102c3bc0500026e3202016b80d095ffbc3103026e31e0a499ffbc3101c18efdc7f2cf",
      "0102ffffffff0f0fffffffffffff"
    ])
  })

  it("is malformed wherever it is cut off, and never more than that", () => {
    for (const frame of frames) {
      const whole = encode(frame)
      for (let length = 2; length < whole.length; length++) {
        assert.strictEqual(decode(whole.subarray(0, length)), "Malformed", `${frame._tag} ${length}`)
      }
      const longer = new Uint8Array([...whole, 0])
      assert.strictEqual(decode(longer), "Malformed")
    }
    assert.strictEqual(decode(new Uint8Array(0)), "Malformed")
    assert.strictEqual(decode(new Uint8Array([2, 1, 0])), "Version")
    assert.strictEqual(decode(new Uint8Array([1, 9, 0])), "Kind")
  })

  it("has no more entries than its kind may have", () => {
    const many = (count: number) => Array.from({ length: count }, () => removal)
    const chunk = { _tag: "Chunk", session: 1, after: { leaf: 0, id: 0 }, to: { leaf: 1, id: 0 } } as const
    assert.notStrictEqual(decode(encode({ _tag: "Delta", entries: many(64) })), "Malformed")
    assert.strictEqual(decode(encode({ _tag: "Delta", entries: many(65) })), "Malformed")
    assert.notStrictEqual(decode(encode({ ...chunk, entries: many(1_025) })), "Malformed")
    assert.strictEqual(decode(encode({ ...chunk, entries: many(1_026) })), "Malformed")
  })

  it("with an entry that contradicts itself is malformed", () => {
    const whole = encode({ _tag: "Delta", entries: [entry] })
    const at = whole.length - 1
    // another value than its hash says
    const forged = whole.map((byte, i) => i === at ? byte ^ 1 : byte)
    assert.strictEqual(decode(forged), "Malformed")
    // a removal that has a value
    assert.strictEqual(decode(whole.map((byte, i) => i === 3 ? byte | 1 : byte)), "Malformed")
  })

  it.prop(
    "of any bytes is read without harm",
    [Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))))],
    ([bytes]) => {
      for (let kind = 1; kind <= 7; kind++) {
        const frame = decode(new Uint8Array([1, kind, ...bytes]))
        if (typeof frame !== "string") assert.deepStrictEqual(decode(encode(frame)), frame)
      }
    }
  )
})
