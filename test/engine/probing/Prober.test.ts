import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { TransportError } from "../../../src/MemberlistError.ts"
import type { PacketMessage } from "../../../src/wire/message/Message.ts"
import { clusterTest, start, stateOf, type TestNode } from "../../support/Cluster.ts"
import { type FakePeer, fakePeer, type FakePeerOptions, introduce, mute, nacking, VSN } from "../../support/FakePeer.ts"

/** Only probes, and no TCP pings. */
const probing = {
  gossipInterval: 0,
  pushPullInterval: 0,
  disableTcpPings: true,
  probeInterval: "1 second",
  probeTimeout: "100 millis",
  leaveTimeout: 0
} as const

/** Understands neither nacks nor TCP pings. */
const OLD_VSN = Uint8Array.of(1, 2, 2, 0, 0, 0)

/** The node's health right after its first probe of `dead` failed, before another probe can change it again. */
const healthAfterFailure = Effect.fnUntraced(function*(node: TestNode, dead: FakePeer) {
  while (dead.all("Ping").length === 0) yield* TestClock.adjust("10 millis")
  yield* TestClock.adjust("900 millis")
  for (let i = 0; i < 200 && (yield* stateOf(node, "dead")) === "alive"; i++) yield* TestClock.adjust("1 millis")
  assert.strictEqual(yield* stateOf(node, "dead"), "suspect")
  return yield* node.cluster.health
})

