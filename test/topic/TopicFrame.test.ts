import { assert, describe, it } from "@effect/vitest"
import * as TopicFrame from "../../src/topic/TopicFrame.ts"
import { bytes, generator, hex, mutate } from "../support/Hex.ts"

const head = { topic: "orders", sender: "a" }
const message = { origin: "bé", epoch: 0xdead_beef, sequence: 300, payload: bytes("0102") }
const spans = [
  { origin: "b", epoch: 7, ranges: [[1, 4], [6, 6], [300, 1_000]] },
  { origin: "c", epoch: 0, ranges: [] }
] as const

/** The head of each: magic, version, kind, topic, sender. */
const vectors: ReadonlyArray<readonly [string, TopicFrame.Body]> = [
  ["fe540101 066f7264657273 000161 02 000362c3a9 deadbeef ac02 0102", { _tag: "Data", hops: 2, message }],
  ["fe540102 066f7264657273 000161 02 000162 00000007 03 0103 0200 a602bc05 000163 00000000 00", {
    _tag: "Have",
    spans
  }],
  ["fe540103 066f7264657273 000161 01 02 000162 00000007 03 0103 0200 a602bc05 000163 00000000 00", {
    _tag: "Graft",
    isLasting: true,
    spans
  }],
  ["fe540104 066f7264657273 000161", { _tag: "Prune" }],
  ["fe540105 066f7264657273 000161 01 00", { _tag: "Digest", wantsAnswer: true, spans: [] }],
  [
    "fe540106 066f7264657273 000161 01 01 000362c3a9 deadbeef ac02 e807 02 0102",
    { _tag: "Batch", isAsked: true, messages: [{ message, age: 1_000 }] }
  ],
  ["fe540107 066f7264657273 000161 ff", { _tag: "Direct", payload: bytes("ff") }]
]

const decoded = (input: Uint8Array, topic = "orders") => TopicFrame.decode(input, topic)

