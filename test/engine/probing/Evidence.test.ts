/**
 * What a node finds out by its own probes, path by path, and where that is told: in the event, in the history, in the
 * log.
 */
import { assert, describe } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { TransportError } from "../../../src/MemberlistError.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import type { Connection } from "../../../src/Transport.ts"
import type { Verdict } from "../../../src/Verdict.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import {
  clusterTest,
  type NodeOptions,
  passing,
  start,
  startMany,
  stateOf,
  type TestNode
} from "../../support/Cluster.ts"
import { type FakePeer, fakePeer, introduce, mute, nacking, readMessage } from "../../support/FakePeer.ts"
import { entries, logging } from "../../support/Telemetry.ts"

const probing = {
  gossipInterval: 0,
  pushPullInterval: 0,
  probeInterval: "1 second",
  probeTimeout: "500 millis",
  leaveTimeout: 0
} as const

/** A member that answers no pings; what it does with streams is the test's. */
const target = (onStream?: (connection: Connection) => Effect.Effect<void>) =>
  fakePeer("p", "10.0.0.9", { onMessage: "none", ...(onStream === undefined ? {} : { onStream }) })

/** Answers a ping over a stream, and holds it open. */
const answering = (answer: (ping: Message.Ping) => Message.Ack | Message.ErrorResponse) => (connection: Connection) =>
  Effect.gen(function*() {
    const message = yield* readMessage(connection, "responder")
    if (message === "closed" || message._tag !== "Ping") return
    const plain = { compress: false, encryption: undefined, label: new Uint8Array() }
    yield* Effect.ignore(connection.write(Frame.frame(Message.encode(answer(message)), plain)))
  })

/** A node with a nacking and a mute helper, and the first verdict it reaches about `p`. */
const judged = Effect.fnUntraced(function*(peer: FakePeer, options: NodeOptions = {}) {
  const node = yield* start("a", "10.0.0.1", { ...options, config: { ...probing, ...options.config } })
  yield* introduce(node, yield* fakePeer("b", "10.0.0.2", nacking), yield* fakePeer("c", "10.0.0.3", mute), peer)
  const verdict = yield* firstOf(node)
  return { node, verdict }
})

const firstOf = Effect.fnUntraced(function*(node: TestNode): Effect.fn.Return<Verdict> {
  for (let i = 0; i < 20_000; i++) {
    const verdict = yield* node.cluster.verdict("p")
    if (Option.isSome(verdict)) return verdict.value
    // so fine that nothing else happens between the verdict and what a test looks at
    yield* TestClock.adjust("1 millis")
  }
  return assert.fail("no verdict")
})

const byName = (verdict: Verdict) =>
  Object.fromEntries((verdict.probe?.helpers ?? []).map(({ answer, name }) => [name, answer]))

