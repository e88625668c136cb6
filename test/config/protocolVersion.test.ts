import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import * as Encryption from "../../src/wire/Encryption.ts"
import * as Message from "../../src/wire/message/Message.ts"
import * as Checksum from "../../src/wire/packet/Checksum.ts"
import * as Frame from "../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, passing, start, startMany, type TestNode, view } from "../support/Cluster.ts"
import { fakePeer } from "../support/FakePeer.ts"
import { address, arrive, bytes, counted, introduce } from "../support/Fields.ts"

const speaking = (max: number) => Uint8Array.of(1, max, 2, 0, 0, 0)

const portOf = (peer: string) => (members: ReadonlyArray<{ readonly name: string; readonly port: number }>) =>
  members.find(({ name }) => name === peer)?.port

describe("protocolVersion", () => {
  for (const protocolVersion of [1, 2, 3, 4, 5]) {
    clusterTest(
      `${protocolVersion} is announced with the range 1 to 5, and seals with cipher form ${
        protocolVersion === 1 ? 0 : 1
      }`,
      Effect.gen(function*() {
        const key = bytes("0123456789abcdef")
        const config = { protocolVersion, secretKey: Redacted.make(key) }
        const a = yield* start("a", "10.0.0.1", { config })
        const { versions } = yield* a.cluster.localMember
        assert.deepInclude({ ...versions }, { min: 1, max: 5, current: protocolVersion })
        const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none", inbound: { keys: [key] } })
        yield* a.cluster.send({ address: "10.0.0.9:7946" }, bytes("x"))
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(peer.datagrams[0]?.[0], protocolVersion === 1 ? 0 : 1)
        assert.strictEqual(peer.all("User").length, 1)
      })
    )
  }

  for (const [protocolVersion, port] of [[1, 7946], [2, 9000]] as const) {
    clusterTest(
      `${protocolVersion} takes a member's port ${
        protocolVersion === 1 ? "to be its own" : "as it was sent"
      }, in packets, lists and requests to probe`,
      Effect.gen(function*() {
        // nothing answers at the port of the row, so it has to be believed
        const a = yield* start("a", "10.0.0.1", { config: { protocolVersion, recovery: false } })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const target = yield* fakePeer("t", "10.0.0.8")
        yield* peer.send(a, peer.alive({ port: 9000 }))
        yield* arrive
        yield* peer.ask(
          a,
          Frame.encodePushPull({ join: true, nodes: [target.row({ port: 9000 })], userState: new Uint8Array() })
        )
        assert.strictEqual(yield* Effect.map(a.cluster.members, portOf("p")), port)
        assert.strictEqual(yield* Effect.map(a.cluster.members, portOf("t")), port)
        const { node: _, ...source } = peer.ping(77)
        yield* peer.send(a, {
          ...source,
          _tag: "IndirectPing",
          target: address(target.ip),
          port: 9000,
          node: "t",
          nack: false
        })
        yield* TestClock.adjust("100 millis")
        // the target listens at 7946 alone
        assert.deepStrictEqual(peer.all("Ack").map(({ seqNo }) => seqNo), protocolVersion === 1 ? [77] : [])
      })
    )
  }

  clusterTest(
    "1 to 5 make one cluster with one key",
    Effect.gen(function*() {
      const secretKey = Redacted.make(bytes("0123456789abcdef"))
      const first = yield* start("v1", "10.0.0.1", { config: { protocolVersion: 1, secretKey } })
      for (const protocolVersion of [2, 3, 4, 5]) {
        const node = yield* start(`v${protocolVersion}`, `10.0.0.${protocolVersion}`, {
          config: { protocolVersion, secretKey }
        })
        yield* joinAt(node, first.address)
      }
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual((yield* view(first)).length, 5)
      assert.strictEqual(yield* counted(first, "probe.failed"), 0)
    })
  )
})