describe("a frame", () => {
  for (const [text, body] of vectors) {
    it(`of the kind ${body._tag} is written and read as it was when this was committed`, () => {
      assert.strictEqual(hex(TopicFrame.encode({ ...head, body })), text.replaceAll(" ", ""))
      assert.deepStrictEqual(decoded(bytes(text)), { _tag: "Frame", frame: { ...head, body } })
    })

    it(`of the kind ${body._tag} is refused where it is cut short`, () => {
      const whole = bytes(text)
      // the rest of the bytes is the payload of these two, however long
      const fixed = body._tag === "Data" ? whole.length - 2 : body._tag === "Direct" ? whole.length - 1 : whole.length
      for (let length = 2; length < fixed; length++) {
        assert.strictEqual(decoded(whole.subarray(0, length))._tag, "Malformed")
      }
    })
  }

  it("comes back the same, whatever is in it", () => {
    const random = generator(1)
    const int = (n: number) => Math.floor(random() * n)
    const text = () => Array.from({ length: 1 + int(12) }, () => String.fromCodePoint(97 + int(600))).join("")
    const payload = () => Uint8Array.from({ length: int(300) }, () => int(256))
    const one = () => ({ origin: text(), epoch: int(2 ** 32), sequence: 1 + int(2 ** int(53)), payload: payload() })
    const list = <A>(most: number, of: () => A): ReadonlyArray<A> => Array.from({ length: int(most) }, of)
    const span = () => {
      let last = -1
      const ranges = list(TopicFrame.MAX_RANGES, () => {
        const from = last + 2 + int(2 ** int(30))
        last = from + int(2 ** int(30))
        return [from, last] as const
      })
      return { origin: text(), epoch: int(2 ** 32), ranges }
    }
    const bodies: ReadonlyArray<() => TopicFrame.Body> = [
      () => ({ _tag: "Data", hops: int(256), message: one() }),
      () => ({ _tag: "Have", spans: list(5, span) }),
      () => ({ _tag: "Graft", isLasting: true, spans: list(5, span) }),
      () => ({ _tag: "Prune" }),
      () => ({ _tag: "Digest", wantsAnswer: int(2) === 1, spans: list(5, span) }),
      () => ({
        _tag: "Batch",
        isAsked: int(2) === 1,
        messages: list(8, () => ({ message: one(), age: int(2 ** 30) }))
      }),
      () => ({ _tag: "Direct", payload: payload() })
    ]
    for (let i = 0; i < 210; i++) {
      const body = bodies[i % bodies.length]?.() ?? { _tag: "Prune" }
      const frame = { topic: text(), sender: text(), body }
      assert.deepStrictEqual(decoded(TopicFrame.encode(frame), frame.topic), { _tag: "Frame", frame })
    }
  })

  it("that was damaged is refused or read, and nothing is thrown", () => {
    const random = generator(2)
    const tags = new Set<string>()
    for (let i = 0; i < 10_000; i++) {
      const [text = ""] = vectors[i % vectors.length] ?? []
      const damaged = mutate(mutate(bytes(text), random), random)
      tags.add(decoded(damaged)._tag)
    }
    assert.sameMembers([...tags], ["Frame", "Foreign", "Other", "Unknown", "Malformed"])
  })

  it("of any bytes behind its head is refused or read, and nothing is thrown", () => {
    const random = generator(3)
    const tags = new Set<string>()
    for (let i = 0; i < 10_000; i++) {
      const rest = Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256))
      const kind = Math.floor(random() * 9)
      const input = Uint8Array.from([0xfe, 0x54, 1, kind, 1, 111, 0, 1, 97, ...rest])
      tags.add(decoded(input, "o")._tag)
    }
    assert.sameMembers([...tags], ["Frame", "Unknown", "Malformed"])
  })

  it("is told from what is none, and from those of other topics, versions and kinds", () => {
    assert.deepStrictEqual(decoded(bytes("")), { _tag: "Foreign" })
    assert.deepStrictEqual(decoded(bytes("82a4")), { _tag: "Foreign" })
    assert.deepStrictEqual(decoded(bytes("fe5402")), { _tag: "Malformed" })
    assert.deepStrictEqual(decoded(bytes("fe540201 00")), { _tag: "Unknown", what: "Version" })
    assert.deepStrictEqual(decoded(bytes("fe540104 0161 000161")), { _tag: "Other", topic: "a" })
    assert.deepStrictEqual(decoded(bytes("fe540108 066f7264657273 000161")), { _tag: "Unknown", what: "Kind" })
  })

  const broken: ReadonlyArray<readonly [string, string]> = [
    ["an empty name", "fe540104 066f7264657273 0000"],
    ["a name that is not UTF-8", "fe540104 066f7264657273 0001ff"],
    ["more than 4,096 publishers", "fe540102 066f7264657273 000161 8120"],
    ["more than 128 ranges", "fe540102 066f7264657273 000161 01 000162 00000007 8101"],
    ["the number 0", "fe540101 066f7264657273 000161 00 000162 00000007 00"],
    ["ranges that touch", "fe540102 066f7264657273 000161 01 000162 00000007 02 0103 0100"],
    ["a number above 2⁵³", "fe540102 066f7264657273 000161 01 000162 00000007 01 01ffffffffffffff7f"],
    ["a flag that is neither 0 nor 1", "fe540105 066f7264657273 000161 02 00"],
    ["a payload longer than the frame", "fe540106 066f7264657273 000161 00 01 000162 00000007 01 00 05 00"],
    ["bytes after its end", "fe540104 066f7264657273 000161 00"]
  ]
  for (const [what, text] of broken) {
    it(`with ${what} is refused`, () => {
      assert.deepStrictEqual(decoded(bytes(text)), { _tag: "Malformed" })
    })
  }

  it("is not read beyond its sender where that is not admitted", () => {
    const asked: Array<readonly [string, boolean]> = []
    const decoded = (body: TopicFrame.Body, tail: ReadonlyArray<number> = []) => {
      const bytes = Uint8Array.from([...TopicFrame.encode({ topic: "orders", sender: "n1", body }), ...tail])
      return TopicFrame.decode(bytes, "orders", (...header) => {
        asked.push(header)
        return false
      })._tag
    }
    // a broken body is not noticed
    assert.strictEqual(decoded({ _tag: "Prune" }, [1, 2, 3]), "Refused")
    assert.strictEqual(decoded({ _tag: "Digest", wantsAnswer: true, spans: [] }), "Refused")
    assert.strictEqual(decoded({ _tag: "Graft", isLasting: true, spans: [] }), "Refused")
    assert.deepStrictEqual(asked, [["n1", false], ["n1", true], ["n1", true]])
  })
})
