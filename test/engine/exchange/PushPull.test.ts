import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import type { MemberlistConfig } from "../../../src/MemberlistConfig.ts"
import type { NodeState } from "../../../src/wire/message/Message.ts"
import * as Frame from "../../../src/wire/stream/Frame.ts"
import { clusterTest, joinAt, passing, start, startMany, stateOf, type TestNode, view } from "../../support/Cluster.ts"
import { type FakePeer, fakePeer, readMessage } from "../../support/FakePeer.ts"

/** Only push/pull. */
const synchronising = {
  gossipInterval: 0,
  probeInterval: 0,
  pushPullInterval: "1 second",
  leaveTimeout: 0
} as const

/** A peer that answers every push/pull with these rows. */
const answering = (name: string, ip: string, rows: (peer: FakePeer) => ReadonlyArray<NodeState>) =>
  Effect.gen(function*() {
    const peer: FakePeer = yield* fakePeer(name, ip, {
      onStream: (connection) =>
        Effect.gen(function*() {
          yield* readMessage(connection, "responder")
          const nodes = rows(peer)
          yield* connection.write(Frame.encodePushPull({ join: true, nodes, userState: new Uint8Array() }))
        }).pipe(Effect.ignore)
    })
    return peer
  })

const all = (...names: ReadonlyArray<string>) => names.map((name) => `${name} alive`)

describe("periodic push/pull", () => {
  clusterTest(
    "brings news to members that no gossip reaches, and stops with the node",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: synchronising })
      const b = yield* start("b", "10.0.0.2", { config: synchronising })
      const c = yield* start("c", "10.0.0.3", { config: synchronising })
      yield* joinAt(b, a.address)
      yield* joinAt(c, a.address)
      assert.deepStrictEqual(yield* view(b), all("a", "b"))
      yield* TestClock.adjust("10 seconds")
      for (const node of [a, b, c]) assert.deepStrictEqual(yield* view(node), all("a", "b", "c"))
      yield* passing(c.stop)
      const before = (yield* a.cluster.counters).get("tcp.accept") ?? 0
      yield* passing(b.stop)
      yield* TestClock.adjust("60 seconds")
      const after = (yield* a.cluster.counters).get("tcp.accept") ?? 0
      assert.isAtMost(after - before, 1)
    })
  )

  clusterTest(
    "runs one exchange at a time, and goes on after one that failed",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: synchronising })
      const silent = yield* fakePeer("p", "10.0.0.9")
      yield* silent.send(a, silent.alive())
      yield* TestClock.adjust("60 seconds")
      const counters = yield* a.cluster.counters
      assert.isAbove(counters.get("pushpull.failed:TransportError") ?? 0, 3)
      // Each exchange that nobody answers takes the TCP timeout of 10 s and the interval.
      assert.isAtMost(counters.get("tcp.connect") ?? 0, 6)
    })
  )
})

describe("protocol versions", () => {
  clusterTest(
    "1 to 5 make one cluster",
    Effect.gen(function*() {
      const nodes: Array<TestNode> = []
      for (let version = 1; version <= 5; version++) {
        const node = yield* start(`v${version}`, `10.0.0.${version}`, { config: { protocolVersion: version } })
        const [first] = nodes
        if (first !== undefined) yield* joinAt(node, first.address)
        nodes.push(node)
      }
      yield* TestClock.adjust("20 seconds")
      for (const node of nodes) {
        assert.deepStrictEqual(yield* view(node), all("v1", "v2", "v3", "v4", "v5"))
        assert.isUndefined((yield* node.cluster.counters).get("probe.failed"))
      }
      const spoken = yield* nodes[0]!.cluster.members
      assert.sameMembers(spoken.map(({ versions }) => versions.current), [1, 2, 3, 4, 5])
    })
  )

  for (
    const [what, ours, theirs, refusal] of [
      ["that overlap join", [2, 0, 3], [2, 1, 4], undefined],
      [
        "where ours is too old for the others fail",
        [1, 0, 3],
        [2, 2, 4],
        "member \"b\" speaks delegate protocol 1 and understands 0 to 3, but member \"a\" understands only 2 to 4 and speaks 2; "
        + "expected ranges from delegateProtocolMin to delegateProtocolMax that overlap, and a delegateProtocolVersion "
        + "that is in all of them (Serf and Consul need 2, 5, and 4 or 5)"
      ],
      [
        "where ours is too new for the others fail",
        [4, 2, 4],
        [2, 1, 3],
        "member \"b\" speaks delegate protocol 4 and understands 2 to 4, but member \"a\" understands only 1 to 3 and speaks 2; "
      ],
      [
        "that are not set, where the others are Serf's, fail and tell what to set",
        [0, 0, 0],
        [4, 2, 5],
        "member \"a\" speaks delegate protocol 4 and understands 2 to 5, but member \"b\" understands only 0 to 0 and speaks 0; "
        + "on \"b\" set delegateProtocolMin to 2, delegateProtocolMax to 5 and delegateProtocolVersion to 4 "
        + "(Serf and Consul need 2, 5, and 4 or 5)"
      ],
      ["that are what such a message says join", [4, 2, 5], [4, 2, 5], undefined]
    ] as const
  ) {
    clusterTest(
      `of delegates ${what}`,
      Effect.gen(function*() {
        const config = ([current, min, max]: readonly [number, number, number]): Parameters<
          typeof MemberlistConfig.layer
        >[0] => ({
          delegateProtocolVersion: current,
          delegateProtocolMin: min,
          delegateProtocolMax: max
        })
        const a = yield* start("a", "10.0.0.1", { config: config(theirs) })
        const b = yield* start("b", "10.0.0.2", { config: config(ours) })
        const outcome = yield* Effect.result(joinAt(b, a.address))
        assert.strictEqual(outcome._tag, refusal === undefined ? "Success" : "Failure")
        assert.deepStrictEqual(yield* view(a), refusal === undefined ? all("a", "b") : all("a"))
        if (refusal === undefined || outcome._tag === "Success") return
        assert.deepStrictEqual(outcome.failure.failed.map(({ error }) => error._tag), ["VersionMismatch"])
        assert.include(outcome.failure.message, refusal)
      })
    )
  }
})