describe("a probe", () => {
  clusterTest(
    "pings one member an interval at most, under the next number, and leaves it alone when it answers",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: probing })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* introduce(node, peer)
      yield* TestClock.adjust("10 seconds")
      const pings = peer.all("Ping")
      const times = peer.heard.flatMap(({ at, message }) => message._tag === "Ping" ? [at] : [])
      // A tick that finds only ourselves before the end of the round is given up, as in the reference.
      assert.isAtLeast(pings.length, 5)
      assert.isTrue(times.every((at, i) => i === 0 || at - (times[i - 1] ?? 0) > 990))
      assert.deepStrictEqual(pings.map(({ node }) => node), pings.map(() => "p"))
      const [first] = pings
      assert.deepStrictEqual(
        pings.map(({ seqNo }) => (seqNo - (first?.seqNo ?? 0)) >>> 0),
        pings.map((_, i) => i)
      )
      assert.strictEqual(first?.sourceNode, "a")
      assert.deepStrictEqual(first?.sourceAddr, Uint8Array.of(10, 0, 0, 1))
      assert.strictEqual(first?.sourcePort, 7946)
      assert.strictEqual(yield* stateOf(node, "p"), "alive")
      assert.isUndefined((yield* node.cluster.counters).get("probe.failed"))
    })
  )

  clusterTest(
    "that starts at another number in another node: acks cannot be guessed",
    Effect.gen(function*() {
      const numbers = new Set<number>()
      for (let i = 1; i <= 3; i++) {
        const node = yield* start(`n${i}`, `10.0.0.${i}`, { config: probing })
        const peer = yield* fakePeer(`p${i}`, `10.0.1.${i}`)
        yield* introduce(node, peer)
        yield* TestClock.adjust("2 seconds")
        numbers.add(peer.all("Ping")[0]?.seqNo ?? 0)
      }
      assert.strictEqual(numbers.size, 3)
      assert.isTrue([...numbers].some((number) => number > 1_000_000))
    })
  )

  clusterTest(
    "that nobody answers asks the others to ping for it, then suspects the member",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: probing })
      const helpers = [yield* fakePeer("b", "10.0.0.2", nacking), yield* fakePeer("c", "10.0.0.3", nacking)]
      const dead = yield* fakePeer("dead", "10.0.0.9", { onMessage: "none" })
      yield* introduce(node, ...helpers, dead)
      yield* healthAfterFailure(node, dead)
      const pinged = dead.all("Ping")[0]
      for (const peer of helpers) {
        const [request] = peer.all("IndirectPing")
        assert.strictEqual(request?.node, "dead")
        assert.strictEqual(request?.seqNo, pinged?.seqNo)
        assert.deepStrictEqual(request?.target, Uint8Array.of(10, 0, 0, 9))
        assert.strictEqual(request?.port, 7946)
        assert.isTrue(request?.nack)
        assert.deepStrictEqual(request?.sourceAddr, Uint8Array.of(10, 0, 0, 1))
      }
      assert.strictEqual((yield* node.cluster.counters).get("probe.failed"), 1)
    })
  )

  clusterTest(
    "that fails accuses nobody who took the name elsewhere meanwhile, at a lower incarnation",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: probing })
      const old = yield* fakePeer("x", "10.0.0.9", { onMessage: "none" })
      const next = yield* fakePeer("x", "10.0.0.10")
      yield* old.send(node, old.alive({ incarnation: 5 }))
      while (old.all("Ping").length === 0) yield* TestClock.adjust("10 millis")
      yield* next.send(node, { _tag: "Dead", incarnation: 5, node: "x", from: "somebody" })
      yield* TestClock.adjust("10 millis")
      yield* next.send(node, next.alive())
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(yield* stateOf(node, "x"), "alive")
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual((yield* node.cluster.counters).get("probe.failed"), 1)
      assert.deepStrictEqual(node.seen.filter((event) => event.startsWith("MemberSuspected")), [])
      assert.strictEqual(yield* stateOf(node, "x"), "alive")
    })
  )

  clusterTest(
    "is over well when a helper got through, or when the member's own ack comes late",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: probing })
      const relaying = yield* fakePeer("b", "10.0.0.2", {
        onMessage: (peer, message, from) =>
          message._tag === "Ping" || message._tag === "IndirectPing"
            ? peer.send(from, { _tag: "Ack", seqNo: message.seqNo, payload: null })
            : Effect.void
      })
      const silent = yield* fakePeer("silent", "10.0.0.8", { onMessage: "none" })
      const slow = yield* fakePeer("slow", "10.0.0.9", {
        onMessage: (peer, message, from) =>
          message._tag === "Ping"
            ? Effect.forkDetach(
              Effect.delay(peer.send(from, { _tag: "Ack", seqNo: message.seqNo, payload: null }), "600 millis")
            )
            : Effect.void
      })
      yield* introduce(node, relaying, silent)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* stateOf(node, "silent"), "alive")
      yield* introduce(node, slow)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* stateOf(node, "slow"), "alive")
      assert.strictEqual(yield* node.cluster.health, 0)
    })
  )

  clusterTest(
    "leaves late nacks and acks behind, which are counted as late, and not as refused",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: probing })
      const late = (message: PacketMessage) => (peer: FakePeer, to: { readonly ip: string }) =>
        Effect.asVoid(Effect.forkDetach(Effect.delay(peer.send(to, message), "3 seconds")))
      const helper = yield* fakePeer("b", "10.0.0.2", {
        onMessage: (peer, message, from) =>
          message._tag === "Ping"
            ? peer.send(from, { _tag: "Ack", seqNo: message.seqNo, payload: null })
            : message._tag === "IndirectPing"
            ? late({ _tag: "Nack", seqNo: message.seqNo })(peer, from)
            : Effect.void
      })
      const slow = yield* fakePeer("slow", "10.0.0.9", {
        onMessage: (peer, message, from) =>
          message._tag === "Ping"
            ? late({ _tag: "Ack", seqNo: message.seqNo, payload: null })(peer, from)
            : Effect.void
      })
      yield* introduce(node, helper, slow)
      yield* TestClock.adjust("10 seconds")
      const counters = yield* node.cluster.counters
      assert.isAtLeast(counters.get("packet.late:nack") ?? 0, 1)
      assert.isAtLeast(counters.get("packet.late:ack") ?? 0, 1)
      assert.deepStrictEqual([...counters.keys()].filter((key) => key.startsWith("packet.rejected")), [])
    })
  )

  clusterTest(
    "of a suspect carries the accusation in the same packet, and a refutation clears it",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: probing })
      const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none" })
      yield* introduce(node, peer)
      yield* peer.send(node, { _tag: "Suspect", incarnation: 1, node: "p", from: "z" })
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(yield* stateOf(node, "p"), "suspect")
      peer.forget()
      yield* TestClock.adjust("2 seconds")
      const ping = peer.heard.find(({ message }) => message._tag === "Ping")
      const accusation = peer.heard.find(({ message }) => message._tag === "Suspect")
      assert.strictEqual(ping?.datagram, accusation?.datagram)
      assert.deepStrictEqual(accusation?.message, { _tag: "Suspect", incarnation: 1, node: "p", from: "a" })
      yield* peer.send(node, peer.alive({ incarnation: 2 }))
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(yield* stateOf(node, "p"), "alive")
    })
  )

  clusterTest(
    "passes over members that are dead or left",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { ...probing, recovery: false } })
      const gone = yield* fakePeer("gone", "10.0.0.8", { onMessage: "none" })
      const left = yield* fakePeer("left", "10.0.0.9", { onMessage: "none" })
      yield* introduce(node, gone, left)
      yield* gone.send(node, { _tag: "Dead", incarnation: 1, node: "gone", from: "z" })
      yield* left.send(node, { _tag: "Dead", incarnation: 1, node: "left", from: "left" })
      yield* TestClock.adjust("10 millis")
      gone.forget()
      left.forget()
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([gone.all("Ping"), left.all("Ping")], [[], []])
    })
  )
})

