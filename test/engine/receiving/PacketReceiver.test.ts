import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Checksum from "../../../src/wire/packet/Checksum.ts"
import * as Compound from "../../../src/wire/packet/Compound.ts"
import * as Packet from "../../../src/wire/packet/Packet.ts"
import { clusterTest, start, view } from "../../support/Cluster.ts"
import { fakePeer } from "../../support/FakePeer.ts"

/** No traffic but what a test causes. */
const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0, enableCompression: false } as const

const soon = TestClock.adjust("50 millis")
const text = (payload: Uint8Array | null | undefined) => new TextDecoder().decode(payload ?? new Uint8Array())

describe("a ping", () => {
  clusterTest(
    "is answered with an ack of its number and nothing else, byte for byte",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(node, peer.ping(42))
      yield* soon
      // The node's own announcement is still to be gossiped, and rides along.
      assert.deepStrictEqual(peer.heard.map(({ message }) => message._tag), ["Ack", "Alive"])
      yield* TestClock.adjust("1 second")
      for (let i = 0; i < 10; i++) yield* peer.send(node, peer.ping(43))
      yield* soon
      peer.forget()
      yield* peer.send(node, peer.ping(42))
      yield* soon
      // 02: an ack; then the map { Payload: nil, SeqNo: 42 }.
      assert.deepStrictEqual(
        peer.datagrams.map((bytes) => Buffer.from(bytes).toString("hex")),
        [`0282a7${Buffer.from("Payload").toString("hex")}c0a5${Buffer.from("SeqNo").toString("hex")}2a`]
      )
    })
  )

  clusterTest(
    "goes to the address it names, else to where it came from",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const other = yield* fakePeer("o", "10.0.0.8")
      yield* peer.send(node, { ...other.ping(1) })
      yield* peer.send(node, { ...peer.ping(2), sourceAddr: new Uint8Array(), sourcePort: 0, sourceNode: "" })
      yield* soon
      assert.deepStrictEqual(other.all("Ack").map(({ seqNo }) => seqNo), [1])
      assert.deepStrictEqual(peer.all("Ack").map(({ seqNo }) => seqNo), [2])
    })
  )

  clusterTest(
    "for another name is not answered, and counted",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(node, peer.ping(1, "a-bad"))
      yield* soon
      assert.strictEqual(peer.heard.length, 0)
      assert.strictEqual((yield* node.cluster.counters).get("packet.rejected:PingForAnother"), 1)
      yield* peer.send(node, peer.ping(2, "a"))
      yield* soon
      assert.deepStrictEqual(peer.all("Ack").map(({ seqNo }) => seqNo), [2])
    })
  )

  clusterTest(
    "is answered twice at most for each packet, each in a packet of its own, and what is more is counted",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(node, peer.ping(42), peer.ping(42), peer.ping(42))
      yield* soon
      assert.deepStrictEqual(peer.all("Ack").map(({ seqNo }) => seqNo), [42, 42])
      assert.strictEqual(peer.datagrams.length, 2)
      assert.strictEqual((yield* node.cluster.counters).get("packet.rejected:TooManyRequests"), 1)
    })
  )

  clusterTest(
    "is understood compressed, under a checksum, with label and key, and so is its answer",
    Effect.gen(function*() {
      const key = new TextEncoder().encode("0123456789abcdef")
      const label = new TextEncoder().encode("blue")
      const node = yield* start("a", "10.0.0.1", { config: { ...quiet, label: "blue", secretKey: Redacted.make(key) } })
      const peer = yield* fakePeer("p", "10.0.0.9", { inbound: { label, keys: [key], verifyIncoming: true } })
      const datagram = Packet.encode(Message.encode({ ...peer.ping(7), node: "a" }), {
        label,
        compress: true,
        crc: true,
        encryption: { key, version: 1, nonce: new Uint8Array(12) }
      })
      yield* peer.sendBytes(node, datagram)
      yield* soon
      assert.deepStrictEqual(peer.all("Ack").map(({ seqNo }) => seqNo), [7])
      yield* peer.send(node, peer.ping(8))
      yield* soon
      assert.deepStrictEqual(peer.all("Ack").map(({ seqNo }) => seqNo), [7])
      assert.strictEqual((yield* node.cluster.counters).get("packet.rejected:LabelMismatch"), 1)
    })
  )
})

