import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import {
  MAX_COMPRESSED_STREAM_INPUT,
  MAX_ENCRYPTED_FRAME_BYTES,
  MAX_STREAM_BYTES,
  SLICE_BYTES,
  SLICE_ENTRIES
} from "../../../src/base/Limits.ts"
import * as Compression from "../../../src/wire/Compression.ts"
import type * as Encryption from "../../../src/wire/Encryption.ts"
import * as Label from "../../../src/wire/Label.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import type * as Packet from "../../../src/wire/packet/Packet.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { bytes, generator, hex, mutate, packed } from "../../support/Hex.ts"
import * as Examples from "../../support/WireExamples.ts"

const { key, label, noLabel, nonce } = Examples
const plain: Packet.Inbound = { label: noLabel, skipLabelCheck: false, keys: [], verifyIncoming: true }
const sealed: Packet.Inbound = { ...plain, keys: [key] }
const labelled: Packet.Inbound = { ...plain, label }
const seal: Encryption.Seal = { key, version: 1, nonce }
const bare: Frame.FrameOptions = { compress: false, encryption: undefined, label: noLabel }

const run = (
  input: Uint8Array | string,
  inbound: Packet.Inbound = plain,
  role: Frame.Role = "responder",
  chunks: (size: number) => number = (size) => size
): Frame.Progress => {
  const stream = typeof input === "string" ? bytes(input) : input
  const decoder = Frame.makeDecoder(role, inbound)
  let progress: Frame.Progress = { _tag: "NeedMore", type: undefined }
  for (let at = 0; at < stream.length && progress._tag === "NeedMore";) {
    const size = Math.max(1, Math.min(stream.length - at, chunks(stream.length - at)))
    progress = decoder.push(stream.slice(at, at + size))
    while (progress._tag === "Working") progress = decoder.resume()
    at += size
  }
  return progress._tag === "NeedMore"
    ? { _tag: "Rejected", rejection: decoder.end(), answer: undefined }
    : progress
}

const message = (...args: Parameters<typeof run>): Frame.StreamMessage => {
  const progress = run(...args)
  assert.strictEqual(progress._tag, "Message", JSON.stringify(progress))
  return (progress as Extract<Frame.Progress, { _tag: "Message" }>).message
}
const refusal = (...args: Parameters<typeof run>) => {
  const progress = run(...args)
  assert.strictEqual(progress._tag, "Rejected")
  return progress._tag === "Rejected" ? [progress.rejection.reason, progress.answer] : []
}

const pushPullMessage: Frame.StreamMessage = { _tag: "PushPull", ...Examples.pushPull }

describe("a list that the peer gave before", () => {
  const row = (name: string, more: Partial<Message.NodeState> = {}): Message.NodeState => ({
    name,
    addr: Uint8Array.of(10, 0, 0, name.length),
    port: 7946,
    meta: null,
    incarnation: 1,
    state: 0,
    vsn: Uint8Array.of(1, 5, 2, 0, 0, 0),
    ...more
  })
  const decoded = (nodes: ReadonlyArray<Message.NodeState>, known?: ReadonlyArray<Message.NodeState>) => {
    const decoder = Frame.makeDecoder("initiator", plain, { known })
    const progress = decoder.push(Frame.encodePushPull({ join: false, nodes, userState: new Uint8Array() }))
    return progress._tag === "Message" && progress.message._tag === "PushPull" ? progress.message.nodes : assert.fail()
  }

  it("gives the rows that are the same again, and makes the others", () => {
    const before = decoded(["a", "b", "c", "ö", "x".repeat(40)].map((name) => row(name)))
    const news = [
      row("a"),
      row("b", { incarnation: 2 }),
      row("c", { meta: Uint8Array.of(1) }),
      row("ö"),
      row("x".repeat(40)),
      row("d")
    ]
    const now = decoded(news, before)
    assert.deepStrictEqual(now, news)
    assert.deepStrictEqual(now.map((row, i) => row === before[i]), [true, false, false, true, true, false])
    assert.strictEqual(now[1]?.addr, before[1]?.addr)
  })

  const texts = ["", "a", "b", "aa", "ö", "\udc80", "member-1"]
  const rows = Schema.Array(
    Schema.Struct({
      name: Schema.Literals(texts),
      meta: Schema.NullOr(Schema.Uint8Array),
      state: Schema.Literals([0, 1])
    })
  )
  it.prop("changes nothing of what is read", [rows, rows], ([before, now]) => {
    const list = (rows: ReadonlyArray<Pick<Message.NodeState, "name" | "meta" | "state">>) =>
      rows.map(({ name, ...more }) => row(name, more))
    assert.deepStrictEqual(decoded(list(now), decoded(list(before))), decoded(list(now)))
    assert.deepStrictEqual(decoded(list(now), list(now)), decoded(list(now)))
  })
})