describe("local health after a failed probe", () => {
  clusterTest(
    "is unchanged when every helper says that it heard nothing either",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: probing })
      const peers = [yield* fakePeer("b", "10.0.0.2", nacking), yield* fakePeer("c", "10.0.0.3", nacking)]
      const dead = yield* fakePeer("dead", "10.0.0.9", { onMessage: "none" })
      yield* introduce(node, ...peers, dead)
      assert.strictEqual(yield* healthAfterFailure(node, dead), 0)
    })
  )

  clusterTest(
    "is worse by one for each nack that is missing",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: probing })
      const peers = [
        yield* fakePeer("b", "10.0.0.2", nacking),
        yield* fakePeer("c", "10.0.0.3", mute),
        yield* fakePeer("d", "10.0.0.4", mute)
      ]
      const dead = yield* fakePeer("dead", "10.0.0.9", { onMessage: "none" })
      yield* introduce(node, ...peers, dead)
      assert.strictEqual(yield* healthAfterFailure(node, dead), 2)
    })
  )

  clusterTest(
    "is worse by one when the helpers are too old to nack, who are not asked for it",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: probing })
      const old = yield* fakePeer("b", "10.0.0.2", mute)
      const dead = yield* fakePeer("dead", "10.0.0.9", { onMessage: "none" })
      yield* old.send(node, old.alive({ vsn: OLD_VSN }))
      yield* introduce(node, dead)
      assert.strictEqual(yield* healthAfterFailure(node, dead), 1)
      assert.deepStrictEqual(old.all("IndirectPing").map(({ nack }) => nack), [false])
    })
  )

  clusterTest(
    "is worse by one when there is nobody to ask",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: probing })
      const dead = yield* fakePeer("dead", "10.0.0.9", { onMessage: "none" })
      yield* introduce(node, dead)
      assert.strictEqual(yield* healthAfterFailure(node, dead), 1)
    })
  )
})

describe("a node in bad health", () => {
  /** A node whose health an accusation has lowered to `score`. */
  const degraded = Effect.fnUntraced(function*(score: number) {
    const node = yield* start("a", "10.0.0.1", { config: probing })
    const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none" })
    for (let incarnation = 1; incarnation <= score; incarnation++) {
      yield* peer.send(node, { _tag: "Suspect", incarnation, node: "a", from: "p" })
      yield* TestClock.adjust("10 millis")
    }
    assert.strictEqual(yield* node.cluster.health, score)
    return { node, peer }
  })

  clusterTest(
    "waits one interval longer per point before it suspects",
    Effect.gen(function*() {
      const { node, peer } = yield* degraded(2)
      yield* introduce(node, peer)
      let pinged = 0
      let suspected = 0
      for (let now = 0; now < 6000 && suspected === 0; now += 20) {
        yield* TestClock.adjust("20 millis")
        if (pinged === 0 && peer.all("Ping").length > 0) pinged = now
        if ((yield* stateOf(node, "p")) === "suspect") suspected = now
      }
      assert.isAbove(pinged, 0)
      assert.isAtLeast(suspected - pinged, 2960)
      assert.isAtMost(suspected - pinged, 3040)
      assert.isAbove((yield* node.cluster.counters).get("degraded.probe") ?? 0, 0)
    })
  )

  clusterTest(
    "recovers by one point with each answer",
    Effect.gen(function*() {
      const { node } = yield* degraded(2)
      const good = yield* fakePeer("g", "10.0.0.8")
      yield* introduce(node, good)
      const scores: Array<number> = []
      while (scores.length < 3) {
        const before = good.all("Ping").length
        while (good.all("Ping").length === before) yield* TestClock.adjust("10 millis")
        yield* TestClock.adjust("50 millis")
        scores.push(yield* node.cluster.health)
      }
      assert.deepStrictEqual(scores, [1, 0, 0])
    })
  )
})

