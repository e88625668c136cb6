import { assert, describe, it } from "@effect/vitest"
import * as Acks from "../../../src/engine/probing/Acks.ts"

const payload = Uint8Array.of(1, 2)

/** A handler that writes down what it is told. */
const recorder = () => {
  const told: Array<string> = []
  const handler: Acks.AckHandler = {
    onAck: (bytes, receivedAt) => void told.push(`ack ${bytes?.length ?? "null"} ${receivedAt}`),
    onNack: () => void told.push("nack")
  }
  return { told, handler }
}

describe("sequence numbers", () => {
  it("rise by one from where they start, and wrap after the largest", () => {
    const acks = Acks.make(0xffff_fffd)
    assert.deepStrictEqual([acks.next(), acks.next(), acks.next(), acks.next()], [0xffff_fffe, 0xffff_ffff, 0, 1])
  })
})

describe("an ack", () => {
  it("reaches whoever waits for its number, once", () => {
    const acks = Acks.make(0)
    const { handler, told } = recorder()
    acks.register(7, handler)
    assert.strictEqual(acks.waiting(), 1)
    assert.isTrue(acks.ack(7, payload, 42))
    assert.strictEqual(acks.waiting(), 0)
    assert.isFalse(acks.ack(7, payload, 43))
    assert.deepStrictEqual(told, ["ack 2 42"])
  })

  it("with a number nobody waits for reaches nobody", () => {
    const acks = Acks.make(0)
    const { handler, told } = recorder()
    acks.register(7, handler)
    assert.isFalse(acks.ack(8, payload, 42))
    assert.isFalse(acks.nack(8))
    assert.deepStrictEqual(told, [])
    assert.strictEqual(acks.waiting(), 1)
  })

  it("that comes when the wait is over reaches nobody", () => {
    const acks = Acks.make(0)
    const { handler, told } = recorder()
    acks.register(7, handler)
    acks.forget(7)
    acks.forget(7)
    assert.isFalse(acks.ack(7, payload, 42))
    assert.isFalse(acks.nack(7))
    assert.deepStrictEqual(told, [])
  })
})

describe("a nack", () => {
  it("does not end the wait: more nacks and the ack are still heard", () => {
    const acks = Acks.make(0)
    const { handler, told } = recorder()
    acks.register(7, handler)
    assert.isTrue(acks.nack(7))
    assert.isTrue(acks.nack(7))
    assert.isTrue(acks.ack(7, null, 42))
    assert.isFalse(acks.nack(7))
    assert.deepStrictEqual(told, ["nack", "nack", "ack null 42"])
  })

  it("is for nobody when the one who waits asked for none", () => {
    const acks = Acks.make(0)
    const { handler, told } = recorder()
    acks.register(7, { ...handler, onNack: undefined })
    assert.isFalse(acks.nack(7))
    assert.deepStrictEqual(told, [])
    assert.strictEqual(acks.waiting(), 1)
  })
})
