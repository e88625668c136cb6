import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { PeerAddress } from "../../src/base/Address.ts"
import { clusterTest, joinAt, passing, start, startMany, view } from "../support/Cluster.ts"
import { fakePeer } from "../support/FakePeer.ts"
import { address, arrive, bytes, counted, refusals, text } from "../support/Fields.ts"

const config = { requireNodeNames: true }

describe("requireNodeNames", () => {
  clusterTest(
    "lets a cluster whose seeds carry names live as any other",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config })
      const b = yield* start("b", "10.0.0.2", { config })
      const c = yield* start("c", "10.0.0.3", { config })
      for (const node of [b, c]) yield* joinAt(node, "a/10.0.0.1:7946")
      yield* TestClock.adjust("40 seconds")
      yield* b.cluster.send({ name: "c" }, bytes("packet"))
      yield* arrive
      yield* passing(b.cluster.send({ name: "c" }, bytes("stream"), { reliable: true }))
      yield* TestClock.adjust("1 second")
      for (const node of [a, b, c]) {
        assert.deepStrictEqual(yield* view(node), ["a alive", "b alive", "c alive"])
        assert.strictEqual(yield* counted(node, "send.refused:NodeNameRequired"), 0)
        assert.strictEqual(yield* counted(node, "probe.failed"), 0)
      }
      assert.deepStrictEqual(c.messages.map(({ payload }) => text(payload)), ["packet", "stream"])
    })
  )

  clusterTest(
    "refuses a seed without a name before anything is looked up or sent",
    Effect.gen(function*() {
      yield* start("a", "10.0.0.1")
      const b = yield* start("b", "10.0.0.2", { config })
      assert.deepStrictEqual(yield* refusals(b, "10.0.0.1", "nowhere.test"), ["NodeNameRequired", "NodeNameRequired"])
      assert.strictEqual(yield* counted(b, "tcp.connect"), 0)
    })
  )

  clusterTest(
    "refuses messages and pings to an address without a name, and says what would do",
    Effect.gen(function*() {
      const b = yield* start("b", "10.0.0.2", { config })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const refused = [
        yield* Effect.flip(b.cluster.send({ address: "10.0.0.9:7946" }, bytes("x"))),
        yield* Effect.flip(passing(b.cluster.send({ address: "10.0.0.9:7946" }, bytes("x"), { reliable: true }))),
        yield* Effect.flip(passing(b.cluster.ping({ address: "10.0.0.9:7946" })))
      ]
      assert.deepStrictEqual(refused.map(({ _tag }) => _tag), refused.map(() => "NodeNameRequired"))
      assert.include(refused[0]?.message, `expected "name/10.0.0.9:7946"`)
      assert.strictEqual(yield* counted(b, "send.refused:NodeNameRequired"), 3)
      yield* b.cluster.send({ address: "p/10.0.0.9:7946" }, bytes("y"))
      yield* passing(b.cluster.ping({ address: "p/10.0.0.9:7946" }))
      assert.deepStrictEqual(peer.all("User").map(({ payload }) => text(payload)), ["y"])
    })
  )

  clusterTest(
    "leaves a ping without a SourceNode unanswered, and counts it",
    Effect.gen(function*() {
      const b = yield* start("b", "10.0.0.2", { config })
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* peer.send(b, { ...peer.ping(1), sourceNode: "" })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(peer.all("Ack"), [])
      assert.strictEqual(yield* counted(b, "send.refused:NodeNameRequired"), 1)
      yield* peer.send(b, peer.ping(2))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(peer.all("Ack").map(({ seqNo }) => seqNo), [2])
    })
  )

  clusterTest(
    "relays nothing to a target without a name, and nothing back to an asker without one",
    Effect.gen(function*() {
      const b = yield* start("b", "10.0.0.2", { config })
      const target = yield* fakePeer("t", "10.0.0.8")
      const asker = yield* fakePeer("p", "10.0.0.9")
      const source = { sourceAddr: address("10.0.0.9"), sourcePort: 7946, sourceNode: "p" }
      const request = { _tag: "IndirectPing", seqNo: 1, target: address("10.0.0.8"), port: 7946, nack: true } as const
      yield* asker.send(b, { ...request, ...source, node: "" })
      yield* asker.send(b, { ...request, ...source, seqNo: 2, node: "t", sourceNode: "" })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(target.all("Ping").map(({ node }) => node), ["t"])
      assert.deepStrictEqual([asker.all("Ack"), asker.all("Nack").map(({ seqNo }) => seqNo)], [[], [1]])
      assert.strictEqual(yield* counted(b, "send.refused:NodeNameRequired"), 2)
    })
  )

  clusterTest(
    "does not restrict what is received",
    Effect.gen(function*() {
      const b = yield* start("b", "10.0.0.2", { config })
      const a = yield* start("a", "10.0.0.1")
      yield* joinAt(a, b.address)
      yield* a.cluster.send({ address: b.address }, bytes("nameless"))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* view(b), ["a alive", "b alive"])
      assert.deepStrictEqual(b.messages.map(({ payload }) => text(payload)), ["nameless"])
    })
  )

  clusterTest(
    "is for transports that find members by name: every packet and stream of a cluster carries one",
    Effect.gen(function*() {
      const nameless: Array<PeerAddress> = []
      const note = (to: PeerAddress) => {
        if (to.name === undefined || to.name === "") nameless.push(to)
      }
      const nodes = yield* startMany(3, {
        transport: (inner) => ({
          ...inner,
          send: (to, payload) => {
            note(to)
            return inner.send(to, payload)
          },
          open: (to, options) => {
            note(to)
            return inner.open(to, options)
          }
        })
      })
      yield* TestClock.adjust("40 seconds")
      // the two joins, whose seeds were written without one: each asks first
      assert.deepStrictEqual(nameless.map(({ ip }) => ip), ["10.0.0.1", "10.0.0.1", "10.0.0.1", "10.0.0.1"])
      assert.strictEqual(nodes.length, 3)
    })
  )

  clusterTest(
    "is off by default: an address will do",
    Effect.gen(function*() {
      const b = yield* start("b", "10.0.0.2")
      const peer = yield* fakePeer("p", "10.0.0.9")
      yield* b.cluster.send({ address: "10.0.0.9:7946" }, bytes("x"))
      yield* passing(b.cluster.ping({ address: "10.0.0.9:7946" }))
      assert.strictEqual(peer.all("User").length, 1)
    })
  )
})