describe("the annotated examples", () => {
  it("a push/pull, both ways", () => {
    assert.strictEqual(hex(Frame.encodePushPull(Examples.pushPull)), Examples.pushPullHex)
    for (const role of ["responder", "initiator"] as const) {
      assert.deepStrictEqual(message(Examples.pushPullHex, plain, role), pushPullMessage)
    }
  })

  it("the same push/pull compressed, although that is longer", () => {
    const framed = Frame.frame(bytes(Examples.pushPullHex), { ...bare, compress: true })
    assert.strictEqual(hex(framed), Examples.pushPullCompressedHex)
    assert.strictEqual(framed.length, 126)
    assert.deepStrictEqual(run(framed), { _tag: "Message", message: pushPullMessage, encrypted: false, size: 126 })
  })

  it("a user message", () => {
    const text = packed("08 81 aa 557365724d73674c656e 05 68656c6c6f")
    assert.strictEqual(hex(Frame.encodeUser(bytes("68656c6c6f"))), text)
    assert.deepStrictEqual(message(text), { _tag: "User", payload: bytes("68656c6c6f") })
  })

  const frames: ReadonlyArray<readonly [Uint8Array, string]> = [
    [
      noLabel,
      "0a 0000002f 01 000102030405060708090a0b ffbd634d7f0d57598942c7bf93fec1636ffd 38961740b056b2cc3da2b93f3f38cd61"
    ],
    [
      label,
      "0a 0000002f 01 000102030405060708090a0b ffbd634d7f0d57598942c7bf93fec1636ffd 2a86a5167d890b4845c432c48725bcc2"
    ]
  ]
  for (const [aad, text] of frames) {
    it(`an encrypted ack with a label of ${aad.length} bytes, both ways`, () => {
      assert.strictEqual(
        hex(Frame.frame(bytes(Examples.ackHex), { ...bare, encryption: seal, label: aad })),
        packed(text)
      )
      assert.deepStrictEqual(run(text, { ...sealed, label: aad }, "initiator"), {
        _tag: "Message",
        message: Examples.ack,
        encrypted: true,
        size: 52
      })
    })
  }

  it("a ping over a stream and its answers", () => {
    assert.deepStrictEqual(message(Examples.pingHex), Examples.ping)
    assert.deepStrictEqual(message(Examples.ackHex, plain, "initiator"), Examples.ack)
    assert.deepStrictEqual(message("0d 81 a5 4572726f72 a4 626f6f6d", plain, "initiator"), {
      _tag: "ErrorResponse",
      error: "boom"
    })
  })
})

describe("who may be sent what", () => {
  it("a responder takes ping, push/pull and user messages only", () => {
    for (let type = 0; type < 256; type++) {
      if ([0, 6, 8, 9, 10, 244].includes(type)) continue
      assert.deepStrictEqual(refusal(Uint8Array.of(type, 0x80)), ["UnsupportedType", undefined])
    }
  })

  it("an initiator takes ack, push/pull and error only, and no label header", () => {
    for (let type = 0; type < 256; type++) {
      if ([2, 6, 9, 10, 13].includes(type)) continue
      assert.deepStrictEqual(refusal(Uint8Array.of(type, 0x80), plain, "initiator"), ["UnsupportedType", undefined])
    }
    assert.deepStrictEqual(message(Examples.ackHex, labelled, "initiator"), Examples.ack)
  })
})

