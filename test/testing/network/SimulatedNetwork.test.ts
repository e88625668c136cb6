import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Ref from "effect/Ref"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { TransportError } from "../../../src/MemberlistError.ts"
import { type Options, SimulatedNetwork } from "../../../src/testing/index.ts"
import { type Connection, Transport } from "../../../src/Transport.ts"

const A = "10.0.0.1"
const B = "10.0.0.2"
const C = "10.0.0.3"
const at = (ip: string) => ({ ip, port: 7946 })
const bytes = (...values: ReadonlyArray<number>) => Uint8Array.from(values)
const timeout = { timeout: Duration.seconds(10) }

const node = (ip: string) =>
  Effect.map(Layer.build(SimulatedNetwork.transport(ip)), (context) => Context.get(context, Transport))

/** Collects what a node receives, as `[time, from, first byte]`. */
const collect = Effect.fnUntraced(function*(transport: Transport["Service"]) {
  const seen: Array<readonly [number, string, number]> = []
  yield* Effect.forkScoped(Effect.gen(function*() {
    for (;;) {
      for (const packet of yield* transport.packets) {
        seen.push([packet.receivedAt, packet.from.ip, packet.payload[0] ?? -1])
      }
    }
  }))
  return seen
})

/** Answers every stream with what it got, until the peer closes. */
const echo = (connection: Connection) =>
  Effect.gen(function*() {
    for (;;) {
      const chunk = yield* connection.pull
      yield* connection.write(chunk)
    }
  }).pipe(Effect.ignore)

const readAll = (connection: Connection, size: number) =>
  Effect.gen(function*() {
    const parts: Array<Uint8Array> = []
    let total = 0
    while (total < size) {
      const part = yield* connection.pull
      parts.push(part)
      total += part.length
    }
    return Buffer.concat(parts)
  })

const over = (options?: Options) => <A, E>(effect: Effect.Effect<A, E, SimulatedNetwork | Scope.Scope>) =>
  Effect.scoped(effect).pipe(Effect.provide(SimulatedNetwork.layer(options), { local: true }))

describe("packets", () => {
  it.effect("arrive after the latency, with their sender and the time", () =>
    Effect.gen(function*() {
      const a = yield* node(A)
      const b = yield* node(B)
      const seen = yield* collect(b)
      yield* a.send(at(B), bytes(1))
      yield* TestClock.adjust("4 millis")
      assert.deepStrictEqual(seen, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(seen, [[5, A, 1]])
    }).pipe(over({ latency: [5, 5] })))
  it.effect("are copied when they are sent", () =>
    Effect.gen(function*() {
      const a = yield* node(A)
      const seen = yield* collect(yield* node(B))
      const payload = bytes(1)
      yield* a.send(at(B), payload)
      payload[0] = 2
      yield* TestClock.adjust("1 second")
      assert.strictEqual(seen[0]?.[2], 1)
    }).pipe(over()))
  it.effect("to nobody are lost silently and counted", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const a = yield* node(A)
      yield* a.send(at(B), bytes(1))
      yield* TestClock.adjust("1 second")
      const { dropped, packetsSent } = yield* network.stats
      assert.deepStrictEqual([packetsSent, dropped.NoSuchAddress], [1, 1])
    }).pipe(over()))
  it.effect("above 65,507 bytes fail", () =>
    Effect.gen(function*() {
      const a = yield* node(A)
      yield* a.send(at(B), new Uint8Array(65_507))
      const error = yield* Effect.flip(a.send(at(B), new Uint8Array(65_508)))
      assert.deepStrictEqual([error.kind, error.scope], ["TooLarge", "Local"])
    }).pipe(over()))
  it.effect("beyond a full inbox are dropped and counted", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const a = yield* node(A)
      const b = yield* node(B)
      for (let i = 0; i < 5; i++) yield* a.send(at(B), bytes(i))
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* b.packets).length, 3)
      const { dropped, packetsDelivered } = yield* network.stats
      assert.deepStrictEqual([packetsDelivered, dropped.InboxFull], [3, 2])
    }).pipe(over({ inboxCapacity: 3 })))
  it.effect("are lost with the probability asked for", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const a = yield* node(A)
      yield* node(B)
      for (let i = 0; i < 1000; i++) yield* a.send(at(B), bytes(1))
      const { dropped } = yield* network.stats
      assert.isAbove(dropped.Loss, 250)
      assert.isBelow(dropped.Loss, 350)
    }).pipe(over({ loss: 0.3, seed: 1 })))
  it.effect("need no fiber each: a burst that is due together costs one", () =>
    Effect.gen(function*() {
      const a = yield* node(A)
      const b = yield* node(B)
      for (let i = 0; i < 1000; i++) yield* a.send(at(B), bytes(i))
      yield* TestClock.adjust("1 millis")
      const batch = yield* b.packets
      assert.deepStrictEqual(batch.map((packet) => packet.payload[0]), batch.map((_, i) => i % 256))
      assert.strictEqual(batch.length, 1000)
    }).pipe(over()))
})