describe("a ping that cannot be sent", () => {
  const failing = (scope: "Local" | "Remote") =>
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", {
        config: probing,
        transport: (inner) => ({
          ...inner,
          send: (to, payload) =>
            to.ip === "10.0.0.9"
              ? Effect.fail(
                new TransportError({
                  operation: "send",
                  kind: "Unreachable",
                  scope,
                  address: to.ip,
                  cause: new Error("no")
                })
              )
              : inner.send(to, payload)
        })
      })
      const relaying = yield* fakePeer("b", "10.0.0.2", nacking)
      const dead = yield* fakePeer("dead", "10.0.0.9", { onMessage: "none" })
      yield* introduce(node, relaying, dead)
      yield* TestClock.adjust("5 seconds")
      return { node, asked: relaying.all("IndirectPing").length }
    })

  clusterTest(
    "because the network refuses goes through helpers, and the member is suspected",
    Effect.gen(function*() {
      const { asked, node } = yield* failing("Remote")
      assert.isAbove(asked, 0)
      assert.notStrictEqual(yield* stateOf(node, "dead"), "alive")
      assert.strictEqual(yield* node.cluster.health, 0)
    })
  )

  clusterTest(
    "because of ourselves is no reason to suspect anybody",
    Effect.gen(function*() {
      const { asked, node } = yield* failing("Local")
      assert.strictEqual(asked, 0)
      assert.strictEqual(yield* stateOf(node, "dead"), "alive")
      assert.strictEqual(yield* node.cluster.health, 0)
    })
  )
})

describe("a suspicion", () => {
  // Five members besides us make six: with multipliers 5 and 2, k is 3, the least time is 5 s and the most 10 s.
  for (
    const [peers, confirmations, seconds] of [
      [1, 0, 5],
      [2, 0, 5],
      [3, 0, 5],
      [4, 0, 10],
      [5, 0, 10],
      [5, 1, 7.5],
      [5, 2, 6.037],
      [5, 3, 5],
      [5, 4, 5]
    ] as const
  ) {
    clusterTest(
      `in a cluster of ${peers + 1} with ${confirmations} confirmations lasts ${seconds} seconds`,
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", {
          config: { ...probing, suspicionMult: 5, suspicionMaxTimeoutMult: 2 }
        })
        const others: Array<FakePeer> = []
        for (let i = 1; i < peers; i++) others.push(yield* fakePeer(`p${i}`, `10.0.0.${i + 1}`, nacking))
        const dead = yield* fakePeer("dead", "10.0.0.9", { onMessage: "none" })
        yield* introduce(node, ...others, dead)
        yield* dead.send(node, { _tag: "Suspect", incarnation: 1, node: "dead", from: "a" })
        for (let i = 1; i <= confirmations; i++) {
          yield* dead.send(node, { _tag: "Suspect", incarnation: 1, node: "dead", from: `accuser ${i}` })
        }
        yield* TestClock.adjust("10 millis")
        assert.strictEqual(yield* stateOf(node, "dead"), "suspect")
        yield* TestClock.adjust(seconds * 1000 - 60)
        assert.strictEqual(yield* stateOf(node, "dead"), "suspect")
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(yield* stateOf(node, "dead"), "dead")
      })
    )
  }
})

describe("a probe over TCP", () => {
  clusterTest(
    "is tried only with members that speak protocol version 3",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { ...probing, disableTcpPings: false } })
      const streams: Array<string> = []
      const silent = (name: string): FakePeerOptions => ({
        onMessage: "none",
        onStream: () => Effect.sync(() => void streams.push(name))
      })
      const old = yield* fakePeer("old", "10.0.0.8", silent("old"))
      const current = yield* fakePeer("current", "10.0.0.9", silent("current"))
      yield* old.send(node, old.alive({ vsn: OLD_VSN }))
      yield* current.send(node, current.alive({ vsn: VSN }))
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual([...new Set(streams)], ["current"])
    })
  )
})
