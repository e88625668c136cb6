import { assert, describe, it } from "@effect/vitest"
import { MAX_PACKET_DECOMPRESSED_BYTES, MAX_PACKET_MESSAGES } from "../../../src/base/Limits.ts"
import * as Compression from "../../../src/wire/Compression.ts"
import * as Encryption from "../../../src/wire/Encryption.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Checksum from "../../../src/wire/packet/Checksum.ts"
import * as Compound from "../../../src/wire/packet/Compound.ts"
import * as Packet from "../../../src/wire/packet/Packet.ts"
import { bytes, generator, hex, mutate, packed } from "../../support/Hex.ts"
import * as Examples from "../../support/WireExamples.ts"

const { alive, key, label, noLabel, nonce, ping, suspect } = Examples

const plain: Packet.Inbound = { label: noLabel, skipLabelCheck: false, keys: [], verifyIncoming: true }
const sealed: Packet.Inbound = { ...plain, keys: [key] }
const labelled: Packet.Inbound = { ...plain, label }

const bare: Packet.Outbound = { label: noLabel, compress: false, crc: false, encryption: undefined }
const seal: Encryption.Seal = { key, version: 1, nonce }

const decode = (datagram: Uint8Array | string, inbound: Packet.Inbound = plain) =>
  Packet.decode(typeof datagram === "string" ? bytes(datagram) : datagram, inbound)
const messages = (datagram: Uint8Array | string, inbound?: Packet.Inbound) => decode(datagram, inbound).messages
const reasons = (datagram: Uint8Array | string, inbound?: Packet.Inbound) =>
  decode(datagram, inbound).rejections.map((rejection) => rejection.reason)
const refusedFor = (reason: string, datagram: Uint8Array | string, inbound?: Packet.Inbound) => {
  assert.deepStrictEqual(reasons(datagram, inbound), [reason])
  assert.deepStrictEqual(messages(datagram, inbound), [])
}

describe("the annotated examples", () => {
  it("a compound of two", () => {
    assert.deepStrictEqual(decode(Examples.compoundHex), {
      messages: [ping, suspect],
      rejections: [],
      key: undefined,
      // the compound, its two messages, and their three and five fields
      work: { entries: 11, decompressed: 0 }
    })
  })

  it("checksums", () => {
    assert.deepStrictEqual(messages(`0c5615c9e1${Examples.compoundHex}`), [ping, suspect])
    assert.deepStrictEqual(messages(`0ca5422811${Examples.aliveHex}`), [alive])
    assert.deepStrictEqual(messages("0c6818b0f9086869"), [{ _tag: "User", payload: bytes("6869") }])
    assert.strictEqual(
      hex(Packet.encode(bytes(Examples.aliveHex), { ...bare, crc: true })),
      `0ca5422811${Examples.aliveHex}`
    )
  })

  it("a label", () => {
    const text = `f40570726f6431${Examples.pingHex}`
    assert.strictEqual(hex(Packet.encode(bytes(Examples.pingHex), { ...bare, label })), text)
    assert.deepStrictEqual(messages(text, labelled), [ping])
  })

  it("a compressed user message, alone and with a checksum", () => {
    const message = Message.encode({ _tag: "User", payload: new Uint8Array(40).fill(0x61) })
    const compressed = packed("09 82 a4 416c676f 00 a3 427566 ae 0011841948b0a0c1830813160c08")
    assert.strictEqual(hex(Packet.encode(message, { ...bare, compress: true })), compressed)
    assert.strictEqual(hex(Packet.encode(message, { ...bare, compress: true, crc: true })), `0c44dce244${compressed}`)
    assert.deepStrictEqual(messages(`0c44dce244${compressed}`), [
      { _tag: "User", payload: new Uint8Array(40).fill(0x61) }
    ])
  })

  it("an encrypted nack, both versions, with and without a label", () => {
    const nack = bytes(Examples.nackHex)
    for (const version of [0, 1] as const) {
      for (const inbound of [sealed, { ...sealed, label }]) {
        const out = Packet.encode(nack, { ...bare, label: inbound.label, encryption: { ...seal, version } })
        assert.deepStrictEqual(messages(out, { ...inbound, acceptsFirstCipher: version === 0 }), [Examples.nack])
      }
    }
  })

  it("everything at once: label, encryption, checksum, alive", () => {
    const text = packed(`f4 05 70726f6431 01 000102030405060708090a0b
      f19a86350f70bd92a94263686491b02d017c1e9464d23825161d839c81aa0f213b63fe2e54a0f7a30f81c9f11a087040
      c732665c40bc5c7ca1fffb0ae173da48b04ef95d02a50da34b3ae15198de12206c119e`)
    assert.strictEqual(
      hex(Packet.encode(bytes(Examples.aliveHex), { label, compress: false, crc: true, encryption: seal })),
      text
    )
    assert.deepStrictEqual(messages(text, { ...sealed, label }), [alive])
  })

  it("what a two-node cluster sends", () => {
    const gossip = Packet.encode(Compound.make([bytes(Examples.aliveHex), bytes(Examples.aliveHex)]), {
      ...bare,
      crc: true
    })
    assert.strictEqual(gossip.length, 135)
    assert.isTrue(/^0c.{8}0702003e003e/.test(hex(gossip)))
    const dead = Message.encode({ ...suspect, _tag: "Dead" })
    assert.strictEqual(Packet.encode(dead, { ...bare, crc: true }).length, 44)
    assert.strictEqual(Compound.make([Message.encode(Examples.ack), dead]).length, 63)
  })
})

