/**
 * A search for datagrams that cost more than they should: every message type, with every position in which a body can
 * hold many values, as large as a datagram can be, compressed and not. What is bounded is the work, which does not depend
 * on the machine; `npm run attack` tells the milliseconds.
 */
import { assert, describe, it } from "@effect/vitest"
import {
  MAX_DATAGRAM_BYTES,
  MAX_MESSAGE_ENTRIES,
  MAX_PACKET_DECOMPRESSED_BYTES,
  MAX_PACKET_ENTRIES,
  MAX_PACKET_MESSAGES
} from "../../src/base/Limits.ts"
import * as Compression from "../../src/wire/Compression.ts"
import { MessageType } from "../../src/wire/message/Message.ts"
import * as Compound from "../../src/wire/packet/Compound.ts"
import * as Packet from "../../src/wire/packet/Packet.ts"
import { bytes } from "../support/Hex.ts"

const inbound: Packet.Inbound = { label: new Uint8Array(), skipLabelCheck: false, keys: [], verifyIncoming: true }

const repeated = (unit: Uint8Array, times: number): Uint8Array => {
  const out = new Uint8Array(unit.length * times)
  for (let i = 0; i < times; i++) out.set(unit, i * unit.length)
  return out
}
const joined = (...parts: ReadonlyArray<Uint8Array>): Uint8Array => Uint8Array.from(Buffer.concat(parts))
const uint32 = (n: number): Uint8Array => Uint8Array.of(n >>> 24, n >>> 16, n >>> 8, n)

/** A body of about `size` bytes. */
type Position = (size: number) => Uint8Array

const map = (unit: string): Position => (size) => {
  const pair = bytes(unit)
  const pairs = Math.floor(size / pair.length)
  return joined(Uint8Array.of(0xdf), uint32(pairs), repeated(pair, pairs))
}
const array = (head: string, unit: string): Position => (size) => {
  const element = bytes(unit)
  const elements = Math.floor(size / element.length)
  return joined(bytes(head), uint32(elements), repeated(element, elements))
}

/** A value under a key, in a map of one. */
const under = (key: string, value: Position): Position => (size) => joined(bytes(`81 ${key}`), value(size))

const Z = "a1 5a"
const fields = {
  "SeqNo": "a5 5365714e6f",
  "Node": "a4 4e6f6465",
  "Payload": "a7 5061796c6f6164",
  "Meta": "a4 4d657461",
  "Addr": "a4 41646472",
  "Vsn": "a3 56736e",
  "SourceAddr": "aa 536f7572636541646472",
  "Target": "a6 546172676574",
  "Buf": "a3 427566"
}

const positions: Record<string, Position> = {
  "unknown keys": map(`${Z} c0`),
  "unknown keys of empty maps": map(`${Z} 80`),
  "unknown keys that are arrays of integers": map("91 5a c0"),
  "unknown keys of extensions": map(`${Z} d4 00 00`),
  "a struct as an array": array("dd", "c0"),
  "a struct as an array of arrays": array("dd", "90"),
  "an unknown array": under(Z, array("dd", "c0")),
  "an unknown array of empty arrays": under(Z, array("dd", "90")),
  "an unknown map": under(Z, map("c0 c0")),
  "nested arrays": under(Z, (size) => repeated(Uint8Array.of(0x91), size)),
  "arrays of two, nested": under(Z, (size) => repeated(bytes("92 90"), size / 2)),
  "a key of nothing but integers": (size) => joined(bytes("81"), array("dd", "00")(size), bytes("c0")),
  ...Object.fromEntries(
    Object.entries(fields).flatMap(([name, key]) => [
      [`${name} again and again`, map(`${key} c0`)],
      [`${name} again and again, empty`, map(`${key} a0`)],
      [`${name} as an array of integers`, under(key, array("dd", "00"))],
      [`${name} as an array of long integers`, under(key, array("dd", "d3 0000000000000000"))],
      [`${name} as a map of integers`, under(key, map("00 00"))]
    ])
  )
}

/** A whole message of about `size` bytes. */
type Shape = (size: number) => Uint8Array

const bomb = Compression.wrap(new Uint8Array(4 * 1_048_576).fill(8))
const bombs = Compound.make(
  Array.from({ length: 200 }, () => Compression.wrap(new Uint8Array(20_000).fill(8)))
)

const wholes: Record<string, Shape> = {
  "a compound of empty parts": (size) => {
    const inner = Uint8Array.of(7, 255, ...new Uint8Array(510))
    return Compound.make(Array.from({ length: Math.min(255, Math.floor(size / 514)) }, () => inner))
  },
  "compounds of empty compounds": (size) => {
    const inner = Compound.make(Array.from({ length: 255 }, () => bytes("0700")))
    return Compound.make(Array.from({ length: Math.min(255, Math.floor(size / (inner.length + 2))) }, () => inner))
  },
  "a compound of messages of an unknown type": (size) =>
    Compound.make(Array.from({ length: Math.min(255, Math.floor(size / 3)) }, () => bytes("ff"))),
  "a compound of compressed nothings": (size) => {
    const nothing = Compression.wrap(new Uint8Array(0))
    return Compound.make(Array.from({ length: Math.min(255, Math.floor(size / 30)) }, () => nothing))
  },
  "a compound of bombs": () => bombs,
  "a bomb": () => bomb,
  "a bomb of bombs": () => Compression.wrap(bombs),
  "pings": (size) => {
    const ping = bytes("00 80")
    const inner = Compound.make(Array.from({ length: 255 }, () => ping))
    return Compound.make(Array.from({ length: Math.min(255, Math.floor(size / (inner.length + 2))) }, () => inner))
  }
}

