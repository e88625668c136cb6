import { assert, describe, it } from "@effect/vitest"
import type * as Schema from "effect/Schema"
import * as Message from "../../../src/wire/message/Message.ts"
import type * as MessagePack from "../../../src/wire/msgpack/MessagePack.ts"
import { Writer } from "../../../src/wire/msgpack/MessagePackWriter.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { bytes, hex, packed } from "../../support/Hex.ts"
import * as Examples from "../../support/WireExamples.ts"

const decode = (message: Uint8Array) => {
  const codec = Message.packetCodec(message[0] ?? 255)
  assert.isDefined(codec)
  return Message.decodeBody(codec, message, 1, message.length)
}

const body = <A>(codec: MessagePack.Codec<A>, text: string) => {
  const input = bytes(text)
  return Message.decodeBody(codec, input, 0, input.length)
}

const written = <A>(codec: MessagePack.Codec<A>, value: A): string => {
  const writer = new Writer()
  codec.write(writer, value)
  return hex(writer.finish())
}

const examples: ReadonlyArray<readonly [string, Exclude<Message.PacketMessage, Message.User>, string]> = [
  ["a ping with its source", Examples.ping, Examples.pingHex],
  [
    "a ping without a source",
    { _tag: "Ping", seqNo: 1, node: "b", sourceAddr: new Uint8Array(0), sourcePort: 0, sourceNode: "" },
    "00 82 a4 4e6f6465 a1 62 a5 5365714e6f 01"
  ],
  ["an ack without payload", Examples.ack, Examples.ackHex],
  [
    "an ack with a payload",
    { _tag: "Ack", seqNo: 42, payload: bytes("010203") },
    "02 82 a7 5061796c6f6164 a3 010203 a5 5365714e6f 2a"
  ],
  ["a nack", Examples.nack, Examples.nackHex],
  [
    "an indirect ping",
    {
      _tag: "IndirectPing",
      seqNo: 42,
      target: bytes("0a000002"),
      port: 7946,
      node: "node-b",
      nack: true,
      sourceAddr: bytes("0a000001"),
      sourcePort: 7946,
      sourceNode: "node-a"
    },
    `01 88 a4 4e61636b c3 a4 4e6f6465 a6 6e6f64652d62 a4 506f7274 cd 1f0a a5 5365714e6f 2a
     aa 536f7572636541646472 a4 0a000001 aa 536f757263654e6f6465 a6 6e6f64652d61
     aa 536f75726365506f7274 cd 1f0a a6 546172676574 a4 0a000002`
  ],
  ["an alive", Examples.alive, Examples.aliveHex],
  [
    "an alive with the 16-byte address form",
    { ...Examples.alive, addr: bytes("00000000000000000000ffff0a000001") },
    Examples.aliveHex.replace("a40a000001", "b000000000000000000000ffff0a000001")
  ],
  ["a suspect", Examples.suspect, Examples.suspectHex],
  [
    "a dead that means leaving",
    { _tag: "Dead", incarnation: 1, node: "node-a", from: "node-a" },
    "05 83 a4 46726f6d a6 6e6f64652d61 ab 496e6361726e6174696f6e 01 a4 4e6f6465 a6 6e6f64652d61"
  ]
]

describe("the annotated examples", () => {
  for (const [name, message, text] of examples) {
    it(`${name} is written byte for byte`, () => {
      assert.strictEqual(hex(Message.encode(message)), packed(text))
    })
    it(`${name} is read back`, () => {
      assert.deepStrictEqual(decode(bytes(text)), message)
    })
  }

  it("their sizes are the documented ones", () => {
    const sizes = examples.map(([, message]) => Message.encode(message).length)
    assert.deepStrictEqual(sizes, [69, 16, 18, 21, 9, 95, 62, 74, 39, 39])
  })

  it("an error response is written and read back", () => {
    const message: Message.ErrorResponse = { _tag: "ErrorResponse", error: "boom" }
    assert.strictEqual(hex(Message.encode(message)), packed("0d 81 a5 4572726f72 a4 626f6f6d"))
    assert.deepStrictEqual(body(Message.errorResponseCodec, "81 a5 4572726f72 a4 626f6f6d"), message)
  })

  it("a user message is its payload behind the type byte", () => {
    assert.strictEqual(hex(Message.encode({ _tag: "User", payload: bytes("6869") })), "086869")
  })
})