describe("determinism", () => {
  const scenario = (seed: number, faulty: boolean) =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const a = yield* node(A)
      const b = yield* node(B)
      const c = yield* node(C)
      const seen = yield* collect(b)
      if (faulty) yield* network.cut(C, B)
      const start = yield* Effect.clockWith((clock) => clock.monotonicTimeNanos)
      for (let i = 0; i < 50; i++) {
        yield* c.send(at(B), bytes(i))
        yield* a.send(at(B), bytes(i))
        yield* TestClock.adjust("3 millis")
      }
      yield* TestClock.adjust("1 second")
      return seen.filter(([, from]) => from === A).map(([time, , i]) => `${time - Number(start) / 1e6}:${i}`)
    }).pipe(over({ latency: [1, 20], loss: 0.2, seed }))

  it.effect("the same seed repeats, another one does not", () =>
    Effect.gen(function*() {
      const first = yield* scenario(1, false)
      assert.deepStrictEqual(yield* scenario(1, false), first)
      assert.notDeepEqual(yield* scenario(2, false), first)
    }))
  it.effect("a fault on one link leaves the others as they were", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* scenario(1, true), yield* scenario(1, false))
    }))
})

/** Which of the given hosts B hears from by packet. */
const heard = Effect.fnUntraced(function*(
  seen: Array<readonly [number, string, number]>,
  senders: ReadonlyArray<Transport["Service"]>
) {
  seen.length = 0
  for (const sender of senders) yield* sender.send(at(B), bytes(1))
  yield* TestClock.adjust("100 millis")
  return seen.map(([, from]) => from)
})

/** How an attempt to open a stream ends, in virtual time. */
const attempt = Effect.fnUntraced(function*(from: Transport["Service"], to: string) {
  const fiber = yield* Effect.forkChild(Effect.scoped(from.open(at(to), timeout)))
  yield* TestClock.adjust("11 seconds")
  return yield* Fiber.join(fiber).pipe(
    Effect.match({ onFailure: (error: TransportError) => error.kind as string, onSuccess: () => "Open" })
  )
})

describe("links", () => {
  const setup = Effect.gen(function*() {
    const network = yield* SimulatedNetwork
    const [a, b, c] = [yield* node(A), yield* node(B), yield* node(C)]
    yield* Effect.forkScoped(b.serve(echo))
    return { network, a, b, c, seen: yield* collect(b) }
  })

  it.effect("a cut works in one direction until it is healed", () =>
    Effect.gen(function*() {
      const { a, b, c, network, seen } = yield* setup
      const back = yield* collect(a)
      yield* network.cut(A, B)
      assert.deepStrictEqual(yield* heard(seen, [a, c]), [C])
      yield* b.send(at(A), bytes(1))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(back.length, 1)
      assert.strictEqual((yield* network.stats).dropped.Cut, 1)
      yield* network.heal(A, B)
      assert.deepStrictEqual(yield* heard(seen, [a, c]), [A, C])
    }).pipe(over()))
  it.effect("a partition separates groups and spares the unlisted", () =>
    Effect.gen(function*() {
      const { a, c, network, seen } = yield* setup
      yield* network.partition([[A], [B]])
      assert.deepStrictEqual(yield* heard(seen, [a, c]), [C])
      assert.strictEqual(yield* attempt(a, B), "Timeout")
      yield* network.partition([[A, B], [C]])
      assert.deepStrictEqual(yield* heard(seen, [a, c]), [A])
      yield* network.heal()
      assert.deepStrictEqual(yield* heard(seen, [a, c]), [A, C])
    }).pipe(over()))
  it.effect("packets can fail while streams pass", () =>
    Effect.gen(function*() {
      const { a, network, seen } = yield* setup
      yield* network.cut("*", B, "packets")
      assert.deepStrictEqual(yield* heard(seen, [a]), [])
      assert.strictEqual(yield* attempt(a, B), "Open")
    }).pipe(over()))
  it.effect("streams can fail while packets pass", () =>
    Effect.gen(function*() {
      const { a, network, seen } = yield* setup
      yield* network.cut(B, A, "streams")
      assert.deepStrictEqual(yield* heard(seen, [a]), [A])
      assert.strictEqual(yield* attempt(a, B), "Timeout")
    }).pipe(over()))
  it.effect("loss and latency can be set for one link", () =>
    Effect.gen(function*() {
      const { a, c, network, seen } = yield* setup
      yield* network.setLoss(A, B, 1)
      yield* network.setLatency(C, B, ["1 minute", "1 minute"])
      assert.deepStrictEqual(yield* heard(seen, [a, c]), [])
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(seen.map(([, from]) => from), [C])
    }).pipe(over()))
  it.effect("a mistake in a rule is a defect that says what is right", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      assert.match(String(yield* Effect.exit(network.cut("node-a", B))), /IP address/)
      assert.match(String(yield* Effect.exit(network.setLoss(A, B, 2))), /probability/)
    }).pipe(over()))
})

