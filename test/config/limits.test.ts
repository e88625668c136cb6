import { assert, describe } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import * as Compression from "../../src/wire/Compression.ts"
import * as Message from "../../src/wire/message/Message.ts"
import { clusterTest, joinAt, passing, start, startMany, view } from "../support/Cluster.ts"
import { fakePeer } from "../support/FakePeer.ts"
import { address, bytes, counted, introduce, text } from "../support/Fields.ts"

describe("meta", () => {
  clusterTest(
    "is what the node starts with, and what the others are told",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { meta: bytes("zone=b") } })
      const b = yield* start("b", "10.0.0.2")
      yield* joinAt(b, a.address)
      const told = (yield* b.cluster.members).find(({ name }) => name === "a")
      assert.strictEqual(text(told?.meta ?? new Uint8Array()), "zone=b")
    })
  )
})

describe("leaveTimeout", () => {
  for (const [leaveTimeout, waited] of [[0, 0], [1000, 1000]] as const) {
    clusterTest(
      `of ${leaveTimeout} ms is how long a goodbye may take that nobody lets through`,
      Effect.gen(function*() {
        const [a] = yield* startMany(2, {
          // no gossip, no probes: the goodbye is never sent often enough
          config: { leaveTimeout, gossipInterval: 0, probeInterval: 0 }
        })
        const [took] = yield* passing(Effect.timed(a!.cluster.leave()))
        assert.approximately(Duration.toMillis(took), waited, 100)
      })
    )
  }
})

describe("maxDecompressedPacket", () => {
  for (const maxDecompressedPacket of [65_536, 262_144]) {
    clusterTest(
      `${maxDecompressedPacket} is how many bytes a packet may decompress to`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: { maxDecompressedPacket } })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const message = Message.encode({ _tag: "User", payload: new Uint8Array(100_000) })
        yield* peer.sendBytes(a, Compression.wrap(message))
        yield* TestClock.adjust("50 millis")
        assert.deepStrictEqual(
          a.messages.map(({ payload }) => payload.length),
          maxDecompressedPacket > 100_000 ? [100_000] : []
        )
        assert.strictEqual(yield* counted(a, "packet.rejected:TooLarge"), maxDecompressedPacket > 100_000 ? 0 : 1)
      })
    )
  }
})

/** Members that become known all at once. */
const flood = (n: number) => Array.from({ length: n }, (_, i) => ({ node: `n${i}`, addr: address(`10.0.1.${i}`) }))

describe("eventBuffer", () => {
  for (const eventBuffer of [2, 64]) {
    clusterTest(
      `${eventBuffer} is how many events a subscriber may be behind`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: { eventBuffer } })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const missed: Array<number> = []
        yield* a.cluster.events.pipe(
          Stream.runForEach((event) => Effect.as(Effect.sleep("1 second"), void missed.push(event.missed))),
          Effect.forkScoped({ startImmediately: true })
        )
        for (const more of flood(10)) yield* peer.send(a, peer.alive(more))
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(missed.some((n) => n > 0), eventBuffer === 2)
        assert.strictEqual((yield* counted(a, "event.lost")) > 0, eventBuffer === 2)
      })
    )
  }
})

describe("messageBuffer", () => {
  for (const messageBuffer of [2, 64]) {
    clusterTest(
      `${messageBuffer} is how many messages a subscriber may be behind`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: { messageBuffer } })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const read: Array<string> = []
        yield* a.cluster.messages.pipe(
          Stream.runForEach(({ payload }) => Effect.as(Effect.sleep("1 second"), void read.push(text(payload)))),
          Effect.forkScoped({ startImmediately: true })
        )
        for (let i = 0; i < 10; i++) yield* peer.send(a, { _tag: "User", payload: bytes(String(i)) })
        yield* TestClock.adjust("30 seconds")
        // the newest is kept, whatever was lost before it
        const arrived = a.messages.map(({ payload }) => text(payload))
        assert.strictEqual(read.at(-1), arrived.at(-1))
        assert.strictEqual(read.length === 10, messageBuffer === 64)
      })
    )
  }
})

describe("maxMembers", () => {
  for (const [maxMembers, size] of [[4, 4], [64, 11]] as const) {
    clusterTest(
      `${maxMembers} bounds the table, ourselves included`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: { maxMembers, probeInterval: 0 } })
        const peer = yield* fakePeer("p", "10.0.0.9")
        for (const more of flood(10)) yield* peer.send(a, peer.alive(more))
        yield* TestClock.adjust("100 millis")
        assert.strictEqual((yield* view(a)).length, size)
        assert.strictEqual(yield* counted(a, "claim.ignored:TableFull"), 11 - size)
      })
    )
  }
})

describe("maxPushPulls", () => {
  for (const maxPushPulls of [1, 127]) {
    clusterTest(
      `${maxPushPulls} is how many state exchanges peers may have open`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", {
          config: { maxPushPulls },
          delegate: { merge: () => Effect.sleep("2 seconds") }
        })
        const b = yield* start("b", "10.0.0.2")
        const c = yield* start("c", "10.0.0.3")
        const joins = Effect.forEach([b, c], (node) => Effect.result(node.cluster.join([a.address])), {
          concurrency: 2
        })
        const outcomes = (yield* passing(joins)).map(({ _tag }) => _tag).sort()
        assert.deepStrictEqual(outcomes, maxPushPulls === 1 ? ["Failure", "Success"] : ["Success", "Success"])
        assert.strictEqual(yield* counted(a, "stream.rejected:TooManyPushPulls"), maxPushPulls === 1 ? 1 : 0)
      })
    )
  }
})

describe("joinConcurrency", () => {
  for (const [joinConcurrency, rounds] of [[1, 4], [4, 1]] as const) {
    clusterTest(
      `${joinConcurrency} is how many of four silent seeds are tried at one time`,
      Effect.gen(function*() {
        const net = yield* SimulatedNetwork
        const a = yield* start("a", "10.0.0.1", { config: { joinConcurrency, tcpTimeout: "1 second" } })
        const seeds = ["10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"]
        for (const seed of seeds) yield* net.crash(seed)
        const [took] = yield* passing(Effect.timed(Effect.flip(a.cluster.join(seeds))))
        assert.approximately(Duration.toMillis(took), rounds * 1000, 100 * rounds)
      })
    )
  }
})

describe("a member's own limits", () => {
  clusterTest(
    "do not show to a cluster that stays within them",
    Effect.gen(function*() {
      const nodes = yield* startMany(3, {
        config: { maxMembers: 3, maxPushPulls: 1, joinConcurrency: 1, eventBuffer: 8, handoffQueueDepth: 8 }
      })
      yield* introduce(yield* fakePeer("fourth", "10.0.0.9"), nodes[0]!)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* view(nodes[0]!), ["a alive", "b alive", "c alive"])
    })
  )
})