describe("outbound", () => {
  it("compresses only what gets strictly smaller", () => {
    for (let size = 0; size < 80; size++) {
      const message = new Uint8Array(size + 1).fill(0x61).fill(8, 0, 1)
      const always = Compression.wrap(message)
      const out = Packet.encode(message, { ...bare, compress: true })
      assert.strictEqual(hex(out), hex(always.length < message.length ? always : message))
    }
    const random = generator(2)
    for (const n of [30, 100, 1_000, 3_000]) {
      const message = Uint8Array.from({ length: n }, () => random() * 256)
      assert.deepStrictEqual(Packet.encode(message, { ...bare, compress: true }), message)
    }
  })

  it("leaves a message as it is when nothing applies", () => {
    const message = bytes(Examples.pingHex)
    assert.strictEqual(Packet.encode(message, bare), message)
  })

  it("budgets count what the reference counts", () => {
    const options = { udpBufferSize: 1_400, labelLength: 5, encryptionOverhead: 29 }
    assert.strictEqual(Packet.gossipBudget({ udpBufferSize: 1_400, labelLength: 0, encryptionOverhead: 0 }), 1_398)
    assert.strictEqual(Packet.gossipBudget(options), 1_400 - 2 - 7 - 29)
    assert.strictEqual(Packet.directBudget({ ...options, messageLength: 69 }), 1_400 - 69 - 2 - 7 - 29)
  })
})