describe("labels", () => {
  it("the right one is passed over, also when it comes byte by byte", () => {
    const stream = Uint8Array.of(...Label.header(label), ...bytes(Examples.pingHex))
    assert.deepStrictEqual(run(stream, labelled), {
      _tag: "Message",
      message: Examples.ping,
      encrypted: false,
      size: 76
    })
    assert.deepStrictEqual(message(stream, labelled, "responder", () => 1), Examples.ping)
  })

  it("wrong ones are refused without an answer", () => {
    const cases: ReadonlyArray<readonly [string, string, Packet.Inbound]> = [
      ["LabelMismatch", Examples.pingHex, labelled],
      ["LabelMismatch", `f40570726f6431${Examples.pingHex}`, plain],
      ["LabelEmpty", "f400", plain],
      ["LabelTruncated", "f4", plain],
      ["LabelTruncated", "f40570", labelled],
      ["DoubleLabel", `f40570726f6431${Examples.pingHex}`, { ...labelled, skipLabelCheck: true }],
      ["UnsupportedType", `f40570726f6431f40570726f6431${Examples.pingHex}`, labelled]
    ]
    for (const [reason, text, inbound] of cases) assert.deepStrictEqual(refusal(text, inbound), [reason, undefined])
  })

  it("without the check, the configured label still authenticates", () => {
    const framed = Frame.frame(bytes(Examples.pingHex), { ...bare, encryption: seal, label })
    assert.deepStrictEqual(message(framed, { ...sealed, label, skipLabelCheck: true }), Examples.ping)
  })
})

describe("which flags do what", () => {
  const framed = Frame.frame(bytes(Examples.pingHex), { ...bare, encryption: seal })

  it("without a key, encrypted streams are refused with an answer", () => {
    assert.deepStrictEqual(refusal(framed), [
      "Encrypted",
      "remote state is encrypted and encryption is not configured"
    ])
    assert.deepStrictEqual(refusal(framed, plain, "initiator"), ["Encrypted", undefined])
  })

  it("with a key and verifyIncoming, plaintext is refused with an answer", () => {
    assert.deepStrictEqual(refusal(Examples.pingHex, sealed), [
      "Plaintext",
      "encryption is configured but remote state is not encrypted"
    ])
    assert.deepStrictEqual(message(framed, sealed), Examples.ping)
  })

  it("with a key and no verifyIncoming, both are accepted", () => {
    const open = { ...sealed, verifyIncoming: false }
    assert.deepStrictEqual(message(Examples.pingHex, open), Examples.ping)
    assert.deepStrictEqual(message(framed, open), Examples.ping)
  })
})

describe("refusals that are answered", () => {
  const wrapped = (inner: Uint8Array) => Frame.frame(inner, { ...bare, encryption: seal })

  it("a frame that no key opens", () => {
    assert.deepStrictEqual(refusal(wrapped(bytes(Examples.pingHex)), { ...plain, keys: [new Uint8Array(16)] }), [
      "Undecryptable",
      "no installed keys could decrypt the message"
    ])
    assert.deepStrictEqual(refusal("0a 00000001 01", sealed), ["Undecryptable", "payload is too small to decrypt: 1"])
    assert.deepStrictEqual(refusal("0a 00000000", sealed), ["Undecryptable", "cannot decrypt empty payload"])
  })

  it("an authenticated empty plaintext", () => {
    const framed = wrapped(new Uint8Array(0))
    assert.strictEqual(framed.length, 34)
    assert.deepStrictEqual(refusal(framed, sealed), ["Empty", "decrypted message is empty"])
  })

  it("corrupt, unknown or empty compression", () => {
    const cases: ReadonlyArray<readonly [string, string, string]> = [
      ["InvalidCompression", "09 82 a4 416c676f 00 a3 427566 a3 000302", "decompressed message is empty"],
      ["InvalidCompression", "09 82 a4 416c676f 01 a3 427566 a3 000302", "cannot decompress unknown algorithm 1"],
      ["InvalidCompression", "09 82 a4 416c676f 00 a3 427566 a2 0003", "unexpected EOF"]
    ]
    for (const [reason, text, answer] of cases) {
      assert.deepStrictEqual(refusal(text), [reason, answer])
      assert.deepStrictEqual(refusal(wrapped(bytes(text)), sealed), [reason, answer])
    }
    const [reason, answer] = refusal("09 05")
    assert.strictEqual(reason, "InvalidMessage")
    assert.isString(answer)
  })

  it("but not a second compression, which is an invalid type", () => {
    assert.deepStrictEqual(refusal(Compression.wrap(Compression.wrap(bytes(Examples.pingHex)))), [
      "UnsupportedType",
      undefined
    ])
  })

  it("nor an encryption in another, or in a compression", () => {
    assert.deepStrictEqual(refusal(wrapped(wrapped(bytes(Examples.pingHex))), sealed), ["UnsupportedType", undefined])
    assert.deepStrictEqual(refusal(Compression.wrap(wrapped(bytes(Examples.pingHex)))), ["UnsupportedType", undefined])
  })

  it("nor a body that does not decode", () => {
    assert.deepStrictEqual(refusal("00 05"), ["InvalidMessage", undefined])
    assert.deepStrictEqual(refusal("06 81 05 03"), ["InvalidMessage", undefined])
    assert.deepStrictEqual(refusal(Compression.wrap(bytes(Examples.pushPullHex).subarray(0, -1))), [
      "Truncated",
      undefined
    ])
  })
})

