import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Message from "../../../src/wire/message/Message.ts"
import * as MessagePack from "../../../src/wire/msgpack/MessagePack.ts"
import { type Failure, Reader } from "../../../src/wire/msgpack/MessagePackReader.ts"
import { bytes, generator, hex, mutate } from "../../support/Hex.ts"
import * as Examples from "../../support/WireExamples.ts"

const read = <A>(codec: MessagePack.Codec<A>, input: Uint8Array) => {
  const reader = new Reader().reset(input, 0, input.length)
  const value = codec.read(reader, new MessagePack.Cursor())
  return { value, failure: reader.failure, pos: reader.pos }
}

const zero: Message.Ping = {
  _tag: "Ping",
  seqNo: 0,
  node: "",
  sourceAddr: new Uint8Array(0),
  sourcePort: 0,
  sourceNode: ""
}
const SEQ = "a5 5365714e6f"
const NODE = "a4 4e6f6465"
const ADDR = "aa 536f7572636541646472"
const PORT = "aa 536f75726365506f7274"

const accepts = (name: string, hexText: string, expected: Partial<Message.Ping>) =>
  it(`${name} (${hexText}) is accepted`, () => {
    assert.deepStrictEqual(read(Message.pingCodec, bytes(hexText)).value, { ...zero, ...expected })
  })

const refuses = (name: string, hexText: string, failure: Failure) =>
  it(`${name} (${hexText}) is refused`, () => {
    assert.deepInclude(read(Message.pingCodec, bytes(hexText)), { value: undefined, failure })
  })

describe("the struct", () => {
  accepts("an empty map", "80", {})
  accepts("nil", "c0", {})
  accepts("an empty array", "90", {})
  accepts("an array, by position", "92 2a a1 62", { seqNo: 42, node: "b" })
  accepts("an array16", "dc 0002 2a a1 62", { seqNo: 42, node: "b" })
  accepts("an array32", "dd 00000002 2a a1 62", { seqNo: 42, node: "b" })
  accepts("an array with nil elements", "92 c0 a1 62", { node: "b" })
  accepts("an array with more elements than fields", "97 2a a1 62 c0 01 a1 63 93 01 02 03 82 01 02 03 04", {
    seqNo: 42,
    node: "b",
    sourcePort: 1,
    sourceNode: "c"
  })
  accepts("a map16", `de 0001 ${SEQ} 2a`, { seqNo: 42 })
  accepts("a map32", `df 00000001 ${SEQ} 2a`, { seqNo: 42 })
  accepts("any order of keys", `82 ${SEQ} 2a ${NODE} a1 62`, { seqNo: 42, node: "b" })
  accepts("a key twice, the last one", `82 ${SEQ} 01 ${SEQ} 02`, { seqNo: 2 })
  accepts("nil for every field", `84 ${SEQ} c0 ${NODE} c0 ${ADDR} c0 ${PORT} c0`, {})
  accepts("bytes after it", `81 ${SEQ} 2a ff ff`, { seqNo: 42 })
  for (const head of ["2a", "a1 62", "c2", "c1", "ff", "cb 0000000000000000", "d4 00 00"]) {
    refuses("another type", head, "WrongType")
  }
  refuses("nothing", "", "Truncated")

  it("stops where it ends", () => {
    assert.strictEqual(read(Message.pingCodec, bytes(`81 ${SEQ} 2a ff ff`)).pos, 8)
  })
})

describe("keys", () => {
  for (
    const form of ["d9 04 4e6f6465", "da 0004 4e6f6465", "db 00000004 4e6f6465", "c4 04 4e6f6465", "c5 0004 4e6f6465"]
  ) accepts("another string form", `81 ${form} a1 61`, { node: "a" })
  accepts("a bin32 key", "81 c6 00000004 4e6f6465 a1 61", { node: "a" })
  accepts("a key as an array of integers", "81 94 4e 6f 64 65 a1 61", { node: "a" })
  accepts("a key of other case, ignored", "81 a4 6e6f6465 a1 61", {})
  refuses("a number", "81 05 03", "BadKey")
  refuses("nil", "81 c0 03", "BadKey")
  refuses("an empty string", "81 a0 03", "BadKey")
  refuses("a map", "81 81 01 02 03", "BadKey")
  refuses("a boolean", "81 c3 03", "BadKey")
})