describe("inbound, in order", () => {
  it("an empty datagram has no message", () => {
    refusedFor("Empty", "")
  })

  it("a bad label header is refused before anything else", () => {
    refusedFor("LabelTruncated", "f4")
    refusedFor("LabelTruncated", "f40570726f", labelled)
    refusedFor("LabelEmpty", "f400")
    refusedFor("LabelMismatch", `f40570726f6431${Examples.pingHex}`)
    refusedFor("LabelMismatch", Examples.pingHex, labelled)
    refusedFor("DoubleLabel", `f40570726f6431${Examples.pingHex}`, { ...labelled, skipLabelCheck: true })
  })

  it("a label and nothing else has no message", () => {
    refusedFor("Empty", "f40570726f6431", labelled)
  })

  it("a second label is a message type that does not exist", () => {
    refusedFor("UnsupportedType", `f40570726f6431f40570726f6431${Examples.pingHex}`, labelled)
  })

  it("without the label check, the label still authenticates", () => {
    const skipping = { ...sealed, label, skipLabelCheck: true }
    const stripped = Encryption.encrypt(bytes(Examples.pingHex), seal, label)
    assert.deepStrictEqual(messages(stripped, skipping), [ping])
    refusedFor("Undecryptable", Encryption.encrypt(bytes(Examples.pingHex), seal, noLabel), skipping)
  })

  it("a checksum is verified on the outermost layer only", () => {
    refusedFor("ChecksumMismatch", `0c00000000${Examples.aliveHex}`)
    refusedFor("UnsupportedType", "0c000000")
    refusedFor("UnsupportedType", Compound.make([Checksum.add(bytes(Examples.aliveHex))]))
    refusedFor("UnsupportedType", Checksum.add(Checksum.add(bytes(Examples.aliveHex))))
    refusedFor("Empty", Checksum.add(new Uint8Array(0)))
  })

  it("types that no packet carries are refused", () => {
    for (const type of ["06", "0a", "0d", "0e", "f3", "ff"]) refusedFor("UnsupportedType", `${type}80`)
  })

  it("a body that does not decode is refused with its reason", () => {
    refusedFor("Truncated", Examples.aliveHex.slice(0, -2))
    refusedFor("InvalidMessage", "0005")
    refusedFor("InvalidMessage", "00810503")
    refusedFor("TooDeep", `0081a15a${"91".repeat(2_000)}00`)
    refusedFor("Truncated", "04")
  })

  it("an encrypted packet is garbage to a node without keys, not a crash", () => {
    const result = decode(Encryption.encrypt(bytes(Examples.pingHex), seal, noLabel))
    assert.deepStrictEqual(result.messages, [])
    assert.strictEqual(result.rejections.length, 1)
  })

  it("an empty user message is one", () => {
    assert.deepStrictEqual(messages("08"), [{ _tag: "User", payload: new Uint8Array(0) }])
  })

  it("trailing bytes are ignored", () => {
    assert.deepStrictEqual(messages(`${Examples.aliveHex}ffff`), [alive])
  })

  it("an authenticated empty plaintext has no message", () => {
    refusedFor("Empty", Encryption.encrypt(new Uint8Array(0), seal, noLabel), sealed)
  })

  it("a version flipped to 0 is refused like any undecryptable packet", () => {
    const packet = Encryption.encrypt(bytes(Examples.pingHex), seal, noLabel)
    packet[0] = 0
    refusedFor("Undecryptable", packet, sealed)
  })

  it("of encryption version 0 is refused unless somebody speaks it, and stays unread when plaintext is taken too", () => {
    for (const message of [Examples.pingHex, Examples.nackHex, Examples.aliveHex]) {
      const packet = Encryption.encrypt(bytes(message), { ...seal, version: 0 }, noLabel)
      refusedFor("FirstCipher", packet, sealed)
      refusedFor("FirstCipher", packet, { ...sealed, acceptsFirstCipher: false })
      refusedFor("FirstCipher", packet, { ...sealed, verifyIncoming: false })
      assert.strictEqual(messages(packet, { ...sealed, acceptsFirstCipher: true }).length, 1)
    }
  })

  it("whose version was flipped to 0 never comes through cut short", () => {
    const random = generator(7)
    let shortened = 0
    for (let i = 0; i < 2000; i++) {
      const payload = Uint8Array.from({ length: 1 + i % 40 }, () => Math.floor(random() * 16))
      const packet = Encryption.encrypt(Message.encode({ _tag: "User", payload }), seal, noLabel)
      packet[0] = 0
      shortened += messages(packet, { ...sealed, acceptsFirstCipher: true }).length
      assert.deepStrictEqual(messages(packet, sealed), [])
      assert.deepStrictEqual(messages(packet, { ...sealed, verifyIncoming: false }).filter(isUser), [])
    }
    assert.isAbove(shortened, 0, "which they do where that version is taken")
  })
})

const isUser = (message: Message.PacketMessage) => message._tag === "User"

describe("which flags do what", () => {
  const message = bytes(Examples.pingHex)
  const encrypted = Packet.encode(message, { ...bare, encryption: seal })
  const accepts = (inbound: Packet.Inbound) => ({
    plaintext: messages(message, inbound).length === 1,
    encrypted: messages(encrypted, inbound).length === 1
  })

  it("without a key, plaintext is accepted, whatever the flag", () => {
    assert.deepStrictEqual(accepts(plain), { plaintext: true, encrypted: false })
    assert.deepStrictEqual(accepts({ ...plain, verifyIncoming: false }), { plaintext: true, encrypted: false })
  })

  it("with a key and verifyIncoming, only encrypted packets are accepted", () => {
    assert.deepStrictEqual(accepts(sealed), { plaintext: false, encrypted: true })
  })

  it("with a key and no verifyIncoming, both are accepted", () => {
    assert.deepStrictEqual(accepts({ ...sealed, verifyIncoming: false }), { plaintext: true, encrypted: true })
  })

  it("with no verifyIncoming, plaintext of every type falls through decryption", () => {
    const open = { ...sealed, verifyIncoming: false }
    const texts = [Examples.pingHex, Examples.ackHex, Examples.aliveHex, `0c5615c9e1${Examples.compoundHex}`, "0180"]
    for (const text of texts) assert.deepStrictEqual(reasons(text, open), [])
    refusedFor("UnsupportedType", "0d80", open)
  })
})

