import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { clusterTest, start, startMany, stateOf, type TestNode, view } from "../support/Cluster.ts"
import { type FakePeer, fakePeer } from "../support/FakePeer.ts"

const gossiping = { gossipInterval: "100 millis", pushPullInterval: 0, probeInterval: 0, leaveTimeout: 0 } as const

const U32 = 0xffff_ffff

/** A node and a peer it gossips with, when the first news is over. */
const pair = Effect.fnUntraced(function*(recovery = true) {
  const node = yield* start("a", "10.0.0.1", { config: { ...gossiping, recovery } })
  const peer = yield* fakePeer("p", "10.0.0.9")
  yield* peer.send(node, peer.alive())
  yield* TestClock.adjust("3 seconds")
  peer.forget()
  return { node, peer }
})

const aboutUs = (peer: FakePeer) => peer.all("Alive").filter(({ node }) => node === "a")

const stands = Effect.fnUntraced(function*(node: TestNode, incarnation: number, health: number) {
  assert.strictEqual((yield* node.cluster.localMember).incarnation, incarnation)
  assert.strictEqual(yield* stateOf(node, "a"), "alive")
  assert.strictEqual(yield* node.cluster.health, health)
})

describe("a node that is accused", () => {
  for (
    const [what, claim, recovery] of [
      ["of being suspect", { _tag: "Suspect", incarnation: 7, node: "a", from: "p" }, true],
      ["of being dead, without recovery,", { _tag: "Dead", incarnation: 7, node: "a", from: "p" }, false],
      ["of having left, without recovery,", { _tag: "Dead", incarnation: 7, node: "a", from: "a" }, false]
    ] as const
  ) {
    clusterTest(
      `${what} answers with the next incarnation above, tells the accuser, and loses a point of health`,
      Effect.gen(function*() {
        const { node, peer } = yield* pair(recovery)
        yield* peer.send(node, claim)
        yield* TestClock.adjust("2 seconds")
        yield* stands(node, 8, 1)
        const answers = aboutUs(peer)
        assert.isAbove(answers.length, 0)
        assert.isTrue(answers.every(({ incarnation, port }) => incarnation === 8 && port === 7946))
        assert.notInclude(node.seen, "MemberSuspected a")
      })
    )
  }

  clusterTest(
    "of being dead does not doubt itself: whoever has an obituary asks for a contradiction",
    Effect.gen(function*() {
      const { node, peer } = yield* pair()
      yield* peer.send(node, { _tag: "Dead", incarnation: 7, node: "a", from: "p" })
      yield* TestClock.adjust("2 seconds")
      yield* stands(node, 8, 0)
      assert.isAbove(aboutUs(peer).length, 0)
    })
  )

  for (const _tag of ["Suspect", "Dead"] as const) {
    clusterTest(
      `at an incarnation it has left behind tells the accuser again, as one who missed the refutation: ${_tag}`,
      Effect.gen(function*() {
        const { node, peer } = yield* pair()
        for (let i = 0; i < 30; i++) {
          yield* peer.send(node, { _tag, incarnation: 0, node: "a", from: "p" })
          yield* TestClock.adjust("100 millis")
        }
        yield* stands(node, 1, 0)
        // straight and not by gossip: once a second for three seconds, however often it is said
        assert.deepStrictEqual(aboutUs(peer).map(({ incarnation }) => incarnation), [1, 1, 1])
        const counters = yield* node.cluster.counters
        assert.deepStrictEqual([counters.get("claim.told"), counters.get("claim.untold:TooSoon")], [3, 27])
      })
    )
  }

  clusterTest(
    "at an incarnation it has left behind says nothing with the paper's rules",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { ...gossiping, profile: "paper" } })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(node, peer.alive())
      yield* TestClock.adjust("3 seconds")
      peer.forget()
      yield* peer.send(node, { _tag: "Suspect", incarnation: 0, node: "a", from: "p" })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(aboutUs(peer), [])
      assert.strictEqual((yield* node.cluster.counters).get("claim.ignored:OldIncarnation"), 1)
    })
  )

  clusterTest(
    "by an alive message with other metadata or a higher incarnation answers, and ignores its own echo",
    Effect.gen(function*() {
      const { node, peer } = yield* pair()
      const us = peer.alive({ node: "a", addr: Uint8Array.of(10, 0, 0, 1) })
      yield* peer.send(node, us)
      yield* TestClock.adjust("1 second")
      yield* stands(node, 1, 0)
      yield* peer.send(node, { ...us, meta: Uint8Array.of(1) })
      yield* TestClock.adjust("1 second")
      yield* stands(node, 2, 1)
      yield* peer.send(node, { ...us, incarnation: 20 })
      yield* TestClock.adjust("1 second")
      yield* stands(node, 21, 2)
    })
  )

  clusterTest(
    "at the largest incarnation stays there, and does not start again at 0",
    Effect.gen(function*() {
      const { node, peer } = yield* pair()
      // one accusation reaches only so far
      for (const incarnation of [2 ** 30, 2 ** 31, 3 * 2 ** 30, U32 - 1, U32]) {
        yield* peer.send(node, { _tag: "Suspect", incarnation, node: "a", from: "p" })
        yield* TestClock.adjust("2 seconds")
      }
      assert.strictEqual((yield* node.cluster.localMember).incarnation, U32)
      peer.forget()
      yield* peer.send(node, { _tag: "Suspect", incarnation: U32, node: "a", from: "p" })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* node.cluster.localMember).incarnation, U32)
      assert.isAbove(aboutUs(peer).length, 0)
      assert.isTrue(aboutUs(peer).every(({ incarnation }) => incarnation === U32))
    })
  )
})

