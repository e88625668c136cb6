import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, joinAt, passing, start, startMany, stateOf, type TestNode, view } from "../support/Cluster.ts"

const alive = (...names: ReadonlyArray<string>) => names.map((name) => `${name} alive`)

describe("a cluster", () => {
  clusterTest(
    "forms through one seed, and everybody sees everybody",
    Effect.gen(function*() {
      const nodes = yield* startMany(5)
      for (const node of nodes) assert.deepStrictEqual(yield* view(node), alive("a", "b", "c", "d", "e"))
    })
  )

  clusterTest(
    "of sixteen forms with a key, each joined through the one before",
    Effect.gen(function*() {
      const config = {
        secretKey: Redacted.make(Uint8Array.from({ length: 16 }, (_, i) => i)),
        probeInterval: "200 millis",
        probeTimeout: "100 millis",
        gossipInterval: "50 millis",
        pushPullInterval: "2 seconds"
      } as const
      const nodes: Array<TestNode> = []
      for (let i = 1; i <= 16; i++) {
        const node = yield* start(`n${i}`, `10.0.0.${i}`, { config })
        const last = nodes.at(-1)
        if (last !== undefined) yield* joinAt(node, last.address)
        nodes.push(node)
      }
      yield* TestClock.adjust("3 seconds")
      for (const node of nodes) {
        assert.strictEqual((yield* node.cluster.members).length, 16)
        assert.notInclude(node.seen.join(), "Suspected")
      }
    })
  )

  clusterTest(
    "suspects a crashed member, then declares it failed on every survivor, within the suspicion bound",
    Effect.gen(function*() {
      const nodes = yield* startMany(5)
      const net = yield* SimulatedNetwork
      yield* net.crash("10.0.0.5")
      // Five members: at most one round of probes to find it, then at most 24 s of suspicion (behaviour of the LAN preset).
      yield* TestClock.adjust("35 seconds")
      for (const node of nodes.slice(0, 4)) {
        assert.deepStrictEqual(yield* view(node), alive("a", "b", "c", "d"))
        assert.strictEqual(yield* stateOf(node, "e"), "dead")
        const about = node.seen.filter((event) => event.endsWith(" e"))
        assert.deepStrictEqual(about, ["MemberJoined e", "MemberSuspected e", "MemberFailed e"])
      }
    })
  )

  clusterTest(
    "sees a graceful leave as left, never as failed",
    Effect.gen(function*() {
      const nodes = yield* startMany(4)
      yield* passing(nodes[3]!.stop)
      yield* TestClock.adjust("20 seconds")
      for (const node of nodes.slice(0, 3)) {
        assert.strictEqual(yield* stateOf(node, "d"), "left")
        assert.deepStrictEqual(yield* view(node), alive("a", "b", "c"))
        assert.notInclude(node.seen, "MemberFailed d")
        assert.include(node.seen, "MemberLeft d")
      }
    })
  )

  clusterTest(
    "takes back a member that left, through the same handle",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2)
      assert.deepStrictEqual(yield* passing(b!.cluster.leave()), { outcome: "Sent", sent: 1, confirmed: 1, members: 1 })
      assert.deepStrictEqual(yield* view(a!), alive("a"))
      yield* joinAt(b!, a!.address)
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* view(a!), alive("a", "b"))
      assert.deepStrictEqual(yield* view(b!), alive("a", "b"))
      assert.deepStrictEqual(a!.seen.slice(-2), ["MemberLeft b", "MemberJoined b"])
    })
  )

  clusterTest(
    "hears a suspected member refute, and reports that it recovered",
    Effect.gen(function*() {
      const nodes = yield* startMany(4)
      const net = yield* SimulatedNetwork
      yield* net.crash("10.0.0.4")
      yield* TestClock.adjust("4 seconds")
      const suspected = nodes[0]!.seen.includes("MemberSuspected d")
      yield* net.restart("10.0.0.4")
      yield* TestClock.adjust("10 seconds")
      assert.isTrue(suspected, "the crash was long enough to be noticed")
      for (const node of nodes) {
        assert.deepStrictEqual(yield* view(node), alive("a", "b", "c", "d"))
        assert.notInclude(node.seen, "MemberFailed d")
      }
      assert.include(nodes[0]!.seen, "MemberRecovered d")
      const refuted = yield* nodes[0]!.cluster.member("d")
      assert.isTrue(refuted._tag === "Some" && refuted.value.incarnation > 1)
    })
  )

  clusterTest(
    "learns new metadata",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      yield* nodes[1]!.cluster.updateMeta(new TextEncoder().encode("role=db"))
      yield* TestClock.adjust("3 seconds")
      for (const node of nodes) {
        const b = yield* node.cluster.member("b")
        assert.strictEqual(b._tag === "Some" ? b.value.metaText : undefined, "role=db")
        assert.include(node.seen, "MemberUpdated b")
      }
    })
  )

  clusterTest(
    "keeps a member whose UDP is cut but whose TCP works",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      const net = yield* SimulatedNetwork
      yield* net.cut("*", "10.0.0.3", "packets")
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual(yield* view(nodes[0]!), alive("a", "b", "c"))
      assert.notInclude(nodes[0]!.seen, "MemberSuspected c")
      assert.isAbove((yield* nodes[0]!.cluster.counters).get("probe.tcp_only") ?? 0, 0)
    })
  )

  clusterTest(
    "suspects a member whose UDP is cut when TCP pings are disabled",
    Effect.gen(function*() {
      const nodes = yield* startMany(3, { config: { disableTcpPings: true } })
      const net = yield* SimulatedNetwork
      yield* net.cut("*", "10.0.0.3", "packets")
      yield* TestClock.adjust("10 seconds")
      assert.include(nodes[0]!.seen, "MemberSuspected c")
    })
  )

  clusterTest(
    "keeps two members that cannot reach each other but can reach a third",
    Effect.gen(function*() {
      const nodes = yield* startMany(3)
      const net = yield* SimulatedNetwork
      yield* net.cut("10.0.0.1", "10.0.0.2")
      yield* net.cut("10.0.0.2", "10.0.0.1")
      yield* TestClock.adjust("60 seconds")
      for (const node of nodes) {
        assert.deepStrictEqual(yield* view(node), alive("a", "b", "c"))
        assert.notInclude(node.seen.join(), "Failed")
      }
    })
  )

  clusterTest(
    "of one member probes nobody and is healthy",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1")
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual(yield* view(node), alive("a"))
      assert.strictEqual(yield* node.cluster.health, 0)
      assert.deepStrictEqual(node.seen, ["MemberJoined a"])
    })
  )
})
