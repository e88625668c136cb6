import { assert, describe, it } from "@effect/vitest"
import * as Compression from "../../src/wire/Compression.ts"
import * as Message from "../../src/wire/message/Message.ts"
import * as Frame from "../../src/wire/stream/Frame.ts"
import { StreamBuffer } from "../../src/wire/stream/StreamBuffer.ts"

const MIB = 1_048_576
const key = new Uint8Array(16).fill(7)
const none = new Uint8Array()
const plain = { label: none, skipLabelCheck: false, keys: [], verifyIncoming: false }
const keyed = { ...plain, keys: [key], verifyIncoming: true }

const sealed = (message: Uint8Array) =>
  Frame.frame(message, { compress: false, label: none, encryption: { key, version: 1, nonce: new Uint8Array(12) } })

const row = { name: "", addr: none, port: 0, meta: none, incarnation: 0, state: 0, vsn: none }

/** What comes out when it has done all its work. */
const finished = (decoder: Frame.Decoder, bytes: Uint8Array): Frame.Progress => {
  let progress = decoder.push(bytes)
  while (progress._tag === "Working") progress = decoder.resume()
  return progress
}

describe("what a decoder holds", () => {
  it("grows with what arrives, not with what is announced", () => {
    const decoder = Frame.makeDecoder("responder", keyed)
    decoder.push(Uint8Array.of(Message.MessageType.Encrypt, 1, 0x40, 0, 0))
    assert.isBelow(decoder.held(), 10_000)
    for (let i = 0; i < 16; i++) decoder.push(new Uint8Array(65_536))
    assert.isAtLeast(decoder.held(), MIB)
    assert.isAtMost(decoder.held(), 2 * MIB + 65_536)
  })

  it("is nothing once a key has opened it, and nothing when it is refused", () => {
    const message = Frame.encodeUser(new Uint8Array(100_000))
    const good = Frame.makeDecoder("responder", keyed)
    assert.strictEqual(good.push(sealed(message))._tag, "Message")
    assert.strictEqual(good.held(), 0)
    const bad = Frame.makeDecoder("responder", { ...keyed, keys: [new Uint8Array(16)] })
    assert.strictEqual(finished(bad, sealed(message))._tag, "Rejected")
    assert.strictEqual(bad.held(), 0)
  })

  it("is the decompressed message, for a small one", () => {
    const decoder = Frame.makeDecoder("responder", plain)
    const bomb = Compression.wrap(Frame.encodeUser(new Uint8Array(MIB)))
    assert.isBelow(bomb.length, 30_000)
    assert.strictEqual(finished(decoder, bomb)._tag, "Message")
    assert.isAtLeast(decoder.held(), MIB)
  })

  it("is more for each node state than its bytes, complete or not", () => {
    const list = Frame.encodePushPull({ join: false, nodes: Array.from({ length: 1_000 }, () => row), userState: none })
    const decoder = Frame.makeDecoder("responder", plain)
    decoder.push(list.subarray(0, list.length - 1))
    assert.isAbove(decoder.held(), 999 * 512 + list.length)
    assert.strictEqual(decoder.push(list.subarray(list.length - 1))._tag, "Message")
    assert.isAtLeast(decoder.held(), 1_000 * 512 + list.length)
  })

  it("is nothing when the stream was given up, and stays what it was when it has made a message", () => {
    const list = Frame.encodePushPull({ join: false, nodes: [row], userState: new Uint8Array(100_000).fill(3) })
    const unfinished = Frame.makeDecoder("responder", plain)
    unfinished.push(list.subarray(0, 90_000))
    unfinished.release()
    assert.strictEqual(unfinished.held(), 0)
    assert.strictEqual(unfinished.push(list.subarray(90_000))._tag, "Rejected")
    const finished = Frame.makeDecoder("responder", plain)
    const progress = finished.push(list)
    finished.release()
    assert.isTrue(progress._tag === "Message" && progress.message._tag === "PushPull")
    if (progress._tag !== "Message" || progress.message._tag !== "PushPull") return
    assert.deepStrictEqual([...new Set(progress.message.userState)], [3])
  })
})

describe("a buffer that is freed", () => {
  it("gives its own memory back at once, and leaves memory of others alone", () => {
    const own = new StreamBuffer()
    own.append(new Uint8Array(10_000))
    const { bytes } = own
    own.free()
    assert.strictEqual(bytes.byteLength, 0)
    const theirs = new Uint8Array(10_000)
    own.replace(theirs)
    own.free()
    assert.strictEqual(theirs.byteLength, 10_000)
    own.append(Uint8Array.of(1, 2))
    assert.deepStrictEqual([...own.view(2)], [1, 2])
  })
})