describe("hosts", () => {
  it.effect("a paused host neither sends nor receives until it resumes", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a, b] = [yield* node(A), yield* node(B)]
      const [seenA, seenB] = [yield* collect(a), yield* collect(b)]
      yield* network.pause(B)
      yield* a.send(at(B), bytes(1))
      yield* Effect.forkScoped(b.send(at(A), bytes(2)))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([seenA.length, seenB.length], [0, 0])
      yield* network.resume(B)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([seenA.length, seenB.length], [1, 1])
    }).pipe(over()))
  it.effect("a silently crashed host times out, a refusing one refuses", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a, b] = [yield* node(A), yield* node(B)]
      yield* Effect.forkScoped(b.serve(echo))
      const seen = yield* collect(b)
      yield* network.crash(B)
      assert.strictEqual(yield* attempt(a, B), "Timeout")
      assert.deepStrictEqual(yield* heard(seen, [a]), [])
      yield* network.crash(B, "Refuse")
      assert.strictEqual(yield* attempt(a, B), "Refused")
      assert.strictEqual(yield* attempt(b, A), "Timeout")
      yield* network.restart(B)
      assert.strictEqual(yield* attempt(a, B), "Open")
      assert.deepStrictEqual(yield* heard(seen, [a]), [A])
    }).pipe(over()))
  it.effect("an address is free again when its node is closed", () =>
    Effect.gen(function*() {
      const taken = yield* Effect.exit(Effect.scoped(Effect.andThen(node(A), node(A))))
      assert.match(String(taken), /10\.0\.0\.1:7946/)
      yield* Effect.scoped(node(A))
      yield* Effect.scoped(node(A))
    }).pipe(over()))
  it.effect("what a closed node was waiting for fails as closed", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const a = yield* Scope.provide(node(A), scope)
      const packets = yield* Effect.forkChild(Effect.flip(a.packets))
      const serving = yield* Effect.forkChild(Effect.flip(a.serve(echo)))
      yield* TestClock.adjust(1)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Fiber.join(packets)).kind, "Closed")
      assert.strictEqual((yield* Fiber.join(serving)).kind, "Closed")
    }).pipe(over()))
  it.effect("names resolve by the host table, literals to themselves", () =>
    Effect.gen(function*() {
      const a = yield* node(A)
      assert.deepStrictEqual(yield* a.resolve("::ffff:10.0.0.9"), ["10.0.0.9"])
      assert.deepStrictEqual(yield* a.resolve("seed.test"), [B])
      assert.strictEqual((yield* Effect.flip(a.resolve("other.test")))._tag, "SeedUnresolvable")
    }).pipe(over({ hosts: { "seed.test": [B] } })))
  it.effect("traffic is counted for each host", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const a = yield* node(A)
      yield* node(B)
      yield* a.send(at(B), bytes(1, 2, 3))
      yield* TestClock.adjust("1 second")
      assert.include(yield* network.traffic(A), { packetsSent: 1, bytesSent: 3 })
      assert.include(yield* network.traffic(B), { packetsReceived: 1, bytesReceived: 3 })
    }).pipe(over()))
})