describe("a list of a peer that speaks other versions", () => {
  clusterTest(
    "fails our join with both ranges, and with the settings that make them overlap",
    Effect.gen(function*() {
      const serf = Uint8Array.of(1, 5, 2, 2, 5, 4)
      const node = yield* start("a", "10.0.0.1", { config: synchronising })
      yield* answering("serf", "10.0.0.9", (peer) => [peer.row({ vsn: serf })])
      const { failed: [failed] } = yield* Effect.flip(joinAt(node, "10.0.0.9:7946"))
      assert.deepInclude(failed?.error, {
        _tag: "VersionMismatch",
        kind: "delegate protocol",
        member: { name: "serf", current: 4, min: 2, max: 5 },
        other: { name: "a", current: 0, min: 0, max: 0 }
      })
      assert.include(
        failed?.error.message,
        "on \"a\" set delegateProtocolMin to 2, delegateProtocolMax to 5 and delegateProtocolVersion to 4"
      )
    })
  )
})

describe("a row without versions, or with some that contradict themselves,", () => {
  for (
    const [what, vsn] of [
      ["none", new Uint8Array()],
      ["zeros, as memberlist remembers none", new Uint8Array(6)],
      ["a minimum of zero", Uint8Array.of(0, 5, 2, 0, 0, 0)],
      ["a maximum of zero", Uint8Array.of(1, 0, 2, 0, 0, 0)]
    ] as const
  ) {
    clusterTest(
      `costs nobody else the exchange, whoever began it: ${what}`,
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: synchronising })
        const rows = (peer: FakePeer) => [
          peer.row(),
          ...[0, 1, 2, 3].map((state) => peer.row({ name: `old-${state}`, state, vsn }))
        ]
        const peer = yield* answering("p", "10.0.0.9", rows)
        const answer = yield* peer.ask(
          node,
          Frame.encodePushPull({ join: true, nodes: rows(peer), userState: new Uint8Array() })
        )
        assert.strictEqual(answer === "closed" ? answer : answer._tag, "PushPull")
        assert.strictEqual((yield* joinAt(node, "10.0.0.9:7946")).contacted.length, 1)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* view(node), all("a", "p"))
        assert.isUndefined((yield* node.cluster.counters).get("pushpull.failed:VersionMismatch"))
      })
    )
  }
})

describe("a large list", () => {
  clusterTest(
    "is merged in steps of 256 rows, each published by itself, and others have their turn between them",
    Effect.gen(function*() {
      const a = yield* start("a", "10.0.0.1", { config: { probeInterval: 0, gossipInterval: 0 } })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const sizes = new Set<number>()
      const watch = Effect.gen(function*() {
        for (;;) {
          sizes.add((yield* a.cluster.members).length)
          yield* Effect.yieldNow
        }
      })
      yield* Effect.forkScoped(watch)
      const nodes = Array.from({ length: 3_500 }, (_, i) => peer.row({ name: `n${i}`, port: 1_000 + i }))
      yield* peer.ask(a, Frame.encodePushPull({ join: false, nodes, userState: new Uint8Array() }))
      yield* TestClock.adjust("10 millis")
      const steps = Array.from({ length: 14 }, (_, i) => 1 + 256 * i)
      assert.deepStrictEqual([...sizes].sort((x, y) => x - y), [...steps, 3_501])
      // a subscriber may be 1,024 events behind, and loses none of them
      assert.strictEqual(a.seen.filter((event) => event.startsWith("MemberJoined n")).length, 3_500)
    })
  )
})

describe("a member that a peer believes dead", () => {
  clusterTest(
    "only becomes suspect here, and may refute",
    Effect.gen(function*() {
      const [a, b] = yield* startMany(2, { config: { pushPullInterval: 0 } })
      const peer = yield* fakePeer("p", "10.0.0.9")
      const us = yield* b!.cluster.localMember
      const row = peer.row({ name: "b", addr: us.addr, port: us.port, state: 2 })
      yield* peer.ask(a!, Frame.encodePushPull({ join: false, nodes: [row], userState: new Uint8Array() }))
      // it is told at once, and contradicts at once
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* stateOf(a!, "b"), "alive")
      const suspected = a!.seen.indexOf("MemberSuspected b")
      assert.isAtLeast(suspected, 0)
      assert.isAbove(a!.seen.indexOf("MemberRecovered b"), suspected)
      assert.notInclude(a!.seen, "MemberFailed b")
    })
  )
})