describe("compound and compressed messages", () => {
  const alives = [1, 2, 3].map((incarnation) => Message.encode({ ...alive, incarnation }))

  it("a bad part costs only itself", () => {
    const bad = [bytes("04c1"), new Uint8Array(0), bytes("ff"), bytes("0981a4416c676f05")]
    const parts = [
      ...alives.slice(0, 1),
      ...bad.slice(0, 1),
      ...alives.slice(1, 2),
      ...bad.slice(1),
      ...alives.slice(2)
    ]
    const result = decode(Compound.make(parts))
    assert.deepStrictEqual(result.messages.map((message) => Message.encode(message)), alives)
    assert.deepStrictEqual(result.rejections.map((rejection) => rejection.reason), [
      "InvalidMessage",
      "Empty",
      "UnsupportedType",
      "InvalidCompression"
    ])
  })

  it("parts before a truncated one are used", () => {
    const result = decode(Compound.make(alives).subarray(0, -1))
    assert.strictEqual(result.messages.length, 2)
    assert.deepStrictEqual(result.rejections.map((rejection) => rejection.reason), ["Truncated"])
  })

  it("corrupt compression is refused", () => {
    refusedFor("InvalidCompression", "09 82 a4 416c676f 00 a3 427566 a2 0003")
    refusedFor("InvalidCompression", "09 82 a4 416c676f 00 a3 427566 a3 00050a")
    refusedFor("InvalidCompression", "09 82 a4 416c676f 01 a3 427566 a3 000302")
    refusedFor("Truncated", "09 82 a4 416c676f 00 a3 427566 db ffffffff 00")
    refusedFor("Empty", "09 82 a4 416c676f 00 a3 427566 a3 000302")
    refusedFor("InvalidMessage", "09 ff")
  })

  it("any order of wrappers is accepted up to a depth of four, with one that is compressed", () => {
    const message = Message.encode(alive)
    const compress = Compression.wrap
    const compound = (part: Uint8Array) => Compound.make([part])
    assert.deepStrictEqual(messages(compress(compound(message))), [alive])
    assert.deepStrictEqual(messages(compound(compress(message))), [alive])
    assert.deepStrictEqual(messages(compound(compound(compress(compound(message))))), [alive])
    assert.deepStrictEqual(messages(Compound.make([compress(message), compress(message)])), [alive, alive])
    refusedFor("TooDeep", compound(compound(compress(compound(compound(message))))))
    refusedFor("TooDeep", compress(compress(message)))
    refusedFor("TooDeep", compress(compound(compress(message))))
    let bomb = message
    for (let i = 0; i < 5_000; i++) bomb = compound(bomb)
    refusedFor("TooDeep", bomb)
  })

  it("all compressed parts of a datagram share one allowance", () => {
    const zeros = (size: number) => {
      const out = new Uint8Array(size)
      out[0] = 8
      return Compression.wrap(out)
    }
    const half = zeros(MAX_PACKET_DECOMPRESSED_BYTES / 2)
    assert.strictEqual(messages(Compound.make([half, half])).length, 2)
    const result = decode(Compound.make([half, half, zeros(2), Message.encode(alive)]))
    assert.deepStrictEqual(result.messages.map((message) => message._tag), ["User", "User", "Alive"])
    assert.deepStrictEqual(result.rejections.map((rejection) => rejection.reason), ["TooLarge"])
    refusedFor("TooLarge", zeros(MAX_PACKET_DECOMPRESSED_BYTES + 1))
    assert.strictEqual(messages(zeros(MAX_PACKET_DECOMPRESSED_BYTES)).length, 1)
  })

  it("failed decompression uses up the allowance like successful decompression", () => {
    const cut = (() => {
      const whole = Compression.wrap(new Uint8Array(MAX_PACKET_DECOMPRESSED_BYTES - 10).fill(8))
      const body = whole.subarray(15, whole.length - 2)
      return Uint8Array.of(...bytes("09 82 a4 416c676f 00 a3 427566 da"), body.length >> 8, body.length & 255, ...body)
    })()
    assert.deepStrictEqual(
      reasons(Compound.make([cut, Compression.wrap(new Uint8Array(100_000).fill(8))])),
      ["InvalidCompression", "TooLarge"]
    )
  })

  it("a datagram yields a bounded number of messages and refusals", () => {
    const empties = (n: number) => Uint8Array.of(7, n, ...new Uint8Array(2 * n))
    const nested = Compound.make(Array.from({ length: 100 }, () => empties(255)))
    const result = decode(nested)
    assert.strictEqual(result.rejections.length, MAX_PACKET_MESSAGES + 1)
    assert.strictEqual(result.rejections.filter((rejection) => rejection.reason === "TooMany").length, 1)
  })

  it("a full compound of 255 is within bounds", () => {
    const parts = Array.from({ length: 255 }, (_, seqNo) => Message.encode({ _tag: "Nack", seqNo }))
    assert.strictEqual(messages(Compound.make(parts)).length, 255)
  })
})

