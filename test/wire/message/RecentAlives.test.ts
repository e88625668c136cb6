import { assert, describe, it } from "@effect/vitest"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Compound from "../../../src/wire/packet/Compound.ts"
import * as Packet from "../../../src/wire/packet/Packet.ts"

const aliveOf = (node: string, more: Partial<Message.Alive> = {}): Message.Alive => ({
  _tag: "Alive",
  incarnation: 1,
  node,
  addr: Uint8Array.of(10, 0, 0, 1),
  port: 7946,
  meta: null,
  vsn: Uint8Array.of(1, 5, 2, 0, 0, 0),
  ...more
})

/** Never the bytes that are remembered. */
const written = (alive: Message.Alive): Uint8Array => new Uint8Array(Message.encode(alive))

const decoded = (packet: Uint8Array) =>
  Packet.decode(packet, { keys: [], verifyIncoming: true, label: new Uint8Array(), skipLabelCheck: false })

const only = (packet: Uint8Array): Message.PacketMessage => {
  const { messages, rejections } = decoded(packet)
  assert.deepStrictEqual([messages.length, rejections], [1, []])
  return messages[0] as Message.PacketMessage
}

describe("an alive message met again", () => {
  it("is the same object, wherever in a packet it lies", () => {
    const bytes = written(aliveOf("met-again"))
    const first = only(bytes)
    const { messages } = decoded(Compound.make([Uint8Array.of(8, 1), new Uint8Array(bytes)]))
    assert.strictEqual(messages[1], first)
    assert.deepStrictEqual(first, aliveOf("met-again"))
  })

  it("holds on to no packet", () => {
    const packet = Compound.make([written(aliveOf("held")), new Uint8Array(1000)])
    const [alive] = decoded(packet).messages as ReadonlyArray<Message.Alive>
    packet.fill(0xff)
    assert.deepStrictEqual(alive, aliveOf("held"))
    assert.strictEqual(alive!.addr.buffer.byteLength, 4)
    assert.strictEqual(only(written(aliveOf("held"))), alive)
  })

  it("is passed on with the bytes it came with", () => {
    const alive = only(written(aliveOf("passed-on"))) as Message.Alive
    const bytes = Message.encode({ ...alive })
    assert.strictEqual(Message.encode(aliveOf("passed-on")), bytes)
    assert.deepStrictEqual(bytes, written(alive))
  })

  it("in another form than ours is understood the same, and passed on in our form", () => {
    const canonical = written(aliveOf("form"))
    // the port as a 32-bit integer
    const at = canonical.findIndex((byte, i) => byte === 0xcd && canonical[i + 1] === 0x1f && canonical[i + 2] === 0x0a)
    const other = Uint8Array.of(...canonical.subarray(0, at), 0xce, 0, 0, 0x1f, 0x0a, ...canonical.subarray(at + 3))
    const alive = only(other) as Message.Alive
    assert.deepStrictEqual(alive, aliveOf("form"))
    assert.deepStrictEqual(Message.encode(alive), canonical)
  })

  it("is not taken for one that differs in a single byte", () => {
    const bytes = written(aliveOf("node-1", { meta: Uint8Array.of(1, 2, 3) }))
    only(bytes)
    for (let i = 1; i < bytes.length; i++) {
      const changed = bytes.with(i, (bytes[i] as number) ^ 1)
      const fresh = Message.decodeBody(Message.packetCodec(4)!, changed, 1, changed.length)
      const { messages, rejections } = decoded(changed)
      assert.deepStrictEqual<unknown>(messages[0] ?? rejections[0], fresh, `byte ${i}`)
    }
  })

  it("stays right when many more are met than are remembered", () => {
    const count = 20_000
    for (let turn = 0; turn < 2; turn++) {
      for (let i = 0; i < count; i++) {
        const bytes = written(aliveOf(`n${i}`, { incarnation: i + 1 }))
        const alive = only(bytes) as Message.Alive
        if (alive.node !== `n${i}` || alive.incarnation !== i + 1) assert.fail(`${i} was taken for ${alive.node}`)
      }
    }
  })

  it("is decoded afresh when it is long", () => {
    const bytes = written(aliveOf("long", { meta: new Uint8Array(200) }))
    assert.isAbove(bytes.length, 256)
    assert.notStrictEqual(only(bytes), only(bytes))
    assert.deepStrictEqual(only(bytes), only(bytes))
  })
})