const types = Object.values(MessageType).filter((type) =>
  type !== MessageType.Compound && type !== MessageType.User && type !== MessageType.HasCrc
)

const shapes: ReadonlyArray<readonly [string, Shape]> = [
  ...Object.entries(wholes),
  ...types.flatMap((type) =>
    Object.entries(positions).map(([name, position]): readonly [string, Shape] => [
      `type ${type}: ${name}`,
      (size) => joined(Uint8Array.of(type), position(size))
    ])
  )
]

const compoundOf = (part: Uint8Array, times: number): Uint8Array =>
  Compound.make(part.length > 4_000 ? [part] : Array.from({ length: times }, () => part))

/** The datagram that carries the shape in the given way; as large as it may be. */
const carriers: Record<string, (shape: Shape) => Uint8Array> = {
  "as it is": (shape) => shape(MAX_DATAGRAM_BYTES - 1_024),
  "compressed": (shape) => Compression.wrap(shape(16_384)),
  "in a compound": (shape) => compoundOf(shape(2_000), 30),
  "in a compressed compound": (shape) => Compression.wrap(compoundOf(shape(300), 200))
}

describe("the work of a datagram is bounded", () => {
  for (const [carrier, carry] of Object.entries(carriers)) {
    it(`whatever it holds, ${carrier}`, () => {
      let most = { shape: "", entries: 0 }
      for (const [shape, make] of shapes) {
        const datagram = carry(make)
        const { messages, rejections, work } = Packet.decode(datagram, inbound)
        const told = `${shape}, ${carrier}, ${datagram.length} bytes`
        // The message in which the budget ends is still refused whole.
        assert.isAtMost(work.entries, MAX_PACKET_ENTRIES + 1, told)
        assert.isAtMost(work.decompressed, MAX_PACKET_DECOMPRESSED_BYTES, told)
        assert.isAtMost(messages.length + rejections.length, MAX_PACKET_MESSAGES + 1, told)
        if (work.entries > most.entries) most = { shape, entries: work.entries }
      }
      // The search is worth something only if it gets near to what it looks for.
      assert.isAbove(most.entries, MAX_MESSAGE_ENTRIES / 2, most.shape)
    }, 60_000)
  }

  it("whatever a ping or an alive message holds, compressed, up to the limit of decompression", () => {
    for (const type of [MessageType.Ping, MessageType.Alive]) {
      for (const [name, position] of Object.entries(positions)) {
        const body = position(MAX_PACKET_DECOMPRESSED_BYTES - 1_024)
        const { work } = Packet.decode(Compression.wrap(joined(Uint8Array.of(type), body)), inbound)
        assert.isAtMost(work.entries, MAX_MESSAGE_ENTRIES + 20, name)
      }
    }
  }, 60_000)

  it("a ping with 349,000 unknown keys in 3.4 kB is refused before it is decompressed whole", () => {
    const datagram = Compression.wrap(joined(Uint8Array.of(MessageType.Ping), map(`${Z} c0`)(349_000 * 3)))
    assert.isBelow(datagram.length, 4_000)
    const { messages, rejections, work } = Packet.decode(datagram, inbound)
    assert.deepStrictEqual([messages.length, rejections.map(({ reason }) => reason)], [0, ["TooLarge"]])
    assert.isAtMost(work.entries, 10)
    // and where a transport allows more, before its keys are read
    const large = Packet.decode(datagram, { ...inbound, maxDecompressed: 4_194_304 })
    assert.deepStrictEqual(large.rejections.map(({ reason }) => reason), ["TooMany"])
    assert.isAtMost(large.work.entries, 10)
  })

  it("a message of as many fields, and of as many values, as it may have is read", () => {
    const read = (body: string) => Packet.decode(bytes(`00 ${body}`), inbound)
    assert.strictEqual(read(`de 0040 ${`${Z} c0`.repeat(63)} a5 5365714e6f 2a`).messages.length, 1)
    assert.deepStrictEqual(
      read(`de 0041 ${`${Z} c0`.repeat(64)} a5 5365714e6f 2a`).rejections.map(({ reason }) => reason),
      ["TooMany"]
    )
    // the field itself, the array, and its elements
    assert.strictEqual(read(`81 ${Z} dc 07fe ${"c0".repeat(2046)}`).messages.length, 1)
    assert.strictEqual(read(`81 ${Z} dc 07ff ${"c0".repeat(2047)}`).messages.length, 0)
  })

  it("a whole budget is enough for the largest compound of the largest messages", () => {
    const alive = bytes(
      "04 86 a4 41646472 a4 0a000001 ab 496e6361726e6174696f6e 01 a4 4d657461 c0 a4 4e6f6465 a1 61 a4 506f7274 01 a3 56736e a6 010502000000"
    )
    const decoded = Packet.decode(Compound.make(Array.from({ length: 255 }, () => alive)), inbound)
    assert.strictEqual(decoded.messages.length, 255)
  })
})