describe("a probe that nobody answers", () => {
  clusterTest(
    "tells its silent ping, the helper that nacked, the one that was silent, and the silent TCP ping",
    Effect.gen(function*() {
      // a helper that did not get an answer either says so after 400 ms, which the probe still sees
      const { verdict } = yield* judged(yield* target(), { config: { probeTimeout: "400 millis" } })
      assert.deepStrictEqual(
        [verdict.outcome, verdict.reason, verdict.node, verdict.from, verdict.member],
        ["suspected", "Unanswered", "a", "a", "p"]
      )
      assert.deepStrictEqual([verdict.probe?.direct, verdict.probe?.timeout], ["Silent", 400])
      assert.deepStrictEqual(byName(verdict), { b: "Nack", c: "Silent" })
      assert.deepStrictEqual([verdict.probe?.strayNacks, verdict.probe?.stream], [0, "Silent"])
      assert.deepStrictEqual([verdict.suspicion?.accuser, verdict.suspicion?.lasted], ["a", 0])
    })
  )

  clusterTest(
    "is over before a nack is due in the LAN preset, and then calls no healthy helper silent for that",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const [a, , , d] = yield* startMany(4)
      yield* network.crash(d!.ip, "Silent")
      yield* TestClock.adjust("20 seconds")
      const verdict = (yield* a!.cluster.verdicts).find(({ probe }) => probe !== undefined)
      assert.deepStrictEqual(verdict?.probe?.helpers.map(({ answer }) => answer), ["TooEarly", "TooEarly"])
    })
  )

  clusterTest(
    "tells that TCP is refused",
    Effect.gen(function*() {
      const network = yield* SimulatedNetwork
      const peer = yield* target()
      const node = yield* start("a", "10.0.0.1", { config: probing })
      yield* introduce(node, peer)
      yield* network.crash("10.0.0.9", "Refuse")
      assert.strictEqual((yield* firstOf(node)).probe?.stream, "Refused")
    })
  )

  clusterTest(
    "tells that TCP hung up, or answered something else",
    Effect.gen(function*() {
      const hung = yield* judged(yield* target(() => Effect.void))
      assert.strictEqual(hung.verdict.probe?.stream, "Broken")
    })
  )

  clusterTest(
    "tells that the ack over TCP was to another ping",
    Effect.gen(function*() {
      const other = answering(({ seqNo }) => ({ _tag: "Ack", seqNo: seqNo + 1, payload: null }))
      const { verdict } = yield* judged(yield* target(other))
      assert.strictEqual(verdict.probe?.stream, "OtherAnswer")
    })
  )

  clusterTest(
    "tells that TCP was not tried, and that nobody could help",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: { ...probing, disableTcpPings: true } })
      yield* introduce(node, yield* target())
      const { probe } = yield* firstOf(node)
      assert.deepStrictEqual([probe?.stream, probe?.helpers], ["NotTried", []])
    })
  )

  clusterTest(
    "tells that the network refused the ping itself",
    Effect.gen(function*() {
      const refuse = new TransportError({
        operation: "send",
        kind: "Unreachable",
        scope: "Remote",
        address: "10.0.0.9",
        cause: new Error("no")
      })
      const { verdict } = yield* judged(yield* target(), {
        transport: (inner) => ({
          ...inner,
          send: (to, payload) => to.ip === "10.0.0.9" ? Effect.fail(refuse) : inner.send(to, payload)
        })
      })
      assert.strictEqual(verdict.probe?.direct, "NotSent")
    })
  )

  clusterTest(
    "counts a nack from an address that no helper has, and does not call the helper's word its own",
    Effect.gen(function*() {
      const peer = yield* target()
      const node = yield* start("a", "10.0.0.1", { config: probing })
      const elsewhere = yield* fakePeer("x", "10.0.0.77", { onMessage: "none" })
      const helper = yield* fakePeer("b", "10.0.0.2", {
        onMessage: (self, message, from) =>
          message._tag === "Ping"
            ? self.send(from, { _tag: "Ack", seqNo: message.seqNo, payload: null })
            : message._tag === "IndirectPing"
            ? elsewhere.send(from, { _tag: "Nack", seqNo: message.seqNo })
            : Effect.void
      })
      yield* introduce(node, helper, peer)
      const verdict = yield* firstOf(node)
      assert.deepStrictEqual([byName(verdict), verdict.probe?.strayNacks], [{ b: "TooEarly" }, 1])
    })
  )

  clusterTest(
    "has this node's health before that probe changed it",
    Effect.gen(function*() {
      const { node, verdict } = yield* judged(yield* target())
      assert.strictEqual(verdict.health, 0)
      assert.strictEqual(yield* node.cluster.health, 1)
    })
  )
})

describe("a probe that is answered", () => {
  clusterTest(
    "over TCP alone leads to no verdict",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: probing })
      yield* introduce(node, yield* target(answering(({ seqNo }) => ({ _tag: "Ack", seqNo, payload: null }))))
      yield* TestClock.adjust("20 seconds")
      assert.strictEqual(yield* stateOf(node, "p"), "alive")
      assert.deepStrictEqual(yield* node.cluster.verdicts, [])
    })
  )
})