describe("unknown fields", () => {
  accepts("a nested value", `82 a3 5a7a7a 81 a1 61 93 01 02 c0 ${NODE} a1 61`, { node: "a" })
  const values = [
    "c0",
    "c2",
    "c3",
    "00",
    "7f",
    "e0",
    "ff",
    "cc 00",
    "cd 0000",
    "ce 00000000",
    "cf 0000000000000000",
    "d0 00",
    "d1 0000",
    "d2 00000000",
    "d3 0000000000000000",
    "ca 00000000",
    "cb 0000000000000000",
    "a0",
    "a2 0000",
    "d9 01 00",
    "da 0001 00",
    "db 00000001 00",
    "c4 01 00",
    "c5 0001 00",
    "c6 00000001 00",
    "d4 01 00",
    "d5 01 0000",
    "d6 01 00000000",
    "d7 01 0000000000000000",
    `d8 01 ${"00".repeat(16)}`,
    "c7 03 01 000000",
    "c8 0003 01 000000",
    "c9 00000003 01 000000",
    "90",
    "80",
    "dc 0001 00",
    "dd 00000001 00",
    "de 0001 00 00",
    "df 00000001 00 00"
  ]
  for (const value of values) accepts("one of any type", `82 a1 5a ${value} ${SEQ} 2a`, { seqNo: 42 })
  refuses("the byte c1", `82 a1 5a c1 ${SEQ} 2a`, "WrongType")

  it("are passed over down to the depth limit, without recursion", () => {
    const nested = (levels: number) => bytes(`82 a1 5a ${"91".repeat(levels)} 00 ${SEQ} 2a`)
    assert.strictEqual(read(Message.pingCodec, nested(1_022)).value?.seqNo, 42)
    assert.strictEqual(read(Message.pingCodec, nested(1_023)).failure, "TooDeep")
    assert.strictEqual(read(Message.pingCodec, nested(1_000_000)).failure, "TooDeep")
  })
})

describe("unsigned integers", () => {
  for (
    const form of [
      "2a",
      "cc 2a",
      "cd 002a",
      "ce 0000002a",
      "cf 000000000000002a",
      "d0 2a",
      "d1 002a",
      "d2 0000002a",
      "d3 000000000000002a"
    ]
  ) accepts("any integer form", `81 ${SEQ} ${form}`, { seqNo: 42 })
  for (const form of ["ff", "d0 ff", "d1 ffff", "d2 ffffffff", "d3 ffffffffffffffff", "cf ffffffffffffffff"]) {
    refuses("a negative value, or one that wraps", `81 ${SEQ} ${form}`, "WrongType")
  }
  for (const form of ["cf 0000000100000000", "d3 0000000100000000"]) {
    refuses("too large a value", `81 ${SEQ} ${form}`, "Overflow")
  }
  refuses("too large a port", `81 ${PORT} ce 00010000`, "Overflow")
  for (const form of ["cb 4045000000000000", "ca 42280000", "a1 34", "c3", "91 01", "81 01 02"]) {
    refuses("another type", `81 ${SEQ} ${form}`, "WrongType")
  }
})

describe("a Go int", () => {
  const state = (form: string) => read(Message.pushPullHeaderCodec, bytes(`81 a5 4e6f646573 ${form}`)).value?.nodes
  it("reads every integer form, and wraps as Go does", () => {
    assert.strictEqual(state("2a"), 42)
    assert.strictEqual(state("ff"), -1)
    assert.strictEqual(state("cd ffff"), 65_535)
    assert.strictEqual(state("d1 ffff"), -1)
    assert.strictEqual(state("cf ffffffffffffffff"), -1)
    assert.strictEqual(state("cf 8000000000000000"), -(2 ** 63))
    assert.strictEqual(state("d3 0000000100000000"), 2 ** 32)
    assert.isUndefined(state("c3"))
  })
})

describe("booleans", () => {
  const join = (form: string) => read(Message.pushPullHeaderCodec, bytes(`81 a4 4a6f696e ${form}`)).value?.join
  it("are true, false, nil, 0 or 1", () => {
    assert.deepStrictEqual(["c3", "01", "c2", "00", "c0"].map(join), [true, true, false, false, false])
    for (const form of ["02", "a0", "ff", "cc 01", "d0 00"]) assert.isUndefined(join(form))
  })
})