describe("limits, refused as soon as they are announced", () => {
  const header = (nodes: string, userStateLen: string) =>
    `06 82 a5 4e6f646573 ${nodes} ac 5573657253746174654c656e ${userStateLen}`
  const cases: ReadonlyArray<readonly [string, string, Packet.Inbound]> = [
    ["an encrypted frame", "0a 01400001", sealed],
    ["an encrypted frame of 4 GiB", "0a ffffffff", sealed],
    ["node states", header("ce 00100001", "00"), plain],
    ["a negative number of node states", header("ff", "00"), plain],
    ["node states beyond 2^63", header("cf ffffffffffffffff", "00"), plain],
    ["user state", header("00", "ce 01400001"), plain],
    ["a negative user state", header("00", "d3 8000000000000000"), plain],
    ["a user message", "08 81 aa 557365724d73674c656e ce 01400001", plain],
    ["a negative user message", "08 81 aa 557365724d73674c656e ff", plain],
    ["compressed data of 4 GiB", "09 82 a4 416c676f 00 a3 427566 db ffffffff 00", plain],
    ["a name of 4 GiB", "00 81 a4 4e6f6465 db ffffffff 61", plain],
    ["an unknown field of 4 GiB", "00 81 a1 5a c6 ffffffff 61", plain],
    ["an array of 4 Gi bytes", "00 81 aa 536f7572636541646472 dd ffffffff 01", plain]
  ]
  for (const [name, text, inbound] of cases) {
    it(name, () => {
      const before = process.memoryUsage().arrayBuffers
      const [reason] = refusal(text, inbound)
      assert.strictEqual(reason, "TooLarge")
      assert.deepStrictEqual(refusal(text, inbound, "responder", () => 1)[0], "TooLarge")
      assert.isBelow(process.memoryUsage().arrayBuffers - before, 4_000_000)
    })
  }

  it("what is just within the limits is waited for, and not allocated", () => {
    const texts: ReadonlyArray<readonly [string, Packet.Inbound]> = [
      [`0a 0${MAX_ENCRYPTED_FRAME_BYTES.toString(16)}`, sealed],
      [header("d2 00100000", "d2 01400000"), plain],
      ["08 81 aa 557365724d73674c656e d2 01400000", plain]
    ]
    for (const [text, inbound] of texts) {
      const before = process.memoryUsage().arrayBuffers
      assert.deepStrictEqual(refusal(text, inbound), ["Truncated", undefined])
      assert.isBelow(process.memoryUsage().arrayBuffers - before, 4_000_000)
    }
  })

  it("a push/pull can be held to fewer node states", () => {
    const decoder = Frame.makeDecoder("responder", plain, { maxNodes: 10 })
    const progress = decoder.push(bytes(header("0b", "00")))
    assert.isTrue(progress._tag === "Rejected" && progress.rejection.reason === "TooLarge")
  })

  it("decompression stops at 40 MiB", () => {
    const bomb = Compression.wrap(new Uint8Array(MAX_STREAM_BYTES + 1))
    const [reason, answer] = refusal(bomb)
    assert.strictEqual(reason, "TooLarge")
    assert.strictEqual(answer, "decompressed message is larger than limit (41943040)")
  })

  it("a plain stream stops at 40 MiB", () => {
    const decoder = Frame.makeDecoder("responder", plain)
    // Endless rows of a mebibyte, in an unknown field of each: nothing is ever announced to be larger than that.
    decoder.push(bytes(header("ce000fffff", "00")))
    const row = Buffer.concat([bytes("81 a1 5a c6 00100000"), new Uint8Array(1_048_576)])
    let progress = decoder.push(row)
    for (let i = 0; i < 50 && progress._tag === "NeedMore"; i++) progress = decoder.push(row)
    assert.isTrue(progress._tag === "Rejected" && progress.rejection.reason === "TooLarge")
  })
})

