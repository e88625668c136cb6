import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import type { Connection } from "../../../src/Transport.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { clusterTest, passing, start, stateOf, view } from "../../support/Cluster.ts"
import { fakePeer, readMessage } from "../../support/FakePeer.ts"

const quiet = {
  gossipInterval: 0,
  pushPullInterval: 0,
  probeInterval: "1 hour",
  enableCompression: false,
  leaveTimeout: 0
} as const

const noBytes = new Uint8Array()

const pushPull = (nodes: ReadonlyArray<Message.NodeState>, join = false, userState = noBytes) =>
  Frame.encodePushPull({ join, nodes, userState })

/** A push/pull that announces this much and then says nothing. */
const announced = (nodes: number, userStateLen: number) =>
  Message.encodeBody(Message.MessageType.PushPull, Message.pushPullHeaderCodec, { nodes, userStateLen, join: false })

const ping = { _tag: "Ping", seqNo: 7, node: "a" } as const

const counter = (
  node: { readonly cluster: { readonly counters: Effect.Effect<ReadonlyMap<string, number>> } },
  name: string
) => Effect.map(node.cluster.counters, (counters) => counters.get(name) ?? 0)

describe("a push/pull from a peer", () => {
  clusterTest(
    "is answered with what we knew before it, and then merged",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const third = yield* fakePeer("q", "10.0.0.8")
      yield* peer.send(node, peer.alive(), { _tag: "Suspect", incarnation: 1, node: "p", from: "z" })
      yield* TestClock.adjust("20 millis")
      const answer = yield* peer.ask(
        node,
        pushPull([peer.row({ incarnation: 2 }), third.row(), peer.row({ name: "r", state: 7 })])
      )
      assert.isTrue(answer !== "closed" && answer._tag === "PushPull")
      if (answer === "closed" || answer._tag !== "PushPull") return
      assert.deepStrictEqual(
        answer.nodes.map(({ incarnation, name, port, state }) => ({ name, state, incarnation, port })).sort((x, y) =>
          x.name < y.name ? -1 : 1
        ),
        [{ name: "a", state: 0, incarnation: 1, port: 7946 }, { name: "p", state: 1, incarnation: 1, port: 7946 }]
      )
      assert.deepStrictEqual(answer.nodes.find(({ name }) => name === "p")?.addr, Uint8Array.of(10, 0, 0, 9))
      yield* TestClock.adjust("20 millis")
      assert.deepStrictEqual(yield* view(node), ["a alive", "p alive", "q alive"])
    })
  )

  clusterTest(
    "is not compressed when compression is off, and is when it is on",
    Effect.gen(function*() {
      const off = yield* start("a", "10.0.0.1", { config: quiet })
      const on = yield* start("b", "10.0.0.2", { config: { ...quiet, enableCompression: true } })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const firstByte = (to: typeof off) =>
        passing(Effect.scoped(Effect.gen(function*() {
          const connection = yield* peer.dial(to)
          yield* connection.write(pushPull([peer.row()]))
          return (yield* connection.pull)[0]
        })))
      assert.strictEqual(yield* firstByte(off), Message.MessageType.PushPull)
      assert.strictEqual(yield* firstByte(on), Message.MessageType.Compress)
    })
  )

  clusterTest(
    "with a version nobody here speaks is refused with a reason, and merges nothing",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const answer = yield* peer.ask(node, pushPull([peer.row({ vsn: Uint8Array.of(6, 7, 6, 0, 0, 0) })]))
      assert.isTrue(answer !== "closed" && answer._tag === "ErrorResponse" && answer.error.includes("p"))
      assert.deepStrictEqual(yield* view(node), ["a alive"])
      assert.strictEqual(yield* counter(node, "pushpull.refused:VersionMismatch"), 1)
    })
  )

  for (
    const [what, state, recovery, health] of [
      ["suspects us", 1, true, 1],
      ["holds us for dead, which costs no health,", 2, true, 0],
      ["holds us for dead, without recovery,", 2, false, 1]
    ] as const
  ) {
    clusterTest(
      `that ${what} is refuted in the answer's wake`,
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: { ...quiet, recovery } })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const us = peer.row({ name: "a", addr: Uint8Array.of(10, 0, 0, 1), incarnation: 5 })
        yield* peer.ask(node, pushPull([{ ...us, state }]))
        yield* TestClock.adjust("20 millis")
        assert.strictEqual((yield* node.cluster.localMember).incarnation, 6)
        assert.strictEqual(yield* stateOf(node, "a"), "alive")
        assert.strictEqual(yield* node.cluster.health, health)
      })
    )
  }
})