describe("streams", () => {
  it.effect("carry bytes both ways, each after the latency", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* node(A), yield* node(B)]
      yield* Effect.forkScoped(b.serve(echo))
      const answer = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
        const connection = yield* a.open(at(B), timeout)
        yield* connection.write(bytes(1, 2))
        return yield* connection.pull
      })))
      yield* TestClock.adjust("19 millis")
      assert.isUndefined(answer.pollUnsafe())
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(yield* Fiber.join(answer), bytes(1, 2))
    }).pipe(over({ latency: [5, 5] })))
  it.effect("deliver everything written before the release, in order, although the writer is gone", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* node(A), yield* node(B)]
      const got = yield* Ref.make(Buffer.alloc(0))
      yield* Effect.forkScoped(b.serve((connection) =>
        Effect.gen(function*() {
          for (;;) {
            const chunk = yield* connection.pull
            yield* Ref.update(got, (all) => Buffer.concat([all, chunk]))
          }
        }).pipe(Effect.ignore)
      ))
      const message = new Uint8Array(300_000).map((_, i) => i % 251)
      const sent = yield* Effect.forkChild(Effect.scoped(
        Effect.flatMap(a.open(at(B), timeout), (connection) => connection.write(message))
      ))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(sent)
      assert.isTrue(Buffer.from(message).equals(yield* Ref.get(got)))
      const network = yield* SimulatedNetwork
      assert.strictEqual((yield* network.stats).streamsOpen, 0)
    }).pipe(over({ latency: [1, 30] })))
  it.effect("make a writer wait for a slow reader", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* node(A), yield* node(B)]
      yield* Effect.forkScoped(
        b.serve((connection) => Effect.andThen(Effect.sleep("10 seconds"), Effect.ignore(readAll(connection, 100_000))))
      )
      const sent = yield* Effect.forkChild(Effect.scoped(
        Effect.flatMap(a.open(at(B), timeout), (connection) => connection.write(new Uint8Array(100_000)))
      ))
      yield* TestClock.adjust("9 seconds")
      assert.isUndefined(sent.pollUnsafe())
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(sent)
    }).pipe(over({ streamWindow: 1000 })))
  it.effect("end in order on the other side, where nothing can be written to them any more", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* node(A), yield* node(B)]
      yield* Effect.forkScoped(b.serve((connection) => Effect.ignore(connection.write(bytes(9)))))
      const result = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
        const connection = yield* a.open(at(B), timeout)
        const first = yield* connection.pull
        const end = yield* Effect.flip(connection.pull)
        const write = yield* Effect.flip(connection.write(bytes(1)))
        return [first[0], end._tag, write.kind, write.operation]
      })))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(result), [9, "Done", "Closed", "write"])
    }).pipe(over()))
  it.effect("stall over a cut link and go on when it heals", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a, b] = [yield* node(A), yield* node(B)]
      yield* Effect.forkScoped(b.serve(echo))
      const answer = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
        const connection = yield* a.open(at(B), timeout)
        yield* network.cut(A, B)
        yield* connection.write(bytes(7))
        return yield* connection.pull
      })))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(answer.pollUnsafe())
      yield* network.heal()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(answer), bytes(7))
    }).pipe(over()))
  it.effect("are opened and carry bytes later where packets are lost, by the seed alone, and not where all are", () =>
    Effect.gen(function*() {
      /** When each of some streams was open, and when its echo was back; milliseconds, "Timeout" if never. */
      const times = (loss: number, seed: number) =>
        Effect.gen(function*() {
          const network = yield* SimulatedNetwork
          const [a, b] = [yield* node(A), yield* node(B)]
          yield* Effect.forkScoped(b.serve(echo))
          yield* network.inject({ _tag: "Loss", from: [A], to: [B], probability: loss })
          const now = Effect.clockWith((clock) => clock.currentTimeMillis)
          const fibers = yield* Effect.forEach(Array.from({ length: 200 }), () =>
            Effect.forkChild(
              Effect.scoped(Effect.gen(function*() {
                const began = yield* now
                const connection = yield* a.open(at(B), timeout)
                const opened = (yield* now) - began
                yield* connection.write(bytes(1))
                yield* connection.pull
                return [opened, (yield* now) - began - opened] as const
              })).pipe(Effect.catchTag("TransportError", ({ kind }) => Effect.succeed([kind, kind] as const)))
            ))
          yield* TestClock.adjust("20 minutes")
          const { segmentsLost, streamsOpen } = yield* network.stats
          assert.strictEqual(streamsOpen, 0)
          return { results: yield* Effect.forEach(fibers, Fiber.join), segmentsLost }
        }).pipe(over({ seed }))
      const share = (values: ReadonlyArray<unknown>, wanted: unknown) =>
        values.filter((value) => value === wanted).length / values.length
      const healthy = yield* times(0, 1)
      assert.deepStrictEqual(healthy, { results: healthy.results.map(() => [2, 2] as const), segmentsLost: 0 })
      const half = yield* times(0.5, 1)
      assert.deepStrictEqual(yield* times(0.5, 1), half)
      assert.notDeepEqual(yield* times(0.5, 2), half)
      assert.isAbove(half.segmentsLost, 200)
      const opened = half.results.map(([time]) => time)
      // the SYN after 0, 1, 3 and 7 s; the next would come after the 10 s that the caller waits
      for (const [i, time] of [2, 1002, 3002, 7002].entries()) assert.closeTo(share(opened, time), 0.5 ** (i + 1), 0.1)
      assert.closeTo(share(opened, "Timeout"), 0.5 ** 4, 0.06)
      assert.isAbove(share(half.results.map(([, time]) => time), 202), 0.1)
      const cut = yield* times(1, 1)
      assert.deepStrictEqual(cut.results, cut.results.map(() => ["Timeout", "Timeout"] as const))
    }))
  it.effect("deliver everything in order although packets are lost both ways", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a, b] = [yield* node(A), yield* node(B)]
      yield* Effect.forkScoped(b.serve(echo))
      const message = new Uint8Array(60_000).map((_, i) => i % 251)
      const answer = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
        const connection = yield* a.open(at(B), timeout)
        for (let i = 0; i < message.length; i += 10_000) yield* connection.write(message.subarray(i, i + 10_000))
        return yield* readAll(connection, message.length)
      })))
      yield* TestClock.adjust("30 minutes")
      assert.isTrue(Buffer.from(message).equals(yield* Fiber.join(answer)))
      const { segmentsLost, streamsOpen } = yield* network.stats
      assert.isAbove(segmentsLost, 20)
      assert.strictEqual(streamsOpen, 0)
    }).pipe(over({ loss: 0.3, latency: [1, 20], seed: 3 })))
  it.effect("break on both sides when a segment was sent again fifteen times", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a, b] = [yield* node(A), yield* node(B)]
      yield* Effect.forkScoped(b.serve(echo))
      const answer = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
        const connection = yield* a.open(at(B), timeout)
        yield* network.setLoss(A, B, 1)
        yield* connection.write(bytes(7))
        return yield* Effect.flip(connection.pull)
      })))
      yield* TestClock.adjust("13 minutes")
      assert.isUndefined(answer.pollUnsafe())
      yield* TestClock.adjust("1 minute")
      assert.deepInclude({ ...(yield* Fiber.join(answer)) }, { operation: "read", kind: "Closed" })
      assert.strictEqual((yield* network.stats).streamsOpen, 0)
    }).pipe(over()))
  it.effect("let nothing overtake what is sent again, when the loss is over as well", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a, b] = [yield* node(A), yield* node(B)]
      yield* Effect.forkScoped(b.serve(echo))
      const connection = yield* a.open(at(B), timeout).pipe(Effect.forkChild, Effect.tap(() => TestClock.adjust(10)))
        .pipe(Effect.flatMap(Fiber.join))
      yield* network.setLoss(A, B, 1)
      yield* connection.write(bytes(1))
      yield* TestClock.adjust(100)
      yield* network.setLoss(A, B, 0)
      yield* connection.write(bytes(2))
      const answer = yield* Effect.forkChild(readAll(connection, 2))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([...yield* Fiber.join(answer)], [1, 2])
    }).pipe(over()))
  it.effect("break although everything arrives where no acknowledgement does, and send nothing then", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a, b] = [yield* node(A), yield* node(B)]
      yield* Effect.forkScoped(
        b.serve((connection) => Effect.ignore(connection.pull).pipe(Effect.andThen(Effect.never)))
      )
      const answer = yield* Effect.forkChild(Effect.scoped(Effect.gen(function*() {
        const connection = yield* a.open(at(B), timeout)
        yield* network.setLoss(B, A, 1)
        yield* connection.write(bytes(7))
        return yield* Effect.flip(connection.pull)
      })))
      yield* TestClock.adjust("20 minutes")
      assert.deepInclude({ ...(yield* Fiber.join(answer)) }, { operation: "read", kind: "Closed" })
      const { segmentsLost, streamsOpen } = yield* network.stats
      assert.deepStrictEqual([segmentsLost, streamsOpen], [16, 0])
    }).pipe(over()))
  it.effect("are opened by the next SYN where a cut heals in time", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a, b] = [yield* node(A), yield* node(B)]
      yield* Effect.forkScoped(b.serve(echo))
      yield* network.cut(B, A)
      const opening = yield* Effect.forkChild(Effect.scoped(a.open(at(B), timeout)))
      yield* TestClock.adjust("2 seconds")
      yield* network.heal()
      yield* TestClock.adjust("1 second")
      assert.isUndefined(opening.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.isTrue(Exit.isSuccess(yield* Fiber.await(opening)))
    }).pipe(over()))
  it.effect("break when a host crashes with refusal or its node closes", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const a = yield* node(A)
      const scope = yield* Scope.make()
      const b = yield* Scope.provide(node(B), scope)
      yield* Effect.forkScoped(Effect.ignore(b.serve(echo)))
      const waiting = Effect.scoped(
        Effect.flatMap(a.open(at(B), timeout), (connection) => Effect.flip(connection.pull))
      )
      const first = yield* Effect.forkChild(waiting)
      yield* TestClock.adjust("1 second")
      yield* network.crash(B, "Refuse")
      assert.deepInclude({ ...(yield* Fiber.join(first)) }, { operation: "read", kind: "Closed" })
      yield* network.restart(B)
      const second = yield* Effect.forkChild(waiting)
      yield* TestClock.adjust("1 second")
      yield* Scope.close(scope, Exit.void)
      assert.deepInclude({ ...(yield* Fiber.join(second)) }, { operation: "read", kind: "Closed" })
    }).pipe(over()))
  it.effect("and packets of a program that has closed its transport fail, and are counted", () =>
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const scope = yield* Scope.make()
      const a = yield* Scope.provide(node(A), scope)
      const b = yield* node(B)
      const seen = yield* collect(b)
      yield* a.send(at(B), bytes(1))
      assert.strictEqual((yield* network.stats).afterClose, 0)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual((yield* Effect.flip(a.send(at(B), bytes(2)))).kind, "Closed")
      assert.strictEqual(yield* attempt(a, B), "Closed")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(seen.map(([, , value]) => value), [1])
      assert.strictEqual((yield* network.stats).afterClose, 2)
    }).pipe(over()))
  it.effect("to an address without a node are refused", () =>
    Effect.gen(function*() {
      const a = yield* node(A)
      assert.strictEqual(yield* attempt(a, B), "Refused")
    }).pipe(over()))
  it.effect("beyond the limit are refused until others close", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* node(A), yield* node(B)]
      yield* Effect.forkScoped(b.serve(echo))
      const held = yield* Effect.forkChild(
        Effect.scoped(Effect.andThen(a.open(at(B), timeout), Effect.sleep("1 minute")))
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* attempt(a, B), "Refused")
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(held)
      assert.strictEqual(yield* attempt(a, B), "Open")
    }).pipe(over({ maxStreams: 1 })))
  it.effect("end with the fiber that serves them", () =>
    Effect.gen(function*() {
      const [a, b] = [yield* node(A), yield* node(B)]
      const serving = yield* Effect.forkChild(b.serve(echo))
      const waiting = yield* Effect.forkChild(
        Effect.scoped(Effect.flatMap(a.open(at(B), timeout), (connection) => Effect.flip(connection.pull)))
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(serving)
      yield* TestClock.adjust("1 second")
      assert.isTrue(Cause.isDone(yield* Fiber.join(waiting)))
    }).pipe(over()))
})