describe("what a peer's newest protocol version switches", () => {
  for (const [max, crc] of [[4, false], [5, true]] as const) {
    clusterTest(
      `${max}: a message to it has ${crc ? "a" : "no"} checksum in front`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1")
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* introduce(peer, a, speaking(max))
        yield* TestClock.adjust("100 millis")
        peer.forget()
        yield* a.cluster.send({ name: "p" }, bytes("x"))
        yield* TestClock.adjust("10 millis")
        assert.deepStrictEqual(peer.datagrams.map(Checksum.isPresent).includes(true), crc)
      })
    )
  }

  for (const [max, asked] of [[3, false], [4, true]] as const) {
    clusterTest(
      `${max}: as a helper it is ${asked ? "" : "not "}asked for nacks`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1")
        const helper = yield* fakePeer("helper", "10.0.0.9")
        const silent = yield* fakePeer("silent", "10.0.0.8", { onMessage: "none" })
        yield* introduce(helper, a, speaking(max))
        yield* introduce(silent, a)
        yield* TestClock.adjust("4 seconds")
        const [request] = helper.all("IndirectPing")
        assert.deepStrictEqual([request?.node, request?.nack], ["silent", asked])
      })
    )
  }

  for (const [max, tried] of [[2, false], [3, true]] as const) {
    clusterTest(
      `${max}: when it is silent over UDP it ${tried ? "gets a" : "gets no"} ping over TCP`,
      Effect.gen(function*() {
        const net = yield* SimulatedNetwork
        const a = yield* start("a", "10.0.0.1")
        const silent = yield* fakePeer("silent", "10.0.0.8", { onMessage: "none" })
        yield* introduce(silent, a, speaking(max))
        yield* TestClock.adjust("1500 millis")
        assert.strictEqual((yield* net.traffic(a.ip)).streamsOpened, tried ? 1 : 0)
      })
    )
  }
})

describe("delegateProtocolVersion, delegateProtocolMin and delegateProtocolMax", () => {
  clusterTest(
    "are announced, and a cluster whose ranges do not meet is not joined",
    Effect.gen(function*() {
      const [a] = yield* startMany(2, {
        config: { delegateProtocolVersion: 3, delegateProtocolMin: 2, delegateProtocolMax: 4 }
      })
      assert.deepInclude({ ...(yield* a!.cluster.localMember).versions }, {
        delegateCurrent: 3,
        delegateMin: 2,
        delegateMax: 4
      })
      const old = yield* start("old", "10.0.0.9", { config: { delegateProtocolVersion: 1, delegateProtocolMax: 1 } })
      const error = yield* Effect.flip(passing(old.cluster.join([a!.address])))
      assert.match(error.message, /delegate protocol/)
      assert.strictEqual((yield* view(a!)).length, 2)
    })
  )
})

describe("packets of encryption version 0", () => {
  const key = bytes("0123456789abcdef")
  const secretKey = Redacted.make(key)
  const seal = { key, version: 0, nonce: new Uint8Array(12).fill(7) } as const
  const sealedPing = (ping: Message.Ping) => Encryption.encrypt(Message.encode(ping), seal, new Uint8Array())

  clusterTest(
    "are refused, and counted, unless a member speaks protocol version 1, which joins by stream",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { secretKey } })
      const b = yield* start("b", "10.0.0.2", { config: { secretKey } })
      yield* joinAt(b, a.address)
      const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none", inbound: { keys: [key] } })
      const answered = Effect.fnUntraced(function*(node: TestNode) {
        peer.forget()
        yield* peer.sendBytes(node, sealedPing(peer.ping(1)))
        yield* arrive
        return peer.all("Ack").length === 1
      })
      assert.isFalse(yield* answered(a))
      assert.strictEqual(yield* counted(a, "packet.rejected:FirstCipher"), 1)
      const c = yield* start("c", "10.0.0.3", { config: { secretKey, protocolVersion: 1 } })
      yield* joinAt(c, b.address)
      yield* TestClock.adjust("30 seconds")
      for (const node of [a, b, c]) {
        assert.deepStrictEqual(yield* view(node), ["a alive", "b alive", "c alive"])
        assert.deepStrictEqual(node.seen.filter((event) => /Suspected|Failed|Left/.test(event)), [])
        assert.isTrue(yield* answered(node))
      }
      yield* passing(c.stop)
      yield* TestClock.adjust("5 seconds")
      assert.isFalse(yield* answered(a))
      assert.isFalse(yield* answered(b))
    })
  )

  clusterTest(
    "are taken from a member that is wrongly believed dead, so that it can say so",
    Effect.gen(function*() {
      const [a, b, c] = (yield* Effect.forEach([2, 2, 1], (protocolVersion, i) =>
        start("abc".charAt(i), `10.0.0.${i + 1}`, {
          config: { secretKey, protocolVersion, pushPullInterval: 0 }
        }))) as [
          TestNode,
          TestNode,
          TestNode
        ]
      yield* joinAt(b, a.address)
      yield* joinAt(c, a.address)
      yield* TestClock.adjust("5 seconds")
      const peer = yield* fakePeer("p", "10.0.0.9")
      const { incarnation } = yield* c.cluster.localMember
      const obituary = Message.encode({ _tag: "Dead", incarnation, node: "c", from: "b" })
      yield* peer.sendBytes(a, Encryption.encrypt(obituary, { ...seal, version: 1 }, new Uint8Array()))
      yield* TestClock.adjust("10 seconds")
      assert.include(a.seen, "MemberFailed c")
      for (const node of [a, b, c]) {
        assert.deepStrictEqual(yield* view(node), ["a alive", "b alive", "c alive"])
      }
    })
  )
})
