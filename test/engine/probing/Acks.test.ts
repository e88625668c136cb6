import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scheduler from "effect/Scheduler"
import { TestClock } from "effect/testing"
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
    assert.strictEqual(acks.ack(7, payload, 42), "Delivered")
    assert.strictEqual(acks.waiting(), 0)
    assert.strictEqual(acks.ack(7, payload, 43), "Unexpected")
    assert.deepStrictEqual(told, ["ack 2 42"])
  })

  it("with a number nobody waits for reaches nobody", () => {
    const acks = Acks.make(0)
    const { handler, told } = recorder()
    acks.register(7, handler)
    assert.strictEqual(acks.ack(8, payload, 42), "Unexpected")
    assert.strictEqual(acks.nack(8), "Unexpected")
    assert.deepStrictEqual(told, [])
    assert.strictEqual(acks.waiting(), 1)
  })

  it("that comes when the wait is over reaches nobody", () => {
    const acks = Acks.make(0)
    const { handler, told } = recorder()
    const seqNo = acks.next()
    acks.register(seqNo, handler)
    acks.forget(seqNo)
    acks.forget(seqNo)
    assert.strictEqual(acks.ack(seqNo, payload, 42), "Late")
    assert.strictEqual(acks.nack(seqNo), "Late")
    assert.deepStrictEqual(told, [])
  })
})

describe("an ack that nobody waits for", () => {
  it("is late when its number was given out, and unexpected when it never was or long ago", () => {
    const acks = Acks.make(0xffff_fff0)
    assert.strictEqual(acks.ack(0xffff_fff0, null, 1), "Unexpected")
    const first = acks.next()
    for (let i = 0; i < 100; i++) acks.next()
    const last = acks.next()
    assert.isBelow(last, first)
    for (const seqNo of [first, 0xffff_ffff, 0, last]) {
      assert.strictEqual(acks.ack(seqNo, null, 1), "Late")
      assert.strictEqual(acks.nack(seqNo), "Late")
    }
    for (const seqNo of [first - 1, last + 1, 0x8000_0000]) {
      assert.strictEqual(acks.ack(seqNo, null, 1), "Unexpected")
      assert.strictEqual(acks.nack(seqNo), "Unexpected")
    }
    for (let i = 0; i < 4_096; i++) acks.next()
    assert.strictEqual(acks.ack(last, null, 1), "Unexpected")
  })
})

describe("a nack", () => {
  it("does not end the wait: more nacks and the ack are still heard", () => {
    const acks = Acks.make(0)
    const { handler, told } = recorder()
    acks.register(7, handler)
    assert.strictEqual(acks.nack(7), "Delivered")
    assert.strictEqual(acks.nack(7), "Delivered")
    assert.strictEqual(acks.ack(7, null, 42), "Delivered")
    assert.strictEqual(acks.nack(7), "Unexpected")
    assert.deepStrictEqual(told, ["nack", "nack", "ack null 42"])
  })

  it("is for nobody when the one who waits asked for none", () => {
    const acks = Acks.make(0)
    const { handler, told } = recorder()
    acks.register(7, { ...handler, onNack: undefined })
    assert.strictEqual(acks.nack(7), "Unexpected")
    assert.deepStrictEqual(told, [])
    assert.strictEqual(acks.waiting(), 1)
  })
})

describe("a wait", () => {
  const now = () => 0
  const at = (ip: string) => ({ ip, port: 7946 })

  it.effect("knows where the answer and the nacks came from, each address once, and not more than it may", () =>
    Effect.gen(function*() {
      const acks = Acks.make(7)
      yield* Acks.withWait({ acks, now }, (wait) =>
        Effect.gen(function*() {
          assert.deepStrictEqual(wait.nackers(), [])
          for (const ip of ["10.0.0.1", "10.0.0.2", "10.0.0.1"]) acks.nack(wait.seqNo, at(ip))
          assert.deepStrictEqual(wait.nackers(), [at("10.0.0.1"), at("10.0.0.2")])
          for (let i = 0; i < 2 * Acks.MAX_NACKERS; i++) acks.nack(wait.seqNo, { ip: "10.0.0.9", port: i })
          assert.strictEqual(wait.nackers().length, Acks.MAX_NACKERS)
          assert.strictEqual(wait.nacks(), 3 + 2 * Acks.MAX_NACKERS)
          acks.ack(wait.seqNo, payload, 42, at("10.0.0.3"))
          const answer = yield* wait.until(1000)

          assert.deepStrictEqual(Option.getOrThrow(answer).from, at("10.0.0.3"))
        }))
    }))

  it.effect("has the answer under its number, and counts the nacks that came before it", () =>
    Effect.gen(function*() {
      const acks = Acks.make(7)
      const answer = yield* Acks.withWait({ acks, now }, (wait) =>
        Effect.gen(function*() {
          assert.strictEqual(wait.seqNo, 8)
          acks.nack(wait.seqNo)
          acks.nack(wait.seqNo)
          acks.ack(wait.seqNo, payload, 42)
          return [yield* wait.until(1000), wait.nacks()]
        }))
      assert.deepStrictEqual(answer, [Option.some({ payload, receivedAt: 42, from: undefined }), 2])
      assert.strictEqual(acks.waiting(), 0)
    }))

  it.live("has an answer that came while the fiber gave way to others before it began to listen", () =>
    Effect.gen(function*() {
      const acks = Acks.make(7)
      const clock = () => performance.now()
      const answered = Acks.withWait({ acks, now: clock }, (wait) =>
        Effect.gen(function*() {
          yield* Effect.callback<void>((resume) => void setTimeout(() => resume(Effect.void)))
          setImmediate(() => acks.ack(wait.seqNo, payload, 42))
          return yield* wait.until(clock() + 50)
        }))
      for (let operations = 3; operations < 12; operations++) {
        const answer = yield* Effect.provideService(answered, Scheduler.MaxOpsBeforeYield, operations)
        assert.isTrue(Option.isSome(answer), `lost where a fiber gives way after ${operations} operations`)
      }
    }))

  it.effect("has none when its deadline passes first", () =>
    Effect.gen(function*() {
      const acks = Acks.make(7)
      const waiting = yield* Effect.forkChild(Acks.withWait({ acks, now: () => 400 }, (wait) => wait.until(1000)))
      yield* TestClock.adjust("599 millis")
      assert.strictEqual(acks.waiting(), 1)
      assert.isUndefined(waiting.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(waiting), Option.none())
      assert.strictEqual(acks.waiting(), 0)
    }))

  it.effect("leaves nothing behind when it is interrupted", () =>
    Effect.gen(function*() {
      const acks = Acks.make(7)
      const waiting = yield* Effect.forkChild(Acks.withWait({ acks, now }, (wait) => wait.until(1000)))
      yield* Effect.yieldNow
      assert.strictEqual(acks.waiting(), 1)
      yield* Fiber.interrupt(waiting)
      assert.strictEqual(acks.waiting(), 0)
      assert.strictEqual(acks.ack(8, payload, 1), "Late")
    }))
})
