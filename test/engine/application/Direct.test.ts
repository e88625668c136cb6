import { assert, describe } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { TestClock } from "effect/testing"
import type { Recipient } from "../../../src/Member.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, passing, start, startMany, type TestNode } from "../../support/Cluster.ts"
import { fakePeer, readMessage } from "../../support/FakePeer.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const text = (payload: Uint8Array) => new TextDecoder().decode(payload)

describe("messages", () => {
  clusterTest(
    "reach one member, best effort and reliable, with the sender's address",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      yield* a!.cluster.send({ name: "b" }, bytes("by packet"))
      yield* passing(a!.cluster.send({ name: "b" }, bytes("by stream"), { reliable: true }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b!.messages.map(({ from, payload, via }) => [text(payload), via, from.split(":")[0]]), [
        ["by packet", "packet", "10.0.0.1"],
        ["by stream", "stream", "10.0.0.1"]
      ])
      assert.strictEqual(a!.messages.length, 0)
    })
  )

  clusterTest(
    "of 1 MiB arrive whole over a stream",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      const payload = new Uint8Array(1 << 20).map((_, i) => i * 7)
      yield* passing(a!.cluster.send({ name: "b" }, payload, { reliable: true }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(b!.messages.map((message) => message.payload), [payload])
    })
  )

  clusterTest(
    "that do not fit are refused with size, limit and what to do",
    Effect.gen(function*() {
      const [a] = yield* startMany(2)
      const packet = yield* Effect.flip(a!.cluster.send({ name: "b" }, new Uint8Array(1500)))
      assert.strictEqual(packet._tag, "MessageTooLarge")
      assert.match(packet.message, /packet message is 1500 bytes; at most 139\d fit; send it reliably instead/)
      const stream = yield* Effect.flip(a!.cluster.send({ name: "b" }, new Uint8Array(20_971_521), { reliable: true }))
      assert.strictEqual(stream._tag, "MessageTooLarge")
      const broadcast = yield* Effect.flip(a!.cluster.broadcast(new Uint8Array(1500)))
      assert.strictEqual(broadcast._tag, "MessageTooLarge")
    })
  )

  clusterTest(
    "of the largest size that is accepted arrive",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      const refused = yield* Effect.flip(a!.cluster.send({ name: "b" }, new Uint8Array(1500)))
      assert.isTrue(refused._tag === "MessageTooLarge")
      const limit = refused._tag === "MessageTooLarge" ? refused.limit : 0
      yield* a!.cluster.send({ name: "b" }, new Uint8Array(limit))
      const tooBig = yield* Effect.flip(a!.cluster.broadcast(new Uint8Array(1500)))
      const broadcastLimit = tooBig._tag === "MessageTooLarge" ? tooBig.limit : 0
      yield* a!.cluster.broadcast(new Uint8Array(broadcastLimit))
      yield* TestClock.adjust("2 seconds")
      assert.include(b!.messages.map(({ payload }) => payload.length), limit)
      assert.include(b!.messages.map(({ payload }) => payload.length), broadcastLimit)
    })
  )

  clusterTest(
    "over a stream that takes none of them fail one by one after tcpTimeout, and nothing of them stays",
    Effect.gen(function*() {
      const { cluster } = yield* start("a", "10.0.0.1", {
        config: { tcpTimeout: "2 seconds" },
        transport: (inner) => ({
          ...inner,
          open: (to, options) =>
            Effect.map(inner.open(to, options), (connection) => ({ ...connection, write: () => Effect.never }))
        })
      })
      yield* start("b", "10.0.0.2")
      const send = Effect.forkChild(
        Effect.result(cluster.send({ address: "10.0.0.2:7946" }, bytes("x"), { reliable: true })),
        { startImmediately: true }
      )
      const first = yield* send
      yield* TestClock.adjust("1 second")
      const second = yield* send
      const interrupted = yield* send
      yield* Fiber.interrupt(interrupted)
      yield* TestClock.adjust("990 millis")
      assert.isUndefined(first.pollUnsafe())
      yield* TestClock.adjust("20 millis")
      assert.isUndefined(second.pollUnsafe())
      yield* TestClock.adjust("1 second")
      for (const fiber of [first, second]) {
        const result = yield* Fiber.join(fiber)
        assert.isTrue(Result.isFailure(result))
        if (Result.isSuccess(result)) continue
        assert.strictEqual(result.failure.message, "write 10.0.0.2:7946: timeout (no end after 2000 ms)")
      }
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* (yield* SimulatedNetwork).stats).streamsOpen, 0)
    })
  )

  clusterTest(
    "to a name nobody has are refused",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      assert.strictEqual((yield* Effect.flip(a.cluster.send({ name: "nobody" }, bytes("x"))))._tag, "UnknownMember")
      assert.strictEqual((yield* Effect.flip(a.cluster.ping({ name: "nobody" })))._tag, "UnknownMember")
    })
  )

  clusterTest(
    "to a member that is called like an address reach it by its name, and the address reaches who is there",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const called = yield* start("10.0.0.3:7946", "10.0.0.2")
      const there = yield* start("there", "10.0.0.3")
      yield* joinAt(called, a.address)
      yield* joinAt(there, a.address)
      yield* a.cluster.send({ name: "10.0.0.3:7946" }, bytes("by name"))
      yield* a.cluster.send({ address: "10.0.0.3:7946" }, bytes("by address"))
      yield* passing(a.cluster.send({ name: "10.0.0.3:7946" }, bytes("by name, reliably"), { reliable: true }))
      yield* passing(a.cluster.send({ address: "10.0.0.3:7946" }, bytes("by address, reliably"), { reliable: true }))
      const member = Option.getOrThrow(yield* a.cluster.member("10.0.0.3:7946"))
      yield* a.cluster.send(member, bytes("as a member"))
      yield* TestClock.adjust("1 second")
      const received = (node: TestNode) => node.messages.map(({ payload }) => text(payload)).sort()
      assert.deepStrictEqual(received(called), ["as a member", "by name", "by name, reliably"])
      assert.deepStrictEqual(received(there), ["by address", "by address, reliably"])
    })
  )

  clusterTest(
    "to what is no address are refused, and say what one looks like",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      for (
        const address of ["", "a", "10.0.0.9", "10.0.0.9:0", "10.0.0.9:65536", "peer:7946", "p/10.0.0.9", "::1:7946"]
      ) {
        const error = yield* Effect.flip(a.cluster.send({ address }, bytes("x")))
        assert.strictEqual(error._tag, "AddressInvalid", address)
        assert.include(error.message, "expected \"[name/]ip:port\"")
      }
      assert.strictEqual((yield* Effect.flip(a.cluster.ping({ address: "peer:7946" })))._tag, "AddressInvalid")
    })
  )

  clusterTest(
    "to a bare text, which could be a name or an address, are refused",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      // @ts-expect-error a program without types
      const error = yield* Effect.flip(a.cluster.send("a", bytes("x")))
      assert.strictEqual(
        error.message,
        "no member \"a\"; expected { name: \"…\" } with a current member's name, or { address: \"ip:port\" }"
      )
      // @ts-expect-error both at once
      const both: Recipient = { name: "a", address: "10.0.0.1:7946" }
      assert.isDefined(both)
    })
  )

  clusterTest(
    "that are broadcast ride on gossip, and one with the same key replaces the one still waiting",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      yield* nodes[0]!.cluster.broadcast(bytes("old"), { key: "k" })
      yield* nodes[0]!.cluster.broadcast(bytes("new"), { key: "k" })
      yield* nodes[0]!.cluster.broadcast(bytes("other"))
      yield* TestClock.adjust("5 seconds")
      for (const node of nodes.slice(1)) {
        const heard = node.messages.map(({ payload }) => text(payload))
        assert.include(heard, "new")
        assert.include(heard, "other")
        assert.notInclude(heard, "old")
      }
    })
  )
})

