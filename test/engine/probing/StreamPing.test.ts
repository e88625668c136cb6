import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { Connection } from "../../../src/Transport.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { clusterTest, start, stateOf } from "../../support/Cluster.ts"
import { fakePeer, introduce, nacking, readMessage } from "../../support/FakePeer.ts"

const probing = {
  gossipInterval: 0,
  pushPullInterval: 0,
  probeInterval: "1 second",
  probeTimeout: "100 millis",
  leaveTimeout: 0
} as const

const plain = { compress: false, encryption: undefined, label: new Uint8Array() }
const ack = (seqNo: number) => Frame.frame(Message.encode({ _tag: "Ack", seqNo, payload: null }), plain)

/**
 * What becomes of a member that hears no packets, and does this with the pings that come over streams: how the pings
 * read, whether the member is suspected within five seconds, and what it cost.
 */
const member = Effect.fnUntraced(function*(
  answer: (ping: Message.Ping, connection: Connection) => Effect.Effect<unknown, unknown>
) {
  const node = yield* start("a", "10.0.0.1", { config: probing })
  const pings: Array<Message.Ping> = []
  const peer = yield* fakePeer("p", "10.0.0.9", {
    onMessage: "none",
    onStream: (connection) =>
      Effect.gen(function*() {
        const message = yield* readMessage(connection, "responder")
        if (message === "closed" || message._tag !== "Ping") return
        pings.push(message)
        yield* Effect.ignore(answer(message, connection))
      })
  })
  yield* peer.send(node, peer.alive())
  yield* TestClock.adjust("5 seconds")
  const counters = yield* node.cluster.counters
  return {
    pings,
    packets: peer.all("Ping"),
    state: yield* stateOf(node, "p"),
    tcpOnly: counters.get("probe.tcp_only") ?? 0,
    failed: counters.get("probe.failed") ?? 0
  }
})

describe("a TCP ping", () => {
  clusterTest(
    "carries the probe's own number and the member's name, and its ack keeps the member alive",
    Effect.gen(function*() {
      const { failed, packets, pings, state, tcpOnly } = yield* member((ping, stream) => stream.write(ack(ping.seqNo)))
      assert.strictEqual(pings[0]?.node, "p")
      assert.strictEqual(pings[0]?.seqNo, packets[0]?.seqNo)
      assert.strictEqual(state, "alive")
      assert.isAbove(tcpOnly, 0)
      assert.strictEqual(failed, 0)
    })
  )

  clusterTest(
    "whose ack has another number is no answer",
    Effect.gen(function*() {
      const { pings, state, tcpOnly } = yield* member((ping, stream) => stream.write(ack(ping.seqNo + 1)))
      assert.isAbove(pings.length, 0)
      assert.strictEqual(state, "suspect")
      assert.strictEqual(tcpOnly, 0)
    })
  )

  clusterTest(
    "answered with another message is no answer",
    Effect.gen(function*() {
      const other = Frame.frame(Message.encode({ _tag: "ErrorResponse", error: "no" }), plain)
      const { state, tcpOnly } = yield* member((_, stream) => stream.write(other))
      assert.strictEqual(state, "suspect")
      assert.strictEqual(tcpOnly, 0)
    })
  )

  clusterTest(
    "that is never answered ends with the probe",
    Effect.gen(function*() {
      const { failed, pings, state } = yield* member(() => Effect.never)
      assert.isAbove(pings.length, 0)
      assert.strictEqual(state, "suspect")
      assert.isAbove(failed, 0)
    })
  )

  clusterTest(
    "that is hung up on is no answer",
    Effect.gen(function*() {
      const { state, tcpOnly } = yield* member(() => Effect.void)
      assert.strictEqual(state, "suspect")
      assert.strictEqual(tcpOnly, 0)
    })
  )
})