describe("input in portions", () => {
  const node = (i: number): Message.NodeState => ({
    name: `node-${i}`,
    addr: Uint8Array.of(10, 0, i >> 8, i & 255),
    port: 7946,
    meta: i % 3 === 0 ? null : new Uint8Array(i % 100),
    incarnation: i * 1_000,
    state: i % 4,
    vsn: bytes("010502000000")
  })
  const large = {
    join: false,
    nodes: Array.from({ length: 300 }, (_, i) => node(i)),
    userState: new Uint8Array(10_000).fill(7)
  }

  it("a push/pull is the same from any portions, with every framing", () => {
    const random = generator(31)
    const encoded = Frame.encodePushPull(large)
    const expected: Frame.StreamMessage = { _tag: "PushPull", ...large }
    for (const compress of [false, true]) {
      for (const encryption of [undefined, seal]) {
        const framed = Frame.frame(encoded, { compress, encryption, label })
        const stream = Uint8Array.of(...Label.header(label), ...framed, 1, 2, 3)
        const inbound = { ...labelled, keys: encryption === undefined ? [] : [key] }
        const whole = run(stream, inbound)
        assert.deepStrictEqual(whole, {
          _tag: "Message",
          message: expected,
          encrypted: encryption !== undefined,
          size: stream.length - 3
        })
        for (const size of [() => 1, () => 7, () => 1_000, () => 1 + random() * 500]) {
          assert.deepStrictEqual(run(stream, inbound, "responder", (n) => Math.min(n, size()) | 0), whole)
        }
      }
    }
  })

  it("the message type is known as soon as it can be", () => {
    const types = (stream: Uint8Array, inbound: Packet.Inbound) => {
      const decoder = Frame.makeDecoder("responder", inbound)
      return Array.from(stream.subarray(0, 12), (byte) => {
        const progress = decoder.push(Uint8Array.of(byte))
        return progress._tag === "NeedMore" ? progress.type : "done"
      })
    }
    assert.deepStrictEqual(new Set(types(bytes(Examples.pushPullHex), plain)), new Set([6]))
    assert.deepStrictEqual(new Set(types(bytes(Examples.pushPullCompressedHex), plain)), new Set([undefined]))
  })

  it("the result stays the same when more arrives after the end", () => {
    const decoder = Frame.makeDecoder("responder", plain)
    const first = decoder.push(bytes(Examples.pingHex))
    assert.strictEqual(first._tag, "Message")
    assert.strictEqual(decoder.push(bytes("ffff")), first)
  })

  it("the end of the stream says what is missing", () => {
    assert.strictEqual(Frame.makeDecoder("responder", plain).end().reason, "Empty")
    assert.strictEqual(Frame.makeDecoder("initiator", plain).end().reason, "Empty")
    const [reason] = refusal(bytes(Examples.pushPullHex).subarray(0, -1))
    assert.strictEqual(reason, "Truncated")
  })

  it("what is decoded does not hold on to the stream", () => {
    const decoded = message(Frame.encodePushPull({ ...large, userState: bytes("0102") }))
    assert.isTrue(decoded._tag === "PushPull" && decoded.userState.buffer.byteLength === 2)
    assert.isTrue(decoded._tag === "PushPull" && decoded.nodes.every((n) => n.addr.buffer.byteLength === 4))
  })

  it("a nested unknown field costs no more when it trickles in", () => {
    // A complete binary tree of arrays: at no point is more than a handful of bytes known to be missing.
    const tree = (depth: number): Array<number> => depth === 0 ? [0] : [0x92, ...tree(depth - 1), ...tree(depth - 1)]
    const trickled = (depth: number) => {
      const decoder = Frame.makeDecoder("responder", plain)
      let progress: Frame.Progress = { _tag: "NeedMore", type: undefined }
      for (const byte of Uint8Array.of(0, 0x81, 0xa1, 0x5a, ...tree(depth))) {
        progress = decoder.push(Uint8Array.of(byte))
      }
      return progress
    }
    assert.strictEqual(trickled(9)._tag, "Message")
    const progress = trickled(11)
    assert.strictEqual(progress._tag === "Rejected" && progress.rejection.reason, "TooMany")
  })

  it("more than a slice of work is done in slices, with the same outcome", () => {
    const nodes = Array.from({ length: 10_000 }, (_, i) => node(i))
    const encoded = Frame.encodePushPull({ ...large, nodes })
    for (const compress of [false, true]) {
      for (const encryption of [undefined, seal]) {
        const framed = compress ? Compression.wrap(encoded) : encoded
        const stream = Frame.frame(framed, { compress: false, encryption, label: noLabel })
        const decoder = Frame.makeDecoder("responder", { ...plain, keys: encryption === undefined ? [] : [key] })
        let progress = decoder.push(stream)
        let slices = 1
        for (; progress._tag === "Working"; slices++) progress = decoder.resume()
        // Each row is seven fields; decrypting and decompressing come on top.
        assert.isAtLeast(slices, Math.floor(10_000 * 7 / SLICE_ENTRIES))
        assert.isAtMost(slices, 2 + 10_000 * 8 / SLICE_ENTRIES + 4 * stream.length / SLICE_BYTES * 3)
        assert.deepStrictEqual(progress._tag === "Message" && progress.message, { _tag: "PushPull", ...large, nodes })
        // what a key of ours opened counts no more
        assert.strictEqual(decoder.held() === 0, encryption !== undefined)
      }
    }
  })

  it("what arrives while it works is no part of a message that is all there", () => {
    const stream = Frame.frame(
      Frame.encodePushPull({ ...large, nodes: Array.from({ length: 9_000 }, (_, i) => node(i)) }),
      {
        compress: false,
        encryption: seal,
        label: noLabel
      }
    )
    const decoder = Frame.makeDecoder("responder", { ...plain, keys: [key] })
    let progress = decoder.push(stream)
    assert.strictEqual(progress._tag, "Working")
    while (progress._tag === "Working") progress = decoder.push(Uint8Array.of(1, 2, 3))
    assert.isTrue(progress._tag === "Message" && progress.size === stream.length)
  })
})