describe("payloads are safe to keep", () => {
  it("a small user payload does not hold on to the datagram", () => {
    const datagram = new Uint8Array(65_536)
    datagram.set(Compound.make([bytes("08aabb"), bytes("08cc")]))
    for (const message of messages(datagram)) {
      assert.isTrue(message._tag === "User" && message.payload.buffer.byteLength <= 2)
    }
  })

  it("a payload that is most of the datagram is not copied", () => {
    const datagram = new Uint8Array(60_000).fill(8)
    const [message] = messages(datagram)
    assert.isTrue(message?._tag === "User" && message.payload.buffer === datagram.buffer)
  })
})

describe("any datagram", () => {
  const inbounds = [plain, sealed, labelled, { ...sealed, label }, { ...sealed, verifyIncoming: false }]
  const random = generator(23)
  const int = (n: number) => Math.floor(random() * n)
  const valid = inbounds.map((inbound) =>
    [
      bytes(Examples.pingHex),
      Compound.make([bytes(Examples.pingHex), bytes(Examples.aliveHex), bytes(Examples.suspectHex), bytes("08aabbcc")]),
      Compound.make(Array.from({ length: 12 }, () => bytes(Examples.aliveHex)))
    ].flatMap((message) =>
      [false, true].map((compress) =>
        Packet.encode(message, {
          label: inbound.label,
          compress,
          crc: compress,
          encryption: inbound.keys.length > 0 ? seal : undefined
        })
      )
    )
  )

  it("decodes to what was encoded, through every layer", () => {
    inbounds.forEach((inbound, i) => {
      for (const datagram of valid[i] ?? []) {
        assert.deepStrictEqual(reasons(datagram, inbound), [])
        assert.isAbove(messages(datagram, inbound).length, 0)
      }
    })
  })

  it("yields messages or rejections, and at least one of them, however it is mutated", () => {
    for (let i = 0; i < 6_000; i++) {
      const which = int(inbounds.length)
      const inbound = inbounds[which] ?? plain
      const originals = valid[which] ?? []
      const original = originals[int(originals.length)] ?? new Uint8Array(0)
      const result = decode(mutate(original, random), inbound)
      const emptyCompound = result.messages.length + result.rejections.length === 0
      if (emptyCompound) assert.deepStrictEqual(result.rejections, [])
    }
  })

  it("survives mutation under a checksum and encryption that fit it again", () => {
    for (let i = 0; i < 3_000; i++) {
      const originals = valid[0] ?? []
      const inner = mutate(mutate(originals[int(originals.length)] ?? new Uint8Array(0), random), random)
      const result = decode(Encryption.encrypt(i % 2 === 0 ? Checksum.add(inner) : inner, seal, noLabel), sealed)
      for (const message of result.messages) Message.encode(message)
    }
  })

  it("made of random bytes is refused or read, never thrown at", () => {
    for (let i = 0; i < 5_000; i++) {
      const datagram = Uint8Array.from({ length: int(120) }, () => random() * 256)
      if (datagram.length > 0) datagram[0] = int(14)
      for (const inbound of inbounds) decode(datagram, inbound)
    }
  })
})
