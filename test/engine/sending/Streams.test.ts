import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { TransportError } from "../../../src/MemberlistError.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, joinAt, passing, start } from "../Cluster.ts"
import { fakePeer, readMessage } from "../FakePeer.ts"

const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0, label: "blue", leaveTimeout: 0 } as const

const broken = new TransportError({
  operation: "write",
  kind: "Unknown",
  scope: "Remote",
  address: "10.0.0.9:7946",
  cause: new Error("no")
})

describe("a stream that we open", () => {
  clusterTest(
    "begins with the label, and is closed when we have said what we wanted",
    Effect.gen(function*() {
      const heads: Array<string> = []
      const node = yield* start("a", "10.0.0.1", { config: { ...quiet, enableCompression: false } })
      const peer = yield* fakePeer("p", "10.0.0.9", {
        onStream: (connection) =>
          Effect.map(
            Effect.orDie(connection.pull),
            (bytes) => void heads.push(Buffer.from(bytes.subarray(0, 6)).toString("hex"))
          )
      })
      yield* passing(node.cluster.send("10.0.0.9:7946", Uint8Array.of(1), { reliable: true }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(heads, ["f404626c7565"])
      assert.strictEqual((yield* (yield* SimulatedNetwork).stats).streamsOpen, 0)
      assert.strictEqual(peer.datagrams.length, 0)
    })
  )

  clusterTest(
    "is given up when the peer does not take its label within tcpTimeout",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", {
        config: { ...quiet, tcpTimeout: "2 seconds" },
        transport: (inner) => ({
          ...inner,
          open: (to, options) =>
            Effect.map(inner.open(to, options), (connection) => ({ ...connection, write: () => Effect.never }))
        })
      })
      yield* fakePeer("p", "10.0.0.9", {
        onStream: (connection) => Effect.asVoid(readMessage(connection, "responder"))
      })
      const join = Effect.catchTag(node.cluster.join(["10.0.0.9"]), "MemberlistClosed", Effect.die)
      const joining = yield* Effect.forkChild(Effect.flip(join), { startImmediately: true })
      yield* TestClock.adjust("2100 millis")
      const exit = joining.pollUnsafe()
      assert.isDefined(exit)
      const { failed } = yield* exit
      assert.include(failed[0]?.error.message, "no end after 2000 ms")
      assert.strictEqual((yield* (yield* SimulatedNetwork).stats).streamsOpen, 0)
    })
  )

  clusterTest(
    "is closed when not even its label can be written",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", {
        config: quiet,
        transport: (inner) => ({
          ...inner,
          open: (to, options) =>
            Effect.map(inner.open(to, options), (connection) => ({ ...connection, write: () => Effect.fail(broken) }))
        })
      })
      yield* fakePeer("p", "10.0.0.9", {
        onStream: (connection) => Effect.asVoid(readMessage(connection, "responder"))
      })
      const error = yield* Effect.flip(joinAt(node, "10.0.0.9"))
      assert.deepStrictEqual(error.failed.map(({ error }) => error), [broken])
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* (yield* SimulatedNetwork).stats).streamsOpen, 0)
    })
  )
})
