import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { STRANGERS_PER_SECOND } from "../../../src/swim/probing/Requests.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import type * as Message from "../../../src/wire/message/Message.ts"
import { clusterTest, start, stateOf } from "../../support/Cluster.ts"
import { type FakePeer, fakePeer, introduce, mute } from "../../support/FakePeer.ts"

/** No traffic but what a test causes. */
const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0, enableCompression: false } as const

const soon = TestClock.adjust("50 millis")
const acked = (peer: FakePeer) => peer.all("Ack").map(({ seqNo }) => seqNo)

const indirect = (peer: FakePeer, seqNo: number, target: FakePeer): Message.IndirectPing => ({
  _tag: "IndirectPing",
  seqNo,
  target: target.alive().addr,
  port: target.port,
  node: target.name,
  nack: false,
  sourceAddr: peer.alive().addr,
  sourcePort: peer.port,
  sourceNode: peer.name
})

describe("requests", () => {
  clusterTest(
    "that waited longer than the probe timeout are not answered, while acks and claims that waited are read",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const a = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* network.pause("10.0.0.1")
      yield* peer.send(a, peer.ping(1), peer.alive())
      yield* TestClock.adjust("600 millis")
      yield* peer.send(a, peer.ping(2))
      yield* TestClock.adjust("100 millis")
      yield* network.resume("10.0.0.1")
      yield* soon
      assert.deepStrictEqual(acked(peer), [2])
      assert.strictEqual((yield* a.cluster.counters).get("packet.dropped:RequestTooLate"), 1)
      assert.strictEqual(yield* stateOf(a, "p"), "alive")
    })
  )

  clusterTest(
    "of strangers are answered up to a rate that they share, and members are answered whatever strangers do",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: quiet })
      const member = yield* fakePeer("p", "10.0.0.9")
      const stranger = yield* fakePeer("q", "10.0.0.8")
      yield* introduce(a, member)
      for (let second = 0; second < 3; second++) {
        for (let i = 0; i < 40; i++) {
          for (let n = 0; n < 100; n++) yield* stranger.send(a, stranger.ping(n))
          yield* member.send(a, member.ping(second * 100 + i))
          yield* TestClock.adjust("25 millis")
        }
      }
      yield* soon
      assert.strictEqual(acked(member).length, 120)
      assert.isAtMost(acked(stranger).length, 4 * STRANGERS_PER_SECOND)
      assert.isAtLeast(acked(stranger).length, 2 * STRANGERS_PER_SECOND)
      const dropped = (yield* a.cluster.counters).get("packet.dropped:TooManyStrangers") ?? 0
      assert.strictEqual(dropped + acked(stranger).length, 12_000)
    })
  )

  clusterTest(
    "of members that want their answers elsewhere count as those of strangers, so that nobody is flooded with our answers",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: quiet })
      const member = yield* fakePeer("p", "10.0.0.9")
      const flooded = yield* fakePeer("q", "10.0.0.8")
      yield* introduce(a, member)
      for (let i = 0; i < 20; i++) {
        for (let n = 0; n < 100; n++) yield* member.send(a, flooded.ping(n))
        yield* TestClock.adjust("10 millis")
      }
      yield* soon
      assert.isAtMost(acked(flooded).length, 500)
    })
  )

  clusterTest(
    "to ping somebody are served for a stranger so far only that members are served too",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: quiet })
      const member = yield* fakePeer("p", "10.0.0.9")
      const target = yield* fakePeer("t", "10.0.0.7", mute)
      const stranger = yield* fakePeer("q", "10.0.0.8")
      yield* introduce(a, member)
      const silent = { ...target, port: 1 }
      for (let n = 0; n < 150; n++) yield* stranger.send(a, indirect(stranger, n, silent))
      yield* soon
      assert.isAbove((yield* a.cluster.counters).get("packet.rejected:TooManyRelays") ?? 0, 10)
      yield* member.send(a, indirect(member, 7, target))
      yield* soon
      assert.deepStrictEqual(acked(member), [7])
    })
  )
})

describe("an accusation in the packet that pings", () => {
  clusterTest(
    "is answered on the ack",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* introduce(a, peer)
      for (let n = 0; n < 20; n++) yield* peer.send(a, peer.ping(n))
      yield* soon
      peer.forget()
      yield* peer.send(a, peer.ping(42), { _tag: "Suspect", node: "a", from: "p", incarnation: 1 })
      yield* soon
      const refutes = ({ message }: FakePeer["heard"][number]) => message._tag === "Alive" && message.incarnation === 2
      const ack = peer.heard.find(({ message }) => message._tag === "Ack")
      assert.isDefined(ack)
      assert.isTrue(peer.heard.some((heard) => refutes(heard) && heard.datagram === ack?.datagram))
    })
  )
})
