import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, passing, start, startMany, type TestNode } from "../../support/Cluster.ts"
import { fakePeer, introduce } from "../../support/FakePeer.ts"
import { entries, logging } from "../../support/Telemetry.ts"

/** The ways from a node to a member, in words. */
const ways = (node: TestNode | undefined, name: string) =>
  Effect.map(
    node?.cluster.reachability(name) ?? Effect.succeedNone,
    Option.match({ onNone: () => "nothing", onSome: String })
  )

const good = "UDP out works, UDP in works, TCP works"

/** What a node was told of the ways to members. */
const told = (node: TestNode | undefined) =>
  (node?.events ?? []).flatMap((event) =>
    event._tag === "MemberReachabilityChanged" ? [`${event.member.name}: ${event.reachability}`] : []
  )

describe("the ways to a member", () => {
  clusterTest(
    "all work in a sound cluster, without an event, and are nothing for strangers and for this node itself",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      yield* TestClock.adjust("20 minutes")
      const [a] = nodes
      assert.deepStrictEqual([yield* ways(a, "b"), yield* ways(a, "c")], [good, good])
      assert.deepStrictEqual([yield* ways(a, "a"), yield* ways(a, "nobody")], ["nothing", "nothing"])
      assert.deepStrictEqual(nodes.flatMap(told), [])
    })
  )

  clusterTest(
    "are known of UDP alone where no stream was opened, and not at all before the first answer",
    Effect.gen(function*() {
      const config = { pushPullInterval: 0, gossipInterval: 0, leaveTimeout: 0 } as const
      const node = yield* start("a", "10.0.0.1", { config })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* introduce(node, peer)
      assert.strictEqual(yield* ways(node, "p"), "UDP out unknown, UDP in unknown, TCP unknown")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(yield* ways(node, "p"), "UDP out works, UDP in works, TCP unknown")
    })
  )

  clusterTest(
    "by TCP alone are told and warned about once, with what is likely, and once more when UDP works again",
    logging((log) =>
      Effect.gen(function*() {
        const network = yield* SimulatedNetwork
        const nodes = yield* startMany(4)
        const [a, b, c, d] = nodes
        yield* network.cut("*", "10.0.0.4", "packets")
        yield* network.cut("10.0.0.4", "*", "packets")
        yield* TestClock.adjust("5 minutes")
        for (const node of [a, b, c]) {
          assert.strictEqual(yield* ways(node, "d"), "UDP out fails, UDP in fails, TCP works")
          const [first, ...rest] = told(node)
          assert.strictEqual(first, "d: UDP out fails, UDP in unknown, TCP works")
          assert.deepStrictEqual(rest, ["d: UDP out fails, UDP in fails, TCP works"])
          assert.deepStrictEqual(node?.seen.filter((event) => event.endsWith("Suspected d")), [])
        }
        const event = a?.events.find(({ _tag }) => _tag === "MemberReachabilityChanged")
        if (event?._tag !== "MemberReachabilityChanged") return assert.fail("no event")
        assert.isTrue(event.reachability.tcpOnly)
        assert.match(event.reachability.likelyCause ?? "", /UDP is blocked.*MTU/)
        const warnings = () =>
          entries(log, "answers over TCP but not over UDP")
            .map(({ annotations }) => `${String(annotations["node"])} ${String(annotations["member"])}`).sort()
        // and to the one that is cut off all others are like that
        assert.deepStrictEqual(warnings(), ["a d", "b d", "c d", "d a", "d b", "d c"])
        assert.isAbove((yield* a!.cluster.counters).get("probe.tcp_only") ?? 0, 10)
        yield* network.heal()
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* ways(a, "d"), good)
        assert.strictEqual(yield* ways(d, "a"), good)
        assert.strictEqual(told(a).at(-1), `d: ${good}`)
        assert.strictEqual(warnings().length, 6)
        assert.isNotEmpty(entries(log, "reached over every way again"))
      })
    )
  )

  clusterTest(
    "fail outwards, and work inwards, where our pings alone do not arrive",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a, b, c] = yield* startMany(3)
      yield* network.cut("10.0.0.1", "10.0.0.2", "packets")
      yield* TestClock.adjust("1 minute")
      assert.match(yield* ways(a, "b"), /^UDP out fails, UDP in works/)
      // the acks of b's pings do not arrive either: b sees our packets neither way
      assert.match(yield* ways(b, "a"), /^UDP out unknown, UDP in fails/)
      assert.strictEqual(yield* ways(c, "a"), good)
      assert.deepStrictEqual(told(c), [])
      yield* network.heal()
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* ways(a, "b"), good)
    })
  )

  clusterTest(
    "do not fail by the loss of one packet in fifty",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const nodes = yield* startMany(5)
      yield* network.setLoss("*", "*", 0.02)
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(nodes.flatMap(told), [])
    })
  )

  clusterTest(
    "that fail are told to a subscriber who comes later",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a] = yield* startMany(3)
      yield* network.cut("*", "10.0.0.3", "streams")
      yield* TestClock.adjust("5 minutes")
      const first = yield* passing(Stream.runCollect(Stream.take(a!.cluster.events, 4)))
      assert.deepStrictEqual(
        first.map(({ _tag, member }) => `${_tag} ${member.name}`).sort(),
        ["MemberJoined a", "MemberJoined b", "MemberJoined c", "MemberReachabilityChanged c"]
      )
    })
  )

  clusterTest(
    "are unknown again for a member that failed: its next life may have others",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a] = yield* startMany(3)
      yield* network.cut("*", "10.0.0.3", "streams")
      yield* TestClock.adjust("5 minutes")
      assert.match(yield* ways(a, "c"), /TCP fails/)
      yield* network.crash("10.0.0.3")
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* ways(a, "c"), "UDP out unknown, UDP in unknown, TCP unknown")
      assert.include(a!.seen, "MemberFailed c")
    })
  )

  clusterTest(
    "do not fail in TCP because a member was down for a moment when a push/pull came",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a] = yield* startMany(3, { config: { pushPullInterval: "2 seconds" } })
      for (let i = 0; i < 20; i++) {
        yield* network.crash("10.0.0.3", "Refuse")
        // of two others each is probed within three seconds, and the probe takes one
        yield* TestClock.adjust("4 seconds")
        yield* network.restart("10.0.0.3")
        yield* TestClock.adjust("12 seconds")
      }
      assert.isAbove((yield* a!.cluster.counters).get("pushpull.failed:TransportError") ?? 0, 0)
      assert.deepStrictEqual(told(a).filter((line) => line.endsWith("TCP fails")), [])
    })
  )
})
