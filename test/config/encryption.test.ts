import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import type { Connection } from "../../src/Transport.ts"
import type { Seal } from "../../src/wire/Encryption.ts"
import * as Message from "../../src/wire/message/Message.ts"
import * as Packet from "../../src/wire/packet/Packet.ts"
import * as Frame from "../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, passing, start, type TestNode, view } from "../support/Cluster.ts"
import { fakePeer } from "../support/FakePeer.ts"
import { arrive, bytes, counted, text } from "../support/Fields.ts"

const KEY = bytes("0123456789abcdef")
const secretKey = Redacted.make(KEY)
const none = new Uint8Array()

const seal = (version: 0 | 1): Seal => ({ key: KEY, version, nonce: new Uint8Array(12).fill(7) })

const datagram = (message: string, encryption: Seal | undefined) =>
  Packet.encode(Message.encode({ _tag: "User", payload: bytes(message) }), {
    label: none,
    compress: false,
    crc: false,
    encryption
  })

const stream = (message: string, encryption: Seal | undefined) =>
  Frame.frame(Frame.encodeUser(bytes(message)), { compress: false, encryption, label: none })

/** The type byte of a stream that is encrypted. */
const ENCRYPTED = 10

describe("gossipVerifyIncoming and gossipVerifyOutgoing", () => {
  const both = ["plain packet", "sealed packet", "plain stream", "sealed stream"]
  const table: ReadonlyArray<
    readonly [key: boolean, outgoing: boolean, incoming: boolean, sends: string, accepts: ReadonlyArray<string>]
  > = [
    [false, true, true, "plain", ["plain packet", "plain stream"]],
    [false, false, false, "plain", ["plain packet", "plain stream"]],
    [true, true, true, "sealed", ["sealed packet", "sealed stream"]],
    [true, true, false, "sealed", both],
    [true, false, false, "plain", both],
    [true, false, true, "plain", ["sealed packet", "sealed stream"]]
  ]
  for (const [key, outgoing, incoming, sends, accepts] of table) {
    clusterTest(
      `${key ? "with" : "without"} a key, outgoing ${outgoing}, incoming ${incoming}: send ${sends}, accept ${
        accepts.join(", ")
      }`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", {
          config: {
            secretKey: key ? secretKey : undefined,
            gossipVerifyOutgoing: outgoing,
            gossipVerifyIncoming: incoming
          }
        })
        const firstBytes: Array<number | undefined> = []
        const peer = yield* fakePeer("p", "10.0.0.9", {
          onStream: (connection: Connection) =>
            Effect.ignore(Effect.map(connection.pull, (chunk) => firstBytes.push(chunk[0])))
        })
        yield* peer.sendBytes(a, datagram("plain packet", undefined))
        yield* arrive
        yield* peer.sendBytes(a, datagram("sealed packet", seal(1)))
        yield* arrive
        yield* peer.ask(a, stream("plain stream", undefined))
        yield* peer.ask(a, stream("sealed stream", seal(1)))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(a.messages.map(({ payload }) => text(payload)), accepts)

        yield* a.cluster.send({ address: "10.0.0.9:7946" }, bytes("x"))
        yield* passing(a.cluster.send({ address: "10.0.0.9:7946" }, bytes("x"), { reliable: true }))
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(peer.datagrams.length, 1)
        assert.deepStrictEqual(peer.all("User").map(({ payload }) => text(payload)), sends === "plain" ? ["x"] : [])
        assert.deepStrictEqual(firstBytes.map((type) => type === ENCRYPTED), [sends === "sealed"])
      })
    )
  }

  clusterTest(
    "without a key: an encrypted stream is refused with a reason that its sender can read",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const peer = yield* fakePeer("p", "10.0.0.9")
      const answer = yield* peer.ask(a, stream("sealed", seal(1)))
      assert.strictEqual(answer === "closed" ? answer : answer._tag, "ErrorResponse")
    })
  )

  clusterTest(
    "roll encryption out in three rounds of restarts, without anybody being suspected",
    Effect.gen(function*() {
      const names = ["a", "b", "c"]
      const stages = [
        {},
        { secretKey, gossipVerifyOutgoing: false, gossipVerifyIncoming: false },
        { secretKey, gossipVerifyOutgoing: true, gossipVerifyIncoming: false },
        { secretKey, gossipVerifyOutgoing: true, gossipVerifyIncoming: true }
      ]
      const nodes = new Map<string, TestNode>()
      const restart = Effect.fnUntraced(function*(name: string, config: (typeof stages)[number]) {
        const old = nodes.get(name)
        if (old !== undefined) yield* passing(old.stop)
        const node = yield* start(name, `10.0.0.${names.indexOf(name) + 1}`, { config })
        nodes.set(name, node)
        const others = [...nodes.values()].filter((other) => other !== node).map(({ address }) => address)
        const report = yield* joinAt(node, ...others)
        assert.deepStrictEqual(report.failed, [])
        yield* TestClock.adjust("5 seconds")
      })
      for (const config of stages) {
        for (const name of names) {
          yield* restart(name, config)
          if (nodes.size < names.length) continue
          for (const node of nodes.values()) {
            assert.deepStrictEqual(yield* view(node), ["a alive", "b alive", "c alive"])
          }
        }
      }
      yield* TestClock.adjust("40 seconds")
      for (const node of nodes.values()) {
        assert.deepStrictEqual(yield* view(node), ["a alive", "b alive", "c alive"])
        assert.deepStrictEqual(node.seen.filter((event) => /Failed|Suspected/.test(event)), [])
        assert.strictEqual(yield* counted(node, "probe.failed"), 0)
      }
      // and now nothing in clear gets in
      const outsider = yield* start("outsider", "10.0.0.9")
      assert.strictEqual((yield* Effect.flip(joinAt(outsider, "10.0.0.1")))._tag, "JoinFailed")
    })
  )

  clusterTest(
    "lose the cluster when the rounds are skipped: a member that starts to verify no longer hears the others",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2")
      yield* joinAt(b, a.address)
      yield* passing(b.stop)
      const again = yield* start("b", "10.0.0.2", { config: { secretKey } })
      assert.strictEqual((yield* Effect.flip(joinAt(again, a.address)))._tag, "JoinFailed")
    })
  )
})