describe("integers", () => {
  const ints: ReadonlyArray<readonly [number, string]> = [
    [0, "00"],
    [127, "7f"],
    [128, "d10080"],
    [255, "d100ff"],
    [32_767, "d17fff"],
    [32_768, "d200008000"],
    [65_536, "d200010000"],
    [2_147_483_647, "d27fffffff"],
    [2_147_483_648, "d30000000080000000"],
    [-1, "ff"],
    [-32, "e0"],
    [-33, "d0df"],
    [-128, "d080"],
    [-129, "d1ff7f"],
    [-32_769, "d2ffff7fff"],
    [-2_147_483_649, "d3ffffffff7fffffff"]
  ]
  for (const [value, text] of ints) {
    it(`a Go int of ${value} takes the smallest signed form`, () => {
      assert.strictEqual(written(Message.userHeaderCodec, { userMsgLen: value }), `81aa557365724d73674c656e${text}`)
      assert.deepStrictEqual(body(Message.userHeaderCodec, `81aa557365724d73674c656e${text}`), { userMsgLen: value })
    })
  }

  const unsigned: ReadonlyArray<readonly [number, string]> = [
    [127, "7f"],
    [128, "cc80"],
    [255, "ccff"],
    [256, "cd0100"],
    [65_535, "cdffff"],
    [65_536, "ce00010000"],
    [4_294_967_295, "ceffffffff"]
  ]
  for (const [value, text] of unsigned) {
    it(`a sequence number of ${value} takes the smallest unsigned form`, () => {
      const message: Message.Nack = { _tag: "Nack", seqNo: value }
      assert.strictEqual(hex(Message.encode(message)), `0b81a55365714e6f${text}`)
      assert.deepStrictEqual(decode(bytes(`0b81a55365714e6f${text}`)), message)
    })
  }

  it("the header of a large push/pull shows the signed forms", () => {
    const text = packed("83 a4 4a6f696e c2 a5 4e6f646573 d1 012c ac 5573657253746174654c656e d2 00011170")
    const header: Message.PushPullHeader = { nodes: 300, userStateLen: 70_000, join: false }
    assert.strictEqual(written(Message.pushPullHeaderCodec, header), text)
    assert.deepStrictEqual(body(Message.pushPullHeaderCodec, text), header)
  })

  it("an old peer's unsigned forms are read in the same header", () => {
    assert.deepStrictEqual(
      body(
        Message.pushPullHeaderCodec,
        "83 a4 4a6f696e c2 a5 4e6f646573 cd 012c ac 5573657253746174654c656e ce 00011170"
      ),
      { nodes: 300, userStateLen: 70_000, join: false }
    )
  })
})

describe("byte strings", () => {
  const lengths: ReadonlyArray<readonly [number, string]> = [
    [0, "a0"],
    [31, "bf"],
    [32, "da0020"],
    [255, "da00ff"],
    [65_535, "daffff"],
    [65_536, "db00010000"]
  ]
  for (const [length, head] of lengths) {
    it(`a payload of ${length} bytes has the head ${head}`, () => {
      const message: Message.Ack = { _tag: "Ack", seqNo: 1, payload: new Uint8Array(length).fill(7) }
      const encoded = Message.encode(message)
      assert.strictEqual(hex(encoded.subarray(10, 10 + head.length / 2)), head)
      assert.deepStrictEqual(decode(encoded), message)
    })
    it(`a name of ${length} characters has the head ${head}`, () => {
      const message: Message.Suspect = { _tag: "Suspect", incarnation: 1, node: "b", from: "a".repeat(length) }
      const encoded = Message.encode(message)
      assert.strictEqual(hex(encoded.subarray(7, 7 + head.length / 2)), head)
      assert.deepStrictEqual(decode(encoded), message)
    })
  }

  it("nil and empty metadata keep apart", () => {
    const empty = { ...Examples.alive, meta: new Uint8Array(0) }
    assert.strictEqual(hex(Message.encode(empty)), Examples.aliveHex.replace("4d657461c0", "4d657461a0"))
    assert.deepStrictEqual(decode(Message.encode(empty)), empty)
    assert.deepStrictEqual(decode(Message.encode(Examples.alive)), Examples.alive)
  })

  it("a version vector of any length is yielded as it came", () => {
    for (const vsn of ["a0", "a3010502", "a7010502000000ff"]) {
      const decoded = decode(bytes(Examples.aliveHex.replace("a6010502000000", vsn)))
      assert.isTrue("vsn" in decoded && hex(decoded.vsn) === vsn.slice(2))
    }
  })

  it("what is decoded holds on to no more than itself", () => {
    const datagram = new Uint8Array(65_536)
    datagram.set(bytes(Examples.aliveHex))
    const decoded = decode(datagram)
    assert.isTrue("addr" in decoded && decoded.addr.buffer.byteLength === 4 && decoded.vsn.buffer.byteLength === 6)
  })

  it("a name of other than ASCII counts in bytes", () => {
    const message: Message.Suspect = { _tag: "Suspect", incarnation: 1, node: "mañana", from: "日本語".repeat(12) }
    assert.deepStrictEqual(decode(Message.encode(message)), message)
  })

  const notUtf8 = ["ff", "c328", "eda080", "c0af", "61ff62", "c3b1ff", "80", "edb280", "f09f98", "ff".repeat(600)]
  for (const name of notUtf8) {
    it(`a name of the bytes ${name.slice(0, 12)}, which are not UTF-8, is carried as it is, and is no text`, () => {
      for (const from of [bytes(name), bytes(`${"61".repeat(17)}${name}`)]) {
        const size = from.length
        const head = size < 32 ? [0xa0 | size] : [0xda, size >>> 8, size & 0xff]
        const encoded = Buffer.concat([bytes("03 83 a446726f6d"), Uint8Array.from(head), from, bytes(suspectTail)])
        const message = decode(encoded)
        assert.isTrue("from" in message && message._tag === "Suspect" && !message.from.isWellFormed())
        assert.strictEqual(hex(Message.encode(message as Message.Suspect)), hex(encoded))
      }
    })
  }

  it("names of different bytes are different text, and no name that is UTF-8 is any of them", () => {
    const names = [...notUtf8, "c3a9", "efbfbd", "65cc81"].map((name) => {
      const message = decode(
        Buffer.concat([bytes("03 81 a446726f6d da"), Uint8Array.of(name.length >>> 9, name.length >>> 1), bytes(name)])
      )
      return "from" in message ? message.from : ""
    })
    assert.strictEqual(new Set(names).size, names.length)
    assert.deepStrictEqual(names.map((name) => name.isWellFormed()), [...notUtf8.map(() => false), true, true, true])
  })

  it("a name that is not UTF-8 is carried in every form a string can come in", () => {
    for (const name of ["a2c328", "d902c328", "da0002c328", "db00000002c328", "c402c328", "92ccc328"]) {
      const result = body(Message.pingCodec, `81 a4 4e6f6465 ${name}`)
      assert.isTrue("node" in result && result.node === "\udcc3(")
    }
  })
})

