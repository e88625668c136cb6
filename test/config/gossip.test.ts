import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, passing, start, startMany, stateOf, view } from "../support/Cluster.ts"
import { type FakePeer, fakePeer } from "../support/FakePeer.ts"
import { address, arrive, bytes, counted, introduce, text } from "../support/Fields.ts"

type Config = Parameters<typeof MemberlistConfig.layer>[0]

/** A quiet node, that only gossips, with members that listen. */
const gossiping = Effect.fnUntraced(function*(members: number, config: Config) {
  const a = yield* start("a", "10.0.0.1", { config: { probeInterval: 0, pushPullInterval: 0, ...config } })
  const peers: Array<FakePeer> = []
  for (let i = 0; i < members; i++) {
    const peer = yield* fakePeer(`p${i}`, `10.0.0.${20 + i}`, { onStream: () => Effect.void })
    yield* introduce(peer, a)
    peers.push(peer)
  }
  yield* TestClock.adjust("10 seconds")
  for (const peer of peers) peer.forget()
  return { a, peers }
})

const heard = (peers: ReadonlyArray<FakePeer>) =>
  peers.flatMap((peer) => peer.all("User").map(({ payload }) => text(payload)))

describe("gossipInterval", () => {
  for (const gossipInterval of [100, 500]) {
    clusterTest(
      `of ${gossipInterval} ms lies between two rounds of gossip`,
      Effect.gen(function*() {
        const { a, peers } = yield* gossiping(1, { gossipInterval, retransmitMult: 3 })
        yield* a.cluster.broadcast(bytes("news"))
        yield* TestClock.adjust("5 seconds")
        const times = peers[0]!.heard.filter(({ message }) => message._tag === "User").map(({ at }) => at)
        assert.strictEqual(times.length, 3)
        // arrivals are late by up to 5 ms
        assert.approximately((times[2] ?? 0) - (times[0] ?? 0), 2 * gossipInterval, 10)
      })
    )
  }

  clusterTest(
    "0 sends no gossip by itself; news rides on acks",
    Effect.gen(function*() {
      const { a, peers } = yield* gossiping(2, { gossipInterval: 0 })
      yield* a.cluster.broadcast(bytes("news"))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(heard(peers), [])
      yield* peers[0]!.send(a, peers[0]!.ping(1))
      yield* TestClock.adjust("100 millis")
      assert.deepStrictEqual(heard(peers), ["news"])
    })
  )
})

describe("gossipNodes", () => {
  for (const gossipNodes of [0, 1, 2]) {
    clusterTest(
      `${gossipNodes} is how many members one round reaches`,
      Effect.gen(function*() {
        const { a, peers } = yield* gossiping(4, { gossipNodes, gossipInterval: "1 second" })
        yield* a.cluster.broadcast(bytes("news"))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(heard(peers).length, gossipNodes)
      })
    )
  }
})

describe("retransmitMult", () => {
  for (const retransmitMult of [1, 4]) {
    clusterTest(
      `${retransmitMult} is how often a message is sent in a cluster of less than ten`,
      Effect.gen(function*() {
        const { a, peers } = yield* gossiping(3, { retransmitMult })
        yield* a.cluster.broadcast(bytes("news"))
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(heard(peers).length, retransmitMult)
      })
    )
  }
})

describe("gossipToTheDeadTime", () => {
  for (const gossipToTheDeadTime of [2000, 20_000]) {
    clusterTest(
      `of ${gossipToTheDeadTime} ms is how long a dead member hears news and is remembered`,
      Effect.gen(function*() {
        const { a, peers } = yield* gossiping(1, { gossipToTheDeadTime })
        const [peer] = peers
        yield* peer!.send(a, { _tag: "Dead", node: "p0", incarnation: 1, from: "w" })
        yield* TestClock.adjust("5 seconds")
        peer!.forget()
        yield* a.cluster.broadcast(bytes("news"))
        yield* TestClock.adjust("5 seconds")
        const hears = gossipToTheDeadTime > 10_000
        assert.strictEqual(heard(peers).length > 0, hears)
        assert.strictEqual((yield* stateOf(a, "p0")) === "dead", hears)
      })
    )
  }
})