describe("a stream", () => {
  for (
    const [what, bytes] of [
      ["10,000,000 nodes", announced(10_000_000, 100)],
      ["minus one node", announced(-1, 0)],
      ["30,000,000 bytes of user state", announced(0, 30_000_000)],
      [
        "a user message of 30,000,000 bytes",
        Message.encodeBody(Message.MessageType.User, Message.userHeaderCodec, { userMsgLen: 30_000_000 })
      ]
    ] as const
  ) {
    clusterTest(
      `that announces ${what} is closed at once`,
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9")
        assert.strictEqual(yield* peer.ask(node, bytes), "closed")
        assert.strictEqual(yield* counter(node, "stream.rejected:TooLarge"), 1)
        assert.strictEqual(node.messages.length, 0)
      })
    )
  }

  clusterTest(
    "that stops half way through a push/pull is closed after the TCP timeout, and merges nothing",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { ...quiet, tcpTimeout: "2 seconds" } })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const whole = pushPull([peer.row(), peer.row({ name: "q" })])
      const net = yield* SimulatedNetwork
      const connection = yield* peer.dial(node).pipe(passing)
      yield* Effect.orDie(connection.write(whole.subarray(0, whole.length - 10)))
      yield* TestClock.adjust("1900 millis")
      assert.strictEqual((yield* net.stats).streamsOpen, 1)
      yield* TestClock.adjust("200 millis")
      assert.strictEqual(yield* passing(readMessage(connection, "initiator")), "closed")
      assert.strictEqual(yield* counter(node, "stream.failed:Timeout"), 1)
      assert.deepStrictEqual(yield* view(node), ["a alive"])
    })
  )

  for (
    const [what, request] of [
      ["an error answer", (row: Message.NodeState) => pushPull([{ ...row, vsn: Uint8Array.of(9, 9, 9, 0, 0, 0) }])],
      ["an ack", () => Message.encode({ ...ping, sourceAddr: noBytes, sourcePort: 0, sourceNode: "" })]
    ] as const
  ) {
    clusterTest(
      `whose peer does not read ${what} is closed after the TCP timeout`,
      Effect.gen(function*() {
        let answered = 0
        const node = yield* start("a", "10.0.0.1", {
          config: { ...quiet, tcpTimeout: "2 seconds" },
          transport: (inner) => ({
            ...inner,
            serve: (handler) =>
              inner.serve((connection) => {
                const write = () => Effect.andThen(Effect.sync(() => void answered++), Effect.never)
                return handler({ ...connection, write })
              })
          })
        })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const net = yield* SimulatedNetwork
        const connection = yield* peer.dial(node).pipe(passing)
        yield* Effect.orDie(connection.write(request(peer.row())))
        yield* TestClock.adjust("1900 millis")
        assert.deepStrictEqual([answered, (yield* net.stats).streamsOpen], [1, 1])
        yield* TestClock.adjust("200 millis")
        assert.strictEqual(yield* passing(readMessage(connection, "initiator")), "closed")
        assert.strictEqual(yield* counter(node, "stream.failed:Timeout"), 1)
      })
    )
  }

  clusterTest(
    "that its caller closes half way, or before the first byte, is closed here too",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const net = yield* SimulatedNetwork
      for (const bytes of [noBytes, Uint8Array.of(244), pushPull([peer.row()]).subarray(0, 20)]) {
        yield* passing(Effect.scoped(Effect.flatMap(peer.dial(node), (stream) => Effect.ignore(stream.write(bytes)))))
      }
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* net.stats).streamsOpen, 0)
      assert.strictEqual(yield* counter(node, "stream.rejected:Empty"), 1)
      assert.strictEqual(yield* counter(node, "stream.rejected:LabelTruncated"), 1)
      assert.strictEqual(yield* counter(node, "stream.rejected:Truncated"), 1)
      assert.deepStrictEqual(yield* view(node), ["a alive"])
    })
  )

  clusterTest(
    "with an empty user message delivers nothing, with another one that message",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      assert.strictEqual(yield* peer.ask(node, Frame.encodeUser(noBytes)), "closed")
      assert.strictEqual(yield* peer.ask(node, Frame.encodeUser(Uint8Array.of(1, 2))), "closed")
      assert.deepStrictEqual(node.messages.map(({ payload, via }) => [...payload, via]), [[1, 2, "stream"]])
    })
  )

  clusterTest(
    "with a message type that streams do not carry is closed without an answer",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: quiet })
      const peer = yield* fakePeer("p", "10.0.0.9")
      assert.strictEqual(yield* peer.ask(node, Message.encode(peer.alive())), "closed")
      assert.strictEqual(yield* counter(node, "stream.rejected:UnsupportedType"), 1)
      assert.deepStrictEqual(yield* view(node), ["a alive"])
    })
  )

  clusterTest(
    "with a push/pull beyond maxPushPulls is closed, even when all of them arrive at the same moment",
    Effect.gen(function*() {
      let serving = 0
      let most = 0
      const localState = Effect.gen(function*() {
        most = Math.max(most, ++serving)
        yield* Effect.sleep("10 millis")
        serving--
        return noBytes
      })
      const node = yield* start("a", "10.0.0.1", {
        config: { ...quiet, maxPushPulls: 2 },
        delegate: { localState: () => localState }
      })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const connections: Array<Connection> = []
      for (let i = 0; i < 6; i++) connections.push(yield* passing(peer.dial(node)))
      for (const connection of connections) yield* Effect.orDie(connection.write(pushPull([peer.row()])))
      yield* TestClock.adjust("50 millis")
      const answers = yield* Effect.forEach(connections, (connection) => passing(readMessage(connection, "initiator")))
      assert.strictEqual(answers.filter((answer) => answer !== "closed").length, 2)
      assert.strictEqual(most, 2)
      assert.strictEqual(yield* counter(node, "stream.rejected:TooManyPushPulls"), 4)
    }),
    { latency: ["1 millis", "1 millis"] }
  )

  clusterTest(
    "with a push/pull beyond maxPushPulls at one time is closed, and the next is served again",
    Effect.gen(function*() {
      let release: Effect.Effect<void> = Effect.void
      const gate = Effect.callback<void>((resume) => {
        release = Effect.sync(() => resume(Effect.void))
      })
      let calls = 0
      const node = yield* start("a", "10.0.0.1", {
        config: { ...quiet, maxPushPulls: 1 },
        delegate: { localState: () => calls++ === 0 ? Effect.as(gate, noBytes) : Effect.succeed(noBytes) }
      })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const held = yield* Effect.forkChild(peer.ask(node, pushPull([peer.row()])), { startImmediately: true })
      yield* TestClock.adjust("50 millis")
      assert.strictEqual(yield* peer.ask(node, pushPull([peer.row()])), "closed")
      assert.strictEqual(yield* counter(node, "stream.rejected:TooManyPushPulls"), 1)
      yield* release
      const first = yield* passing(Fiber.join(held))
      assert.isTrue(first !== "closed" && first._tag === "PushPull")
      const answer = yield* peer.ask(node, pushPull([peer.row()]))
      assert.isTrue(answer !== "closed" && answer._tag === "PushPull")
    })
  )
})