/** Two helpers, and a member that no packets reach; it answers pings over streams while `answers.now` is true. */
const deaf = Effect.fnUntraced(function*(config: { readonly disableTcpPings: boolean }, vsn?: Uint8Array) {
  const node = yield* start("a", "10.0.0.1", { config: { ...probing, ...config } })
  const helpers = [yield* fakePeer("b", "10.0.0.2", nacking), yield* fakePeer("c", "10.0.0.3", nacking)]
  const answers = { now: true, asked: 0 }
  const peer = yield* fakePeer("p", "10.0.0.9", {
    onMessage: "none",
    onStream: (connection) =>
      Effect.gen(function*() {
        const message = yield* readMessage(connection, "responder")
        if (message === "closed" || message._tag !== "Ping") return
        answers.asked++
        if (answers.now) yield* Effect.ignore(connection.write(ack(message.seqNo)))
      })
  })
  yield* introduce(node, ...helpers)
  yield* peer.send(node, peer.alive(vsn === undefined ? {} : { vsn }))
  /** How many were asked to ping for us, once a probe of the member has ended. */
  const probed = Effect.fnUntraced(function*() {
    const earlier = peer.all("Ping").length
    const requests = () => helpers.flatMap((helper) => helper.all("IndirectPing")).length
    const before = requests()
    while (peer.all("Ping").length === earlier) yield* TestClock.adjust("10 millis")
    yield* TestClock.adjust("1 second")
    return requests() - before
  })
  return { answers, node, probed }
})

describe("a member that no packets reach, with others who are asked to ping it", () => {
  clusterTest(
    "stays alive while it answers over TCP, and is suspected when it stops that",
    Effect.gen(function*() {
      const { answers, node, probed } = yield* deaf({ disableTcpPings: false })
      assert.strictEqual(yield* probed(), 2)
      assert.strictEqual(yield* stateOf(node, "p"), "alive")
      assert.strictEqual(yield* node.cluster.health, 0)
      answers.now = false
      assert.strictEqual(yield* probed(), 2)
      assert.strictEqual(yield* stateOf(node, "p"), "suspect")
      assert.strictEqual(answers.asked, 2)
    })
  )

  clusterTest(
    "is suspected without TCP pings, although it would answer one",
    Effect.gen(function*() {
      const { answers, node, probed } = yield* deaf({ disableTcpPings: true })
      assert.strictEqual(yield* probed(), 2)
      assert.strictEqual(yield* stateOf(node, "p"), "suspect")
      assert.strictEqual(answers.asked, 0)
    })
  )

  clusterTest(
    "is suspected when it is too old for a TCP ping, although it would answer one",
    Effect.gen(function*() {
      const { answers, node, probed } = yield* deaf({ disableTcpPings: false }, Uint8Array.of(1, 2, 2, 0, 0, 0))
      assert.strictEqual(yield* probed(), 2)
      assert.strictEqual(yield* stateOf(node, "p"), "suspect")
      assert.strictEqual(answers.asked, 0)
    })
  )
})

describe("a ping over a stream from a peer", () => {
  const ping = (node: string, seqNo: number) =>
    Frame.frame(
      Message.encode({ _tag: "Ping", seqNo, node, sourceAddr: new Uint8Array(), sourcePort: 0, sourceNode: "" }),
      plain
    )

  clusterTest(
    "is answered on the stream when it is for us or for anyone, and hung up on when it is for another",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { ...probing, probeInterval: 0, enableCompression: false } })
      const peer = yield* fakePeer("p", "10.0.0.9")
      assert.deepStrictEqual(yield* peer.ask(node, ping("a", 23)), { _tag: "Ack", seqNo: 23, payload: null })
      assert.deepStrictEqual(yield* peer.ask(node, ping("", 24)), { _tag: "Ack", seqNo: 24, payload: null })
      assert.strictEqual(yield* peer.ask(node, ping("mongo", 25)), "closed")
      assert.strictEqual((yield* node.cluster.counters).get("stream.rejected:PingForAnother"), 1)
    })
  )
})