describe("pushPullInterval", () => {
  for (const [pushPullInterval, exchanges] of [[0, 0], [5000, 11]] as const) {
    clusterTest(
      `of ${pushPullInterval} ms ${exchanges === 0 ? "exchanges nothing" : "exchanges the state that often"}`,
      Effect.gen(function*() {
        const { a } = yield* gossiping(1, { pushPullInterval })
        const before = yield* counted(a, "tcp.connect")
        yield* TestClock.adjust("55 seconds")
        assert.approximately((yield* counted(a, "tcp.connect")) - before, exchanges, exchanges === 0 ? 0 : 1)
      })
    )
  }

  clusterTest(
    "0 leaves joins as they are",
    Effect.gen(function*() {
      const nodes = yield* startMany(3, { config: { pushPullInterval: 0, probeInterval: 0, gossipInterval: 0 } })
      assert.deepStrictEqual(yield* view(nodes[0]!), ["a alive", "b alive", "c alive"])
    })
  )
})

describe("udpBufferSize", () => {
  for (const udpBufferSize of [600, 1400]) {
    clusterTest(
      `${udpBufferSize} bytes bound what is packed into one packet and what may be sent in one`,
      Effect.gen(function*() {
        const { a, peers } = yield* gossiping(1, { udpBufferSize, enableCompression: false })
        for (let i = 0; i < 40; i++) yield* a.cluster.broadcast(new Uint8Array(100).fill(i))
        yield* TestClock.adjust("20 seconds")
        const sizes = peers[0]!.datagrams.map(({ length }) => length)
        assert.isAtMost(Math.max(...sizes), udpBufferSize)
        assert.isAtLeast(Math.max(...sizes), udpBufferSize - 110)
        const error = yield* Effect.flip(a.cluster.send({ name: "p0" }, new Uint8Array(udpBufferSize + 1)))
        assert.strictEqual(error._tag, "MessageTooLarge")
      })
    )
  }

  clusterTest(
    "may be above what UDP carries with a transport that has no such limit",
    Effect.gen(function*() {
      const sent: Array<number> = []
      const a = yield* start("a", "10.0.0.1", {
        config: { udpBufferSize: 200_000, enableCompression: false },
        transport: (inner) => ({
          ...inner,
          send: (_, { length }) => Effect.sync(() => void sent.push(length))
        })
      })
      yield* a.cluster.send({ address: "10.0.0.9:7946" }, new Uint8Array(150_000))
      assert.isAbove(Math.max(...sent), 150_000)
      // what rides on gossip shares its packet, in which a length has two bytes
      yield* a.cluster.broadcast(new Uint8Array(65_534))
      const error = yield* Effect.flip(a.cluster.broadcast(new Uint8Array(65_535)))
      assert.deepInclude(error, { _tag: "MessageTooLarge", limit: 65_534 })
    })
  )
})

describe("handoffQueueDepth", () => {
  for (const handoffQueueDepth of [2, 64]) {
    clusterTest(
      `${handoffQueueDepth} is how many messages wait while a hook is slow; further ones are dropped and counted`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", {
          config: { handoffQueueDepth },
          delegate: { admit: ({ name }) => name === "slow" ? Effect.sleep("1 second") : Effect.void }
        })
        const peer = yield* fakePeer("p", "10.0.0.9")
        yield* peer.send(a, peer.alive({ node: "slow", addr: address("10.0.0.8") }))
        yield* arrive
        for (let i = 0; i < 10; i++) yield* peer.send(a, { _tag: "User", payload: bytes(String(i)) })
        for (let i = 0; i < 5; i++) yield* peer.send(a, peer.alive({ node: `n${i}`, addr: address(`10.0.1.${i}`) }))
        yield* TestClock.adjust("50 millis")
        const dropped = handoffQueueDepth === 2 ? [8, 3] : [0, 0]
        assert.strictEqual(yield* counted(a, "packet.dropped:QueueFull"), dropped[0])
        assert.strictEqual(yield* counted(a, "packet.dropped:AliveQueueFull"), dropped[1])
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(a.messages.length, 10 - (dropped[0] ?? 0))
      })
    )
  }
})