describe("ping", () => {
  clusterTest(
    "measures the round trip",
    Effect.gen(function*() {
      const [a] = yield* startMany(2)
      const roundTrip = Duration.toMillis(yield* passing(a!.cluster.ping({ name: "b" })))
      assert.isAtLeast(roundTrip, 2)
      assert.isAtMost(roundTrip, 12)
    })
  )

  clusterTest(
    "of a silent member times out, names it, and changes nobody's health",
    Effect.gen(function*() {
      const [a] = yield* startMany(2)
      const net = yield* SimulatedNetwork
      yield* net.crash("10.0.0.2")
      const error = yield* Effect.flip(passing(a!.cluster.ping({ name: "b" })))
      assert.strictEqual(error.message, "no response from node b within 500 ms")
    })
  )
})

describe("a reliable ping", () => {
  clusterTest(
    "goes over a stream, and gets through where packets do not",
    Effect.gen(function*() {
      const [a] = yield* startMany(2)
      const net = yield* SimulatedNetwork
      yield* net.cut("10.0.0.1", "10.0.0.2", "packets")
      const roundTrip = Duration.toMillis(yield* passing(a!.cluster.ping({ name: "b" }, { reliable: true })))
      // opening the stream takes a round trip too
      assert.isAtLeast(roundTrip, 4)
      assert.isAtMost(roundTrip, 30)
      const ways = yield* a!.cluster.reachability("b")
      assert.strictEqual(Option.getOrThrow(ways).tcp, "works")
    })
  )

  clusterTest(
    "fails where nobody listens, where nobody answers, and where what answers is no ack, and changes nobody's health",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { probeInterval: "1 hour", tcpTimeout: "2 seconds" } })
      const reliable = (address: string) =>
        Effect.flip(passing(node.cluster.ping({ address: `p/${address}:7946` }, { reliable: true })))
      const refused = yield* reliable("10.0.0.8")
      assert.deepInclude(refused, { _tag: "TransportError", kind: "Refused" })
      yield* fakePeer("silent", "10.0.0.7", { onMessage: "none", onStream: () => Effect.never })
      assert.deepInclude(yield* reliable("10.0.0.7"), { _tag: "TransportError", kind: "Timeout" })
      const other = { compress: false, encryption: undefined, label: new Uint8Array() }
      yield* fakePeer("other", "10.0.0.6", {
        onMessage: "none",
        onStream: (stream) =>
          Effect.andThen(
            readMessage(stream, "responder"),
            Effect.ignore(stream.write(Frame.frame(Message.encode({ _tag: "Ack", seqNo: 7, payload: null }), other)))
          )
      })
      assert.deepInclude(yield* reliable("10.0.0.6"), { _tag: "ExchangeRejected", reason: "UnexpectedMessage" })
      assert.strictEqual(yield* node.cluster.health, 0)
    })
  )
})

