import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import * as Broadcasts from "../../../src/engine/sending/Broadcasts.ts"
import { Keyring } from "../../../src/Keyring.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Compound from "../../../src/wire/packet/Compound.ts"
import * as Packet from "../../../src/wire/packet/Packet.ts"
import { clusterTest, start, type TestNode } from "../../support/Cluster.ts"
import { type FakePeer, fakePeer } from "../../support/FakePeer.ts"
import { idle } from "../../support/Observations.ts"

const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0, enableCompression: false } as const
const bytes = (text: string) => new TextEncoder().encode(text)

/** Lets the node's own announcement ride on acks until it has gone out often enough. */
const drained = Effect.fnUntraced(function*(node: TestNode, peer: FakePeer) {
  // What was sent before has arrived before the first of these pings.
  yield* TestClock.adjust("20 millis")
  for (let i = 0; i < 20; i++) yield* peer.send(node, peer.ping(i))
  yield* TestClock.adjust("50 millis")
  peer.forget()
})

describe("gossip on a direct message", () => {
  clusterTest(
    "follows the ack in one compound",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* drained(node, peer)
      yield* peer.send(node, peer.alive({ node: "rand", incarnation: 10, addr: Uint8Array.of(127, 0, 0, 255) }))
      yield* TestClock.adjust("20 millis")
      yield* peer.send(node, peer.ping(42))
      yield* TestClock.adjust("20 millis")
      assert.strictEqual(peer.datagrams[0]?.[0], Message.MessageType.Compound)
      assert.deepStrictEqual(peer.heard.map(({ message }) => message._tag), ["Ack", "Alive"])
      const [alive] = peer.all("Alive")
      assert.deepStrictEqual([alive?.node, alive?.incarnation, alive?.addr], [
        "rand",
        10,
        Uint8Array.of(127, 0, 0, 255)
      ])
    })
  )

  clusterTest(
    "of many tiny broadcasts never makes more parts than a compound can count",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { ...quiet, udpBufferSize: 60_000 } })
      const peer = yield* fakePeer("p", "10.0.0.9")
      for (let i = 0; i < 600; i++) yield* node.cluster.broadcast(Uint8Array.of(i >> 8, i))
      const sizes: Array<number> = []
      for (let i = 0; i < 5; i++) {
        peer.forget()
        yield* peer.send(node, peer.ping(i))
        yield* TestClock.adjust("20 millis")
        assert.strictEqual(peer.all("Ack").length, 1)
        sizes.push(peer.heard.length)
      }
      assert.strictEqual(Math.max(...sizes), Compound.MAX_PARTS)
    })
  )

  clusterTest(
    "fits the packet size with label and encryption counted",
    Effect.gen(function*() {
      const key = bytes("0123456789abcdef")
      const keyring = yield* Effect.orDie(Keyring.make({ primary: key }))
      const label = "blue".repeat(20)
      const node = yield* start("a", "10.0.0.1", { config: { ...quiet, label, udpBufferSize: 500 }, keyring })
      const peer = yield* fakePeer("p", "10.0.0.9", {
        inbound: { label: bytes(label), keys: [key], verifyIncoming: true }
      })
      for (let i = 0; i < 60; i++) yield* node.cluster.broadcast(new Uint8Array(20).fill(i))
      const ping = Packet.encode(Message.encode(peer.ping(1)), {
        label: bytes(label),
        compress: false,
        crc: false,
        encryption: { key, version: 1, nonce: new Uint8Array(12) }
      })
      for (let i = 0; i < 4; i++) yield* peer.sendBytes(node, ping)
      yield* TestClock.adjust("50 millis")
      assert.strictEqual(peer.all("Ack").length, 4)
      const sizes = peer.datagrams.map(({ length }) => length)
      assert.isAtMost(Math.max(...sizes), 500)
      // Another broadcast would not have fitted.
      assert.isAbove(Math.max(...sizes), 500 - 23)
    })
  )
})

describe("a checksum", () => {
  clusterTest(
    "is put before gossip to members that speak version 5, and only there",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", {
        config: { ...quiet, gossipInterval: "100 millis", retransmitMult: 9 }
      })
      const current = yield* fakePeer("current", "10.0.0.8")
      const old = yield* fakePeer("old", "10.0.0.9")
      yield* current.send(node, current.alive())
      yield* old.send(node, old.alive({ vsn: Uint8Array.of(1, 4, 2, 0, 0, 0) }))
      yield* TestClock.adjust("3 seconds")
      assert.isAbove(current.datagrams.length, 0)
      assert.isAbove(old.datagrams.length, 0)
      assert.isTrue(current.datagrams.every(([type]) => type === Message.MessageType.HasCrc))
      assert.isTrue(old.datagrams.every(([type]) => type !== Message.MessageType.HasCrc))
    })
  )

  clusterTest(
    "is put before a message to such a member, but not before acks",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(node, peer.alive())
      yield* drained(node, peer)
      yield* node.cluster.send({ name: "p" }, Uint8Array.of(3, 3, 3))
      yield* peer.send(node, peer.ping(1))
      yield* TestClock.adjust("20 millis")
      assert.sameMembers(peer.datagrams.map(([type]) => type), [Message.MessageType.Ack, Message.MessageType.HasCrc])
      // Type byte and payload, behind five bytes of checksum.
      assert.include(peer.datagrams.map(({ length }) => length), 9)
    })
  )
})

describe("a message that cannot be encoded", () => {
  it.effect("leaves nothing behind in what this node or another node in the process sends next", () =>
    Effect.gen(function*() {
      const [a, b] = yield* Effect.all([idle("a"), idle("b")])
      assert.notStrictEqual(a.writer, b.writer)
      const claim: Message.Suspect = { _tag: "Suspect", incarnation: 1, node: "x", from: "y" }
      const bad: Message.Suspect = Object.defineProperty({ ...claim }, "node", {
        get: () => {
          throw new Error("not today")
        }
      })
      for (const node of [b, a]) {
        assert.throws(() => Broadcasts.queueClaims(a, [{ key: "x", claim: bad }], undefined))
        Broadcasts.queueClaims(node, [{ key: "x", claim }], undefined)
        assert.deepStrictEqual(yield* Broadcasts.draw(node, { ip: "10.0.0.9", port: 7946 }, 1000), [
          Message.encode(claim)
        ])
      }
    }))
})