describe("a verdict", () => {
  clusterTest(
    "is on each event, in order in the history, and the last one is found by name",
    Effect.gen(function*() {
      const { node } = yield* judged(yield* target())
      yield* TestClock.adjust("30 seconds")
      const told = node.events.flatMap((event) => "verdict" in event ? [event.verdict] : [])
      assert.deepStrictEqual(told.map(({ outcome }) => outcome), ["suspected", "failed"])
      const kept = yield* node.cluster.verdicts
      assert.strictEqual(kept.length, told.length)
      for (const [i, verdict] of kept.entries()) assert.strictEqual(verdict, told[i])
      assert.strictEqual(Option.getOrUndefined(yield* node.cluster.verdict("p")), told.at(-1))
      assert.isTrue(Option.isNone(yield* node.cluster.verdict("nobody")))
      const [suspected, failed] = kept
      assert.deepStrictEqual(failed?.probe, suspected?.probe)
      const lasted = DateTime.toEpochMillis(failed!.at) - DateTime.toEpochMillis(suspected!.at)
      assert.closeTo(lasted, failed?.suspicion?.lasted ?? 0, 1)
      assert.strictEqual(failed?.reason, "Expired")
    })
  )

  clusterTest(
    "has the time of the wall clock",
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.parse("2026-01-02T03:04:05Z"))
      const { verdict } = yield* judged(yield* target())
      assert.strictEqual(DateTime.formatIso(verdict.at).slice(0, 13), "2026-01-02T03")
    })
  )

  clusterTest(
    "says who confirmed and when, and that this node only heard of it",
    Effect.gen(function*() {
      const config = { ...probing, probeInterval: 0, suspicionMult: 4 } as const
      const node = yield* start("a", "10.0.0.1", { config })
      const peer = yield* target()
      const others = [
        yield* fakePeer("b", "10.0.0.2"),
        yield* fakePeer("c", "10.0.0.3"),
        yield* fakePeer("d", "10.0.0.4")
      ]
      yield* introduce(node, ...others, peer)
      const accuse = (from: string) => others[0]!.send(node, { _tag: "Suspect", incarnation: 1, node: "p", from })
      yield* accuse("b")
      yield* TestClock.adjust("300 millis")
      yield* accuse("c")
      yield* TestClock.adjust("500 millis")
      yield* accuse("d")
      yield* TestClock.adjust("30 seconds")
      const verdict = Option.getOrThrow(yield* node.cluster.verdict("p"))
      assert.isUndefined(verdict.probe)
      const { confirmations = [] } = verdict.suspicion ?? {}
      assert.deepStrictEqual(confirmations.map(({ from }) => from), ["c", "d"])
      assert.closeTo(confirmations[0]?.after ?? 0, 300, 10)
      assert.closeTo(confirmations[1]?.after ?? 0, 800, 10)
      assert.strictEqual(
        String(verdict),
        "p failed: accused by b; not probed by this node; confirmed by c (+0.3 s), d (+0.8 s); "
          + "expired after 4.0 s; local health 0"
      )
    })
  )

  clusterTest(
    "of a suspicion that began before is told to a subscriber who comes later",
    Effect.gen(function*() {
      const { node, verdict } = yield* judged(yield* target())
      yield* TestClock.adjust("100 millis")
      const late = yield* firstEvent(node)
      assert.deepStrictEqual(late, verdict)
    })
  )

  clusterTest(
    "is one line of the log, for our own suspicion and how it ended",
    logging((log) =>
      Effect.gen(function*() {
        const { node, verdict } = yield* judged(yield* target())
        yield* TestClock.adjust("30 seconds")
        const [suspecting] = entries(log, "suspecting a member")
        assert.strictEqual(suspecting?.annotations["verdict"], String(verdict))
        assert.match(
          String(verdict),
          /^p suspected: no ack in 500 ms, helpers: (b nack, c silent \(a nack was not due\)|c silent \(a nack was not due\), b nack); TCP silent; expires after 24.0 s; /
        )
        const [failing] = entries(log, "declaring a member failed")
        assert.strictEqual(
          failing?.annotations["verdict"],
          String(Option.getOrThrow(yield* node.cluster.verdict("p")))
        )
        assert.notInclude(String(failing?.annotations["verdict"]), "\n")
      })
    )
  )

  clusterTest(
    "is in the log at info when a member that we suspected refutes, and at debug when others tell of it",
    logging(
      (log) =>
        Effect.gen(function*() {
          const peer = yield* target()
          const { node } = yield* judged(peer)
          yield* peer.send(node, peer.alive({ incarnation: 2 }))
          yield* TestClock.adjust("10 millis")
          const [recovered] = entries(log, "was suspected here refuted it")
          assert.strictEqual(recovered?.level, "Info")
          assert.match(
            String(recovered?.annotations["verdict"]),
            /^p recovered: no ack in .* refuted at incarnation 2 after /
          )
          yield* peer.send(node, { _tag: "Dead", incarnation: 2, node: "p", from: "b" })
          yield* TestClock.adjust("10 millis")
          const [heard] = entries(log, "on the word of others")
          assert.strictEqual(heard?.level, "Debug")
          assert.match(String(heard?.annotations["verdict"]), /^p failed: declared by b; /)
        }),
      "Debug"
    )
  )

  clusterTest(
    "is not reached by a probe that the release of the node interrupts, and the history can still be read",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", { config: probing })
      const peer = yield* target()
      yield* introduce(node, peer)
      while (peer.all("Ping").length === 0) yield* TestClock.adjust("10 millis")
      yield* TestClock.adjust("600 millis")
      yield* passing(node.stop)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual((yield* node.cluster.verdicts).map(({ member, reason }) => `${member} ${reason}`), [
        "a Goodbye"
      ])
    })
  )
})

/** The verdict of the first suspicion that a new subscriber is told. */
const firstEvent = (node: TestNode) =>
  Effect.map(
    passing(Stream.runHead(Stream.filter(node.cluster.events, ({ _tag }) => _tag === "MemberSuspected"))),
    (event) => {
      const suspected = Option.getOrThrow(event)
      return "verdict" in suspected ? suspected.verdict : undefined
    }
  )