describe("strings and bytes", () => {
  for (
    const form of ["a1 61", "d9 01 61", "da 0001 61", "db 00000001 61", "c4 01 61", "c5 0001 61", "c6 00000001 61"]
  ) {
    accepts("a name in any form", `81 ${NODE} ${form}`, { node: "a" })
    accepts("bytes in any form", `81 ${ADDR} ${form}`, { sourceAddr: bytes("61") })
  }
  accepts("a name as an array of integers", `81 ${NODE} 92 61 62`, { node: "ab" })
  accepts("bytes as an array of integers", `81 ${ADDR} 94 0a 00 cc ff d1 0001`, { sourceAddr: bytes("0a00ff01") })
  accepts("bytes as a map of integers, like the reference", `81 ${ADDR} 81 0a 0b`, { sourceAddr: bytes("0a0b") })
  refuses("an element beyond a byte", `81 ${ADDR} 91 cd 0100`, "Overflow")
  refuses("a name that is a map", `81 ${NODE} 80`, "WrongType")
  for (const form of ["2a", "c2", "cb 0000000000000000"]) {
    refuses("another type as a name", `81 ${NODE} ${form}`, "WrongType")
    refuses("another type as bytes", `81 ${ADDR} ${form}`, "WrongType")
  }
})

describe("announced lengths", () => {
  const heads = ["db ffffffff", "c6 ffffffff", "dd ffffffff", "df 7fffffff", "da ffff", "dc ffff"]
  const grown = (run: () => void): number => {
    const before = process.memoryUsage()
    run()
    const after = process.memoryUsage()
    return after.arrayBuffers + after.heapTotal - before.arrayBuffers - before.heapTotal
  }
  for (const head of heads) {
    it(`a value that announces ${head} and is not there allocates nothing for it`, () => {
      for (const key of [ADDR, "a1 5a"]) {
        const input = bytes(`81 ${key} ${head} 00`)
        const growth = grown(() => assert.strictEqual(read(Message.pingCodec, input).failure, "Truncated"))
        assert.isBelow(growth, 64 * 1024 * 1024)
      }
    })
  }
  for (const head of ["df ffffffff", "dd ffffffff"]) {
    it(`a struct that announces ${head} fields is refused before any is read`, () => {
      const input = bytes(head.startsWith("df") ? `${head} ${SEQ} 01` : `${head} 01`)
      assert.strictEqual(read(Message.pingCodec, input).failure, "TooMany")
    })
  }
})

describe("input in portions", () => {
  const inputs = [
    Examples.pingHex.slice(2),
    `84 a3 5a7a7a 82 01 93 a2 6161 db 00000003 616161 d4 01 02 ${
      "91".repeat(40)
    } c0 c4 02 0102 ${NODE} d9 01 61 ${SEQ} cf 000000000000002a
     ${ADDR} 93 cc 01 d1 0002 03`,
    "96 2a a1 62 c0 01 a1 63 93 a1 00 81 01 02 c0"
  ]
  for (const text of inputs) {
    it(`${text.slice(0, 12)}… resumes at every byte and yields the same`, () => {
      const input = bytes(text)
      const whole = read(Message.pingCodec, input)
      assert.isDefined(whole.value)
      const reader = new Reader()
      const cursor = new MessagePack.Cursor()
      let pos = 0
      for (let end = 0; end < input.length; end++) {
        const value = Message.pingCodec.read(reader.reset(input, pos, end), cursor)
        assert.isUndefined(value)
        assert.strictEqual(reader.failure, "Truncated")
        assert.isTrue(reader.pos >= pos && reader.wanted > end)
        pos = reader.pos
      }
      assert.deepStrictEqual(Message.pingCodec.read(reader.reset(input, pos, input.length), cursor), whole.value)
    })
  }
})

describe("arbitrary bytes", () => {
  it.prop("yield a value or a failure, never an exception", [Schema.Uint8Array], ([input]) => {
    const { failure, value } = read(Message.nodeStateCodec, input)
    assert.strictEqual(value === undefined, failure !== undefined)
  })

  it("mutated messages yield a value or a failure, and what is read can be written and read again", () => {
    const random = generator(11)
    const original = bytes(Examples.aliveHex).subarray(1)
    const codec = Message.packetCodec(Message.MessageType.Alive)
    if (codec === undefined) return assert.fail("alive messages have a codec")
    for (let i = 0; i < 5_000; i++) {
      const { failure, value } = read(codec, mutate(mutate(original, random), random))
      assert.strictEqual(value === undefined, failure !== undefined)
      if (value === undefined) continue
      const again = Message.encode(value)
      assert.strictEqual(hex(Message.encode(read(codec, again.subarray(1)).value ?? Examples.alive)), hex(again))
    }
  })
})

describe("derive", () => {
  it("refuses a Schema that does not say how it travels", () => {
    assert.throws(() => MessagePack.derive(Schema.Struct({ a: Schema.String }), (a: string) => ({ a }), ({ a }) => [a]))
    assert.throws(() => MessagePack.derive(Schema.String, (a: string) => a, (a) => [a]))
  })
})