describe("a refutation", () => {
  /** No traffic but what a test causes. */
  const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0, leaveTimeout: 0 } as const

  clusterTest(
    "goes straight to the accuser, where the table has it, and not to who sent the accusation",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const [p, forger] = [yield* fakePeer("p", "10.0.0.9"), yield* fakePeer("f", "10.0.0.8")]
      yield* p.send(node, p.alive())
      yield* TestClock.adjust("1 second")
      yield* forger.send(node, { _tag: "Suspect", incarnation: 7, node: "a", from: "p" })
      yield* TestClock.adjust("20 millis")
      assert.deepStrictEqual(p.all("Alive").map(({ incarnation, node }) => `${node} ${incarnation}`), ["a 8"])
      assert.deepStrictEqual(forger.datagrams, [])
      assert.strictEqual((yield* node.cluster.counters).get("claim.told"), 1)
    })
  )

  clusterTest(
    "does so once a second, however many accusations are forged",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const [p, forger] = [yield* fakePeer("p", "10.0.0.9"), yield* fakePeer("f", "10.0.0.8")]
      yield* p.send(node, p.alive())
      yield* TestClock.adjust("1 second")
      for (let i = 0; i < 300; i++) {
        yield* forger.send(node, { _tag: "Suspect", incarnation: 2 + i, node: "a", from: "p" })
        yield* TestClock.adjust("10 millis")
      }
      assert.strictEqual(p.datagrams.length, 3)
      assert.strictEqual((yield* node.cluster.counters).get("claim.untold:TooSoon"), 297)
    })
  )
})

describe("a node that has left", () => {
  clusterTest(
    "refutes nothing any more, goes on answering pings, and remembers itself",
    Effect.gen(function*() {
      const { node, peer } = yield* pair()
      yield* node.cluster.leave()
      yield* TestClock.adjust("5 seconds")
      peer.forget()
      yield* peer.send(node, { _tag: "Dead", incarnation: 9, node: "a", from: "p" }, peer.ping(5, "a"))
      yield* TestClock.adjust("120 seconds")
      assert.deepStrictEqual(aboutUs(peer), [])
      assert.deepStrictEqual(peer.all("Ack").map(({ seqNo }) => seqNo), [5])
      const us = yield* node.cluster.localMember
      assert.deepStrictEqual([us.name, us.state], ["a", "left"])
    })
  )
})

describe("one forged accusation at the largest incarnation", () => {
  for (
    const [what, claim] of [
      ["a suspicion", { _tag: "Suspect", incarnation: U32, node: "c", from: "b" }],
      ["an obituary", { _tag: "Dead", incarnation: U32, node: "c", from: "b" }],
      ["a goodbye", { _tag: "Dead", incarnation: U32, node: "c", from: "c" }]
    ] as const
  ) {
    clusterTest(
      `costs a member nothing as ${what}, and it can still refute a later one`,
      Effect.gen(function*() {
        const nodes = yield* startMany(3)
        const [a, b, c] = nodes as [TestNode, TestNode, TestNode]
        const peer = yield* fakePeer("p", "10.0.0.9")
        for (const node of nodes) yield* peer.send(node, claim)
        yield* TestClock.adjust("60 seconds")
        const { incarnation } = yield* c.cluster.localMember
        assert.isBelow(incarnation, 10)
        for (const node of nodes) assert.deepStrictEqual(yield* view(node), ["a alive", "b alive", "c alive"])
        for (const node of [a, b]) {
          assert.isAtLeast((yield* node.cluster.counters).get("claim.ignored:IncarnationJump") ?? 0, 1)
        }
        yield* peer.send(a, { _tag: "Suspect", incarnation, node: "c", from: "b" })
        yield* TestClock.adjust("60 seconds")
        assert.isAbove((yield* c.cluster.localMember).incarnation, incarnation)
        assert.include(a.seen, "MemberRecovered c")
        for (const node of nodes) {
          assert.deepStrictEqual(yield* view(node), ["a alive", "b alive", "c alive"])
          assert.notInclude(node.seen, "MemberFailed c")
          assert.notInclude(node.seen, "MemberLeft c")
        }
      })
    )
  }
})
