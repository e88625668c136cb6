import { assert, describe, it } from "@effect/vitest"
import { addressing, despiteRefusal, withLargestBuffer } from "../../src/node/NodeUdp.ts"

const refusal = (code: string) => Object.assign(new Error(code), { code })

/** A system that grants kernel buffers up to a size. */
const system = (granted: number) => {
  const asked: Array<number> = []
  const ask = (size: number) => {
    asked.push(size)
    if (size > granted) throw refusal("ERR_SOCKET_BUFFER_SIZE")
  }
  return { asked, ask }
}

describe("withLargestBuffer", () => {
  it("asks for 2 MiB and takes what is granted by halving", () => {
    const { ask, asked } = system(600_000)
    withLargestBuffer(ask)
    assert.deepStrictEqual(asked, [2_097_152, 1_048_576, 524_288])
  })
  it("takes the system's default when nothing is granted", () => {
    const { ask, asked } = system(0)
    withLargestBuffer(ask)
    assert.strictEqual(asked.at(-1), 65_536)
  })
  it("does not retry what is not about the buffer", () => {
    let attempts = 0
    const ask = () => {
      attempts++
      throw refusal("EBADF")
    }
    assert.throws(() => withLargestBuffer(ask), "EBADF")
    assert.strictEqual(attempts, 1)
  })
})

describe("despiteRefusal", () => {
  /** A socket whose answers are these, and what came of one packet. */
  const outcome = (...answers: ReadonlyArray<Error | null>) => {
    let attempts = 0
    const told: Array<Error | null> = []
    despiteRefusal((sent) => sent(answers[attempts++] ?? null), (cause) => told.push(cause))
    return { attempts, told }
  }
  const refused = refusal("ECONNREFUSED")
  it("sends again what was refused because nobody got an earlier packet", () => {
    assert.deepStrictEqual(outcome(refused, null), { attempts: 2, told: [null] })
    assert.deepStrictEqual(outcome(refused, refused, null), { attempts: 3, told: [null] })
  })
  it("tells of what is refused again and again", () => {
    assert.deepStrictEqual(outcome(refused, refused, refused), { attempts: 3, told: [refused] })
  })
  it("sends once what was sent, and what failed for its own sake", () => {
    const tooLarge = refusal("EMSGSIZE")
    assert.deepStrictEqual(outcome(null), { attempts: 1, told: [null] })
    assert.deepStrictEqual(outcome(tooLarge), { attempts: 1, told: [tooLarge] })
  })
})

describe("addresses", () => {
  it("of an IPv4 socket are IPv4 as they are, and nothing else", () => {
    const { fromNative, toNative } = addressing(4)
    assert.strictEqual(fromNative("10.0.0.1"), "10.0.0.1")
    assert.strictEqual(toNative("10.0.0.1"), "10.0.0.1")
    assert.isUndefined(toNative("fd00::1"))
    assert.isUndefined(toNative("orders-1"))
  })
  it("of an IPv6 socket are IPv6, and IPv4 in the mapped form", () => {
    const { fromNative, toNative } = addressing(6)
    assert.strictEqual(fromNative("::ffff:10.0.0.1"), "10.0.0.1")
    assert.strictEqual(toNative("10.0.0.1"), "::ffff:10.0.0.1")
    assert.strictEqual(fromNative("fd00:0:0::1"), "fd00::1")
    assert.strictEqual(toNative("fd00::1"), "fd00::1")
    assert.isUndefined(toNative("orders-1"))
  })
  it("on an interface that nobody knew at the start are left as the system wrote them", () => {
    const { fromNative, toNative } = addressing(6)
    assert.strictEqual(fromNative("fe80::1%late0"), "fe80::1%late0")
    assert.strictEqual(toNative("fe80::1%late0"), "fe80::1%late0")
  })
})