describe("secretKey", () => {
  for (const length of [16, 24, 32]) {
    clusterTest(
      `of ${length} bytes seals everything between members`,
      Effect.gen(function*() {
        const key = Redacted.make(new Uint8Array(length).fill(length))
        const a = yield* start("a", "10.0.0.1", { config: { secretKey: key } })
        const b = yield* start("b", "10.0.0.2", { config: { secretKey: key } })
        yield* joinAt(b, a.address)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* view(a), ["a alive", "b alive"])
        assert.strictEqual(yield* counted(a, "probe.failed"), 0)
      })
    )
  }
})

describe("enableCompression", () => {
  const long = bytes("compress me ".repeat(50))
  for (const enableCompression of [true, false]) {
    clusterTest(
      `${enableCompression ? "on makes" : "off does not make"} packets smaller, and both are understood`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: { enableCompression } })
        const b = yield* start("b", "10.0.0.2", { config: { enableCompression: !enableCompression } })
        const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none" })
        yield* a.cluster.send({ address: "10.0.0.9:7946" }, long)
        yield* b.cluster.send({ address: a.address }, long)
        yield* TestClock.adjust("100 millis")
        assert.strictEqual((peer.datagrams[0]?.length ?? 0) < long.length, enableCompression)
        assert.deepStrictEqual(peer.all("User").map(({ payload }) => payload), [long])
        assert.deepStrictEqual(a.messages.map(({ payload }) => payload), [long])
      })
    )
  }
})

describe("label", () => {
  clusterTest(
    "keeps clusters apart: packets and streams of another label, or of none, are refused",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { label: "blue" } })
      for (const [i, label] of ["green", ""].entries()) {
        const other = yield* start(`o${i}`, `10.0.0.${i + 2}`, { config: { label } })
        yield* other.cluster.send({ address: a.address }, bytes("hello"))
        assert.strictEqual((yield* Effect.flip(joinAt(other, a.address)))._tag, "JoinFailed")
      }
      assert.deepStrictEqual(a.messages, [])
      assert.deepStrictEqual(yield* view(a), ["a alive"])
    })
  )
})

describe("skipInboundLabelCheck", () => {
  const config = { label: "blue", skipInboundLabelCheck: true }

  clusterTest(
    "accepts packets and streams whose label something in front took off, and sends its own label all the same",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config })
      const peer = yield* fakePeer("p", "10.0.0.9", { inbound: { label: bytes("blue") } })
      yield* peer.send(a, { _tag: "User", payload: bytes("packet") })
      yield* peer.ask(a, stream("stream", undefined))
      yield* a.cluster.send({ address: "10.0.0.9:7946" }, bytes("hello"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(a.messages.map(({ payload }) => text(payload)), ["packet", "stream"])
      assert.deepStrictEqual(peer.all("User").map(({ payload }) => text(payload)), ["hello"])
    })
  )

  clusterTest(
    "refuses packets and streams that still have one",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config })
      const b = yield* start("b", "10.0.0.2", { config: { label: "blue" } })
      yield* b.cluster.send({ address: a.address }, bytes("hello"))
      assert.strictEqual((yield* Effect.flip(joinAt(b, a.address)))._tag, "JoinFailed")
      assert.deepStrictEqual(a.messages, [])
      assert.deepStrictEqual(yield* view(a), ["a alive"])
    })
  )
})
