import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { TransportError } from "../../../src/MemberlistError.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import type { Connection } from "../../../src/Transport.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, passing, start } from "../../support/Cluster.ts"
import { fakePeer, readMessage } from "../../support/FakePeer.ts"

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
      yield* passing(node.cluster.send({ address: "10.0.0.9:7946" }, Uint8Array.of(1), { reliable: true }))
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

describe("an answer that ends before it is whole", () => {
  const answering = (onStream: (connection: Connection) => Effect.Effect<void>) =>
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { ...quiet, label: "" } })
      yield* fakePeer("p", "10.0.0.9", { onStream })
      const { failed } = yield* Effect.flip(joinAt(node, "10.0.0.9"))
      return { error: { ...failed[0]?.error }, counters: yield* node.cluster.counters }
    })
  const half = Frame.encodePushPull({ join: false, nodes: [], userState: new Uint8Array(100) }).subarray(0, 20)
  const answerHalf = (connection: Connection) => Effect.ignore(Effect.andThen(connection.pull, connection.write(half)))

  clusterTest(
    "is refused as cut short, because an end in order is no failure of the network",
    Effect.gen(function*() {
      const { counters, error } = yield* answering(answerHalf)
      assert.deepInclude(error, { _tag: "ExchangeRejected", reason: "Truncated" })
      assert.strictEqual(counters.get("stream.rejected:Truncated"), 1)
    })
  )

  clusterTest(
    "is the network's failure when the stream broke",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const { error } = yield* answering((connection) =>
        Effect.andThen(
          answerHalf(connection),
          Effect.andThen(Effect.sleep("1 second"), network.crash("10.0.0.9", "Refuse"))
        )
      )
      assert.deepInclude(error, { _tag: "TransportError", operation: "read", kind: "Closed" })
    })
  )
})