describe("handoffQueueDepth, while a message of a burst is being served,", () => {
  clusterTest(
    "still counts the rest of the burst, which waits as well",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", {
        config: { handoffQueueDepth: 4 },
        delegate: { admit: ({ name }) => name === "slow" ? Effect.sleep("1 second") : Effect.void }
      })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const alive = (node: string) => peer.alive({ node, addr: address("10.0.0.8") })
      yield* peer.send(a, alive("slow"), alive("x"), alive("y"), alive("z"))
      yield* arrive
      yield* peer.send(a, ...["k", "l", "m", "n"].map(alive))
      yield* TestClock.adjust("50 millis")
      assert.strictEqual(yield* counted(a, "packet.dropped:AliveQueueFull"), 3)
    })
  )
})

describe("deadNodeReclaimTime", () => {
  /** A member that died, whose name comes back at another address after `after` milliseconds. */
  const comesBack = Effect.fnUntraced(function*(config: Config, after: number) {
    const { a, peers } = yield* gossiping(1, { gossipToTheDeadTime: "60 seconds", ...config })
    const [peer] = peers
    yield* peer!.send(a, { _tag: "Dead", node: "p0", incarnation: 1, from: "w" })
    yield* TestClock.adjust(after)
    yield* peer!.send(a, peer!.alive({ incarnation: 2, addr: address("10.0.0.99") }))
    yield* TestClock.adjust("100 millis")
    return { state: yield* stateOf(a, "p0"), conflicts: yield* counted(a, "claim.ignored:AddressConflict") }
  })

  clusterTest(
    "0 gives a dead member's name away at once",
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* comesBack({ deadNodeReclaimTime: 0 }, 100), { state: "alive", conflicts: 0 })
    })
  )
  clusterTest(
    "0 keeps a dead member's name for its old address while it is remembered, without recovery",
    Effect.gen(function*() {
      const config = { deadNodeReclaimTime: 0, recovery: false }
      assert.deepStrictEqual(yield* comesBack(config, 20_000), { state: "dead", conflicts: 1 })
    })
  )
  clusterTest(
    "of 10 s keeps it that long",
    Effect.gen(function*() {
      const config = { deadNodeReclaimTime: "10 seconds" } as const
      assert.deepStrictEqual(yield* comesBack(config, 5000), { state: "dead", conflicts: 1 })
    })
  )
  clusterTest(
    "of 10 s gives it away after that",
    Effect.gen(function*() {
      const config = { deadNodeReclaimTime: "10 seconds" } as const
      assert.deepStrictEqual(yield* comesBack(config, 11_000), { state: "alive", conflicts: 0 })
    })
  )
})

describe("all three intervals 0", () => {
  clusterTest(
    "make a node that says nothing by itself, and answers what it is asked",
    Effect.gen(function*() {
      const net = yield* SimulatedNetwork
      const config = { probeInterval: 0, gossipInterval: 0, pushPullInterval: 0, queueCheckInterval: 0 }
      const a = yield* start("a", "10.0.0.1", { config })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* introduce(peer, a)
      yield* TestClock.adjust("5 minutes")
      assert.deepInclude(yield* net.traffic(a.ip), { packetsSent: 0, streamsOpened: 0 })
      yield* peer.send(a, peer.ping(1))
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(peer.all("Ack").length, 1)
      yield* passing(a.cluster.ping({ name: "p" }))
    })
  )
})