describe("any stream", () => {
  const NodeStates = Schema.Array(Message.NodeState)

  it.prop("a push/pull comes back", [NodeStates, Schema.Boolean, Schema.Uint8Array], ([nodes, join, userState]) => {
    const state = nodes.map((node) => ({
      ...node,
      port: node.port + 0,
      incarnation: node.incarnation + 0,
      state: node.state + 0
    }))
    const encoded = Frame.encodePushPull({ join, nodes: state, userState })
    assert.deepStrictEqual(message(encoded, plain, "initiator"), { _tag: "PushPull", join, nodes: state, userState })
  })

  it.prop("a user message comes back", [Schema.Uint8Array, Schema.Boolean], ([payload, compress]) => {
    const framed = Frame.frame(Frame.encodeUser(payload), { ...bare, compress, encryption: seal })
    assert.deepStrictEqual(message(framed, sealed), { _tag: "User", payload })
  })

  it("however mutated, yields the same from any portions, and never an exception", () => {
    const random = generator(37)
    const int = (n: number) => Math.floor(random() * n)
    const originals = [
      Examples.pingHex,
      Examples.pushPullHex,
      Examples.pushPullCompressedHex,
      hex(Frame.encodeUser(new Uint8Array(40))),
      hex(
        Frame.encodePushPull({
          ...Examples.pushPull,
          nodes: Array.from({ length: 5 }, () => Examples.pushPull.nodes).flat()
        })
      )
    ].map(bytes)
    for (let i = 0; i < 3_000; i++) {
      const original = originals[int(originals.length)] ?? new Uint8Array(0)
      const encrypted = i % 4 === 0
      const mutated = mutate(i % 3 === 0 ? mutate(original, random) : original, random)
      const stream = encrypted ? Frame.frame(mutated, { ...bare, encryption: seal }) : mutated
      const inbound = encrypted ? sealed : plain
      const whole = run(stream, inbound)
      assert.deepStrictEqual(run(stream, inbound, "responder", () => 1 + int(20)), whole)
      assert.deepStrictEqual(run(stream, inbound, "responder", () => 1), whole)
      run(stream, inbound, "initiator")
    }
  })

  it("of random bytes is refused or read", () => {
    const random = generator(41)
    for (let i = 0; i < 3_000; i++) {
      const stream = Uint8Array.from({ length: random() * 60 }, () => random() * 256)
      if (stream.length > 0) stream[0] = random() * 14
      const whole = run(stream)
      assert.deepStrictEqual(run(stream, plain, "responder", () => 1), whole)
      run(stream, sealed)
    }
  })
})

describe("compressing streams", () => {
  const big = (size: number) => Frame.frame(Frame.encodeUser(new Uint8Array(size)), { ...bare, compress: true })

  it("stops at a size that would hold up the protocol", () => {
    assert.strictEqual(big(MAX_COMPRESSED_STREAM_INPUT - 100)[0], 9)
    assert.strictEqual(big(MAX_COMPRESSED_STREAM_INPUT)[0], 8)
  })
})