describe("a delegate", () => {
  clusterTest(
    "attaches a payload to acks, which the prober's delegate gets with the round trip",
    Effect.gen(function*() {
      const heard: Array<string> = []
      yield* start("a", "10.0.0.1", { delegate: { ackPayload: Effect.succeed(bytes("load=7")) } })
      const b = yield* start("b", "10.0.0.2", {
        delegate: {
          pingComplete: (member, roundTrip, payload) =>
            Effect.sync(() => void heard.push(`${member.name} ${Duration.toMillis(roundTrip) < 20} ${text(payload)}`))
        }
      })
      yield* passing(b.cluster.join(["10.0.0.1"]))
      yield* TestClock.adjust("3 seconds")
      assert.include(heard, "a true load=7")
    })
  )

  clusterTest(
    "fills packets with messages of its own, as many as fit",
    Effect.gen(function*() {
      const offers: Array<number> = []
      const a = yield* start("a", "10.0.0.1", {
        delegate: {
          broadcasts: (_overhead, limit) =>
            Effect.sync(() => {
              offers.push(limit)
              return [bytes("hello"), new Uint8Array(limit)]
            })
        }
      })
      const b = yield* start("b", "10.0.0.2")
      yield* passing(b.cluster.join(["10.0.0.1"]))
      yield* TestClock.adjust("2 seconds")
      assert.include(b.messages.map(({ payload }) => text(payload)), "hello")
      assert.isAbove((yield* a.cluster.counters).get("broadcast.dropped:DoesNotFit") ?? 0, 0)
      assert.isTrue(offers.every((limit) => limit <= 1398))
    })
  )

  clusterTest(
    "that dies is counted and treated as absent",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { delegate: { ackPayload: Effect.die(new Error("broken hook")) } })
      const b = yield* start("b", "10.0.0.2")
      yield* passing(b.cluster.join(["10.0.0.1"]))
      yield* TestClock.adjust("20 seconds")
      assert.isAbove((yield* a.cluster.counters).get("hook.died:ackPayload") ?? 0, 0)
      assert.isUndefined((yield* b.cluster.counters).get("probe.failed"))
    })
  )

  clusterTest(
    "may call the service from inside a hook",
    Effect.gen(function*() {
      const sizes: Array<number> = []
      let members: Effect.Effect<number> = Effect.succeed(0)
      const a = yield* start("a", "10.0.0.1", {
        delegate: {
          admit: () => Effect.map(members, (n) => void sizes.push(n)),
          mergeRemoteState: () => Effect.asVoid(members)
        }
      })
      members = Effect.map(a.cluster.members, (list) => list.length)
      const b = yield* start("b", "10.0.0.2")
      yield* passing(b.cluster.join(["10.0.0.1"]))
      yield* TestClock.adjust("2 seconds")
      assert.include(sizes, 1)
    })
  )
})