describe("a packet", () => {
  clusterTest(
    "without a byte, or with a corrupt checksum, has no effect but a count",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.sendBytes(node, new Uint8Array())
      const good = Checksum.add(Message.encode(peer.ping(1)))
      const bad = good.slice()
      bad[1] = (bad[1] ?? 0) ^ 1
      yield* peer.sendBytes(node, bad)
      yield* soon
      assert.strictEqual(peer.heard.length, 0)
      const counters = yield* node.cluster.counters
      assert.strictEqual(counters.get("packet.rejected:Empty"), 1)
      assert.strictEqual(counters.get("packet.rejected:ChecksumMismatch"), 1)
      yield* peer.sendBytes(node, good)
      yield* soon
      assert.strictEqual(peer.all("Ack").length, 1)
    })
  )

  clusterTest(
    "of random bytes never stops the node",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      let seed = 1
      for (let i = 0; i < 500; i++) {
        const bytes = Uint8Array.from({ length: i % 60 }, () => (seed = (seed * 48_271) % 0x7fff_ffff) & 0xff)
        yield* peer.sendBytes(node, bytes)
      }
      yield* soon
      yield* peer.send(node, peer.ping(9, "a"))
      yield* soon
      assert.include(peer.all("Ack").map(({ seqNo }) => seqNo), 9)
      assert.isUndefined((yield* node.cluster.counters).get("fiber.restarted:packet receiver"))
    })
  )

  clusterTest(
    "whose compound is cut short is used as far as it goes",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const whole = Compound.make([1, 2, 3].map((seqNo) => Message.encode(peer.ping(seqNo))))
      yield* peer.sendBytes(node, whole.subarray(0, whole.length - 3))
      yield* soon
      assert.sameMembers(peer.all("Ack").map(({ seqNo }) => seqNo), [1, 2])
      assert.strictEqual((yield* node.cluster.counters).get("packet.rejected:Truncated"), 1)
    })
  )
})

describe("an alive message", () => {
  clusterTest(
    "makes its node a member, and port 0 stands for our own",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(node, peer.alive({ port: 0 }))
      yield* soon
      const member = yield* node.cluster.member("p")
      assert.strictEqual(member._tag === "Some" ? member.value.address : undefined, "10.0.0.9:7946")
    })
  )

  for (
    const [what, more, reason] of [
      ["of incarnation 0", { incarnation: 0 }, "IncarnationZero"],
      ["without versions", { vsn: new Uint8Array() }, "VersionsMissing"],
      ["with versions of nothing", { vsn: new Uint8Array(6) }, "VersionsInvalid"],
      ["with an address of 5 bytes", { addr: new Uint8Array(5) }, "AddressInvalid"],
      ["without an address", { addr: new Uint8Array() }, "AddressInvalid"],
      ["with 513 bytes of metadata", { meta: new Uint8Array(513) }, "MetaTooLong"]
    ] as const
  ) {
    clusterTest(
      `${what} adds nobody, and is counted`,
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* peer.send(node, peer.alive(more))
        yield* soon
        assert.deepStrictEqual(yield* view(node), ["a alive"])
        assert.strictEqual((yield* node.cluster.member("p"))._tag, "None")
        assert.strictEqual((yield* node.cluster.counters).get(`claim.ignored:${reason}`), 1)
      })
    )
  }
})

describe("user messages", () => {
  clusterTest(
    "are delivered in the order they arrived, the empty one too",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const user = (payload: string): Message.User => ({ _tag: "User", payload: new TextEncoder().encode(payload) })
      yield* peer.send(node, user("1"), user("2"), user(""), user("3"))
      yield* soon
      assert.deepStrictEqual(node.messages.map(({ payload }) => text(payload)), ["1", "2", "", "3"])
    })
  )

  clusterTest(
    "beyond the queue's depth are dropped and counted, and pings are still answered",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { ...quiet, handoffQueueDepth: 10 } })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const user: Message.User = { _tag: "User", payload: Uint8Array.of(1) }
      yield* peer.send(node, ...Array.from({ length: 25 }, () => user), peer.ping(5))
      yield* soon
      assert.strictEqual(node.messages.length, 10)
      assert.strictEqual((yield* node.cluster.counters).get("packet.dropped:QueueFull"), 15)
      assert.deepStrictEqual(peer.all("Ack").map(({ seqNo }) => seqNo), [5])
    })
  )
})