/** The rest of a suspect message whose first field is `From`. */
const suspectTail = "ab496e6361726e6174696f6e01 a44e6f6465a162"

/** The generator also makes -0, which no integer format can tell from 0. */
const withoutNegativeZero = <A extends object>(value: A): A => {
  const zeros = Object.entries(value).filter(([, field]) => field === 0).map(([name]) => [name, 0])
  return { ...value, ...Object.fromEntries(zeros) }
}

describe("every value of a Schema", () => {
  for (
    const schema of [
      Message.Ping,
      Message.IndirectPing,
      Message.Ack,
      Message.Nack,
      Message.Suspect,
      Message.Dead,
      Message.Alive
    ]
  ) {
    it.prop(`round-trips: ${schema.fields._tag.schema.literal}`, [schema], ([message]) => {
      assert.deepStrictEqual(decode(Message.encode(message)), withoutNegativeZero(message))
    })
  }

  const untagged = <A extends object>(name: string, schema: Schema.Codec<A>, codec: MessagePack.Codec<A>) =>
    it.prop(`round-trips: ${name}`, [schema], ([value]) => {
      const text = written(codec, value)
      assert.deepStrictEqual(body(codec, text), withoutNegativeZero(value))
    })
  untagged("PushPullHeader", Message.PushPullHeader, Message.pushPullHeaderCodec)
  untagged("NodeState", Message.NodeState, Message.nodeStateCodec)
  untagged("UserHeader", Message.UserHeader, Message.userHeaderCodec)
  untagged("Compress", Message.Compress, Message.compressCodec)
  untagged("ErrorResponse", Message.ErrorResponse, Message.errorResponseCodec)
})

describe("a message whose encoding throws", () => {
  /** Its last field throws when it is read, after most of it was written. */
  const broken: Message.Suspect = Object.defineProperty({ ...Examples.suspect }, "node", {
    get: () => {
      throw new Error("not today")
    }
  })
  const wrong = { ...Examples.suspect, node: undefined } as unknown as Message.Suspect

  it("leaves nothing behind in the next message of the same writer, or of another", () => {
    const writer = new Writer()
    const other = new Writer()
    for (const bad of [broken, wrong]) {
      for (const [name, message, text] of examples) {
        assert.throws(() => Message.encode(bad, writer), undefined, undefined, name)
        assert.strictEqual(hex(Message.encode(message, writer)), packed(text))
        assert.strictEqual(hex(Message.encode(message, other)), packed(text))
        assert.throws(() => Message.encode(bad))
        assert.strictEqual(hex(Message.encode(message)), packed(text))
      }
    }
  })

  it("leaves nothing behind in a push/pull, or in a user message on a stream", () => {
    const row = { ...Examples.pushPull.nodes[0], name: undefined } as unknown as Message.NodeState
    assert.throws(() => Frame.encodePushPull({ ...Examples.pushPull, nodes: [row] }))
    assert.strictEqual(hex(Frame.encodePushPull(Examples.pushPull)), Examples.pushPullHex)
    assert.throws(() => Frame.encodePushPull({ ...Examples.pushPull, nodes: [row] }))
    assert.strictEqual(
      hex(Frame.encodeUser(bytes("68656c6c6f"))),
      packed("08 81 aa 557365724d73674c656e 05 68656c6c6f")
    )
  })
})

describe("a writer", () => {
  it("gives each message memory of its own, however many it writes", () => {
    const writer = new Writer()
    const messages = Array.from({ length: 500 }, (_, seqNo) => ({
      _tag: "Ack" as const,
      seqNo,
      payload: new Uint8Array(seqNo * 3).fill(seqNo)
    }))
    const encoded = messages.map((message) => Message.encode(message, writer))
    assert.deepStrictEqual(encoded.map(decode), messages)
  })

  it("takes little memory for one message", () => {
    const encoded = Message.encode(Examples.alive)
    assert.strictEqual(encoded.buffer.byteLength, encoded.length)
  })
})
