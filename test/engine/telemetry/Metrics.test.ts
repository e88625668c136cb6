import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Metric from "effect/Metric"
import * as Redacted from "effect/Redacted"
import { TestClock } from "effect/testing"
import { descriptions } from "../../../src/engine/telemetry/Counters.ts"
import * as Counters from "../../../src/engine/telemetry/Counters.ts"
import { Memberlist, MemberlistLive } from "../../../src/Memberlist.ts"
import { MemberlistConfig } from "../../../src/MemberlistConfig.ts"
import * as Reporting from "../../../src/node/Reporting.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import * as Message from "../../../src/wire/message/Message.ts"
import * as Packet from "../../../src/wire/packet/Packet.ts"
import { clusterTest, joinAt, passing, start, startMany } from "../../support/Cluster.ts"
import { fakePeer } from "../../support/FakePeer.ts"
import { measuring, type Read } from "../../support/Telemetry.ts"

/** No traffic but what a test causes. */
const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0 } as const

const key = Redacted.make(new Uint8Array(32).fill(7))
const soon = TestClock.adjust("50 millis")

/** memberlist's metrics, and what kind each is. */
const names = {
  "memberlist.tcp.accept": "Counter",
  "memberlist.tcp.connect": "Counter",
  "memberlist.tcp.sent": "Counter",
  "memberlist.udp.sent": "Counter",
  "memberlist.udp.received": "Counter",
  "memberlist.msg.alive": "Counter",
  "memberlist.msg.suspect": "Counter",
  "memberlist.msg.dead": "Counter",
  "memberlist.degraded.probe": "Counter",
  "memberlist.degraded.timeout": "Counter",
  "memberlist.health.score": "Gauge",
  "memberlist.node.instances": "Gauge",
  "memberlist.size.local": "Gauge",
  "memberlist.size.remote": "Histogram",
  "memberlist.queue.broadcasts": "Histogram",
  "memberlist.probeNode": "Histogram",
  "memberlist.gossip": "Histogram",
  "memberlist.pushPullNode": "Histogram"
} as const

const messages = (read: Read, labels: Readonly<Record<string, string>> = {}) => ({
  alive: read.number("memberlist.msg.alive", labels),
  suspect: read.number("memberlist.msg.suspect", labels),
  dead: read.number("memberlist.msg.dead", labels)
})

describe("metrics", () => {
  clusterTest(
    "have memberlist's names and kinds, each described, and the configured labels on every one",
    measuring((read) =>
      Effect.gen(function*() {
        const nodes = yield* startMany(4, { config: { secretKey: key, metricLabels: { cluster: "orders" } } })
        const net = yield* SimulatedNetwork
        // the last one hears nobody, doubts itself, and is at last declared failed by too few
        yield* net.cut("*", nodes[3]!.ip)
        yield* TestClock.adjust("3 minutes")
        for (const [name, type] of Object.entries(names)) {
          const series = read.series(name)
          assert.strictEqual(series?.type, type, name)
          assert.isNotEmpty(series?.description ?? "", name)
        }
        for (const { attributes, id } of read.all()) assert.strictEqual(attributes?.["cluster"], "orders", id)
      })
    )
  )

  clusterTest(
    "go to the registry of the node's own context, and labels tell nodes in one registry apart",
    measuring((shared) =>
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: { metricLabels: { member: "a" } } })
        yield* start("b", "10.0.0.2", { config: { metricLabels: { member: "b" } } })
        yield* measuring((own) =>
          Effect.gen(function*() {
            const c = yield* start("c", "10.0.0.3", { config: { metricLabels: { member: "c" } } })
            yield* joinAt(c, a.address)
            assert.strictEqual(own.number("memberlist.tcp.connect", { member: "c" }), 2)
            assert.isUndefined(own.series("memberlist.tcp.accept", { member: "a" }))
          })
        )
        assert.strictEqual(shared.number("memberlist.tcp.accept", { member: "a" }), 2)
        assert.isUndefined(shared.series("memberlist.tcp.accept", { member: "b" }))
        assert.isUndefined(shared.series("memberlist.tcp.connect", { member: "c" }))
        const instances = (member: string, node_state: string) =>
          shared.number("memberlist.node.instances", { member, node_state })
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(instances("a", "alive"), 2)
        assert.strictEqual(instances("b", "alive"), 1)
      })
    )
  )

  clusterTest(
    "take a registry given to the layer alone",
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      const live = MemberlistLive.pipe(
        Layer.provide(SimulatedNetwork.transport("10.0.0.1")),
        Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name: "a", leaveTimeout: 0 })),
        Layer.provide(Layer.succeed(Metric.MetricRegistry, registry))
      )
      yield* Layer.build(live)
      const ids = [...registry.values()].map(({ id }) => id)
      assert.include(ids, "memberlist.msg.alive")
      assert.include(ids, "memberlist.health.score")
    })
  )
})

describe("msg.alive, msg.suspect and msg.dead", () => {
  clusterTest(
    "count claims that were accepted, not those that were ignored, repeated or confirmed",
    measuring((read) =>
      Effect.gen(function*() {
        // long intervals make long suspicions
        const node = yield* start("a", "10.0.0.1", { config: { ...quiet, probeInterval: "1 hour" } })
        const peer = yield* fakePeer("p", "10.0.0.9")
        assert.deepStrictEqual(messages(read), { alive: 1, suspect: 0, dead: 0 }, "our own announcement")
        yield* peer.send(node, peer.alive())
        yield* soon
        yield* peer.send(node, peer.alive())
        yield* soon
        assert.deepStrictEqual(messages(read), { alive: 2, suspect: 0, dead: 0 })
        const suspect = (from: string): Message.Suspect => ({ _tag: "Suspect", incarnation: 1, node: "p", from })
        yield* peer.send(node, suspect("x"))
        yield* soon
        yield* peer.send(node, suspect("x"))
        yield* peer.send(node, suspect("y"))
        yield* soon
        assert.deepStrictEqual(messages(read), { alive: 2, suspect: 1, dead: 0 })
        const dead: Message.Dead = { _tag: "Dead", incarnation: 1, node: "p", from: "x" }
        yield* peer.send(node, dead)
        yield* soon
        yield* peer.send(node, { ...dead, from: "y" })
        yield* peer.send(node, { ...dead, node: "nobody" })
        yield* soon
        assert.deepStrictEqual(messages(read), { alive: 2, suspect: 1, dead: 1 })
      })
    )
  )

  clusterTest(
    "count a refuted alive claim as alive, and a refuted accusation not at all",
    measuring((read) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9")
        const own = yield* node.cluster.localMember
        yield* peer.send(node, { _tag: "Suspect", incarnation: own.incarnation, node: "a", from: "p" })
        yield* soon
        assert.strictEqual((yield* node.cluster.localMember).incarnation, own.incarnation + 1)
        assert.deepStrictEqual(messages(read), { alive: 1, suspect: 0, dead: 0 })
        yield* peer.send(
          node,
          peer.alive({ node: "a", incarnation: 9, addr: Uint8Array.of(10, 0, 0, 1), meta: Uint8Array.of(1) })
        )
        yield* soon
        assert.strictEqual((yield* node.cluster.localMember).incarnation, 10)
        assert.deepStrictEqual(messages(read), { alive: 2, suspect: 0, dead: 0 })
      })
    )
  )

  clusterTest(
    "count our own goodbye, and our return",
    measuring((read) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        yield* passing(node.cluster.leave())
        assert.deepStrictEqual(messages(read), { alive: 1, suspect: 0, dead: 1 })
        yield* passing(node.cluster.join([]))
        assert.deepStrictEqual(messages(read), { alive: 2, suspect: 0, dead: 1 })
      })
    )
  )
})

describe("tcp and udp", () => {
  clusterTest(
    "count streams on both sides, and only push/pulls as connected",
    measuring((read) =>
      Effect.gen(function*() {
        const of = (member: string) => ({ config: { ...quiet, metricLabels: { member } } })
        const a = yield* start("a", "10.0.0.1", of("a"))
        const b = yield* start("b", "10.0.0.2", of("b"))
        yield* joinAt(b, a.address)
        yield* passing(b.cluster.send({ name: "a" }, new Uint8Array(10), { reliable: true }))
        yield* soon
        assert.strictEqual(read.number("memberlist.tcp.connect", { member: "b" }), 2)
        assert.strictEqual(read.number("memberlist.tcp.accept", { member: "a" }), 3)
        assert.strictEqual(read.number("memberlist.tcp.accept", { member: "b" }), 0)
      })
    )
  )

  clusterTest(
    "count bytes without the label header when sending, and whole packets when receiving",
    measuring((read) =>
      Effect.gen(function*() {
        const config = { ...quiet, label: "blue", enableCompression: false, metricLabels: { member: "a" } }
        const node = yield* start("a", "10.0.0.1", { config })
        const label = new TextEncoder().encode("blue")
        const peer = yield* fakePeer("p", "10.0.0.9", { inbound: { label } })
        const ping = Packet.encode(Message.encode(peer.ping(1)), {
          label,
          compress: false,
          crc: false,
          encryption: undefined
        })
        yield* peer.sendBytes(node, ping)
        yield* soon
        const [answer] = peer.datagrams
        assert.strictEqual(read.number("memberlist.udp.received"), ping.length)
        assert.strictEqual(read.number("memberlist.udp.sent"), answer!.length - 2 - label.length)
        let streamed = 0
        yield* fakePeer("q", "10.0.0.8", {
          onStream: (connection) =>
            Effect.ignore(
              Effect.forever(Effect.tap(connection.pull, (chunk) => Effect.sync(() => streamed += chunk.length)))
            )
        })
        yield* passing(node.cluster.send({ address: "q/10.0.0.8:7946" }, new Uint8Array(1000), { reliable: true }))
        yield* TestClock.adjust("1 second")
        assert.isAbove(streamed, 1000)
        assert.strictEqual(read.number("memberlist.tcp.sent"), streamed - 2 - label.length)
      })
    )
  )
})

describe("size.local, size.remote and node.instances", () => {
  clusterTest(
    "are the real size of our state, the size of encrypted frames, and the members by state",
    measuring((read) =>
      Effect.gen(function*() {
        const config = { ...quiet, secretKey: key, enableCompression: false }
        const a = yield* start("a", "10.0.0.1", { config: { ...config, metricLabels: { member: "a" } } })
        const b = yield* start("b", "10.0.0.2", { config: { ...config, metricLabels: { member: "b" } } })
        yield* joinAt(b, a.address)
        const local = read.number("memberlist.size.local", { member: "a" })
        assert.isAbove(local, 80)
        assert.isBelow(local, 200)
        // the frame is the state, with version, nonce and tag around it
        const remote = read.histogram("memberlist.size.remote", { member: "b" })
        // asked first, and then exchanged
        assert.strictEqual(remote?.count, 2)
        assert.strictEqual(remote?.sum, 2 * (local + 1 + 12 + 16))
        // b's state at the time it was sent: b alone
        const alive = { member: "b", node_state: "alive" }
        assert.strictEqual(read.number("memberlist.node.instances", alive), 1)
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(read.number("memberlist.node.instances", alive), 2)
        yield* passing(a.cluster.leave({ timeout: 0 }))
        yield* b.cluster.member("a")
        yield* joinAt(b, a.address)
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(read.number("memberlist.node.instances", { member: "b", node_state: "left" }), 1)
        assert.strictEqual(read.number("memberlist.node.instances", alive), 1)
      })
    )
  )
})

describe("queue.broadcasts", () => {
  const sampled = (queueCheckInterval: "10 seconds" | 0) =>
    measuring((read) =>
      Effect.gen(function*() {
        const { cluster } = yield* start("a", "10.0.0.1", { config: { ...quiet, queueCheckInterval } })
        yield* TestClock.adjust("65 seconds")
        assert.isUndefined((yield* cluster.counters).get("fiber.restarted:sampler"))
        return read.histogram("memberlist.queue.broadcasts")
      })
    )

  clusterTest(
    "is sampled every queueCheckInterval",
    Effect.gen(function*() {
      const queued = yield* sampled("10 seconds")
      assert.strictEqual(queued?.count, 6)
      // our own announcement, which nobody is there to hear
      assert.strictEqual(queued?.max, 1)
    })
  )

  clusterTest(
    "is never sampled when queueCheckInterval is 0",
    Effect.gen(function*() {
      assert.isUndefined(yield* sampled(0))
    })
  )
})

describe("probeNode, gossip and pushPullNode", () => {
  clusterTest(
    "are milliseconds on the node's clock",
    measuring((read) =>
      Effect.gen(function*() {
        const [a, b] = yield* startMany(2, { config: { pushPullInterval: 0, metricLabels: {} } })
        const net = yield* SimulatedNetwork
        yield* net.crash(b!.ip)
        yield* TestClock.adjust("5 seconds")
        const probes = read.histogram("memberlist.probeNode")
        // answered within a round trip of 2 to 10 ms; unanswered, at the end of the interval
        assert.isAtMost(probes?.min ?? 0, 12)
        assert.isAtLeast(probes?.max ?? 0, 1000)
        const rounds = () => read.histogram("memberlist.gossip")?.count ?? 0
        assert.isAbove(rounds(), 10)
        const exchanges = read.histogram("memberlist.pushPullNode")
        assert.strictEqual(exchanges?.count, 1)
        assert.isAtLeast(exchanges?.sum ?? 0, 4)
        assert.isAtMost(exchanges?.sum ?? 0, 30)
        assert.isDefined(a)
        // with nothing to say there are none
        yield* TestClock.adjust("1 minute")
        const quiet = rounds()
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(rounds(), quiet)
      })
    )
  )
})

describe("health.score", () => {
  clusterTest(
    "follows the score",
    measuring((read) =>
      Effect.gen(function*() {
        const [a] = yield* startMany(3, { config: { metricLabels: {} } })
        assert.strictEqual(read.number("memberlist.health.score"), 0)
        const d = yield* start("d", "10.0.0.4", { config: { metricLabels: { member: "d" } } })
        yield* joinAt(d, a!.address)
        const net = yield* SimulatedNetwork
        yield* net.cut("*", d.ip)
        yield* TestClock.adjust("10 seconds")
        const score = read.number("memberlist.health.score", { member: "d" })
        assert.isAbove(score, 0)
        assert.strictEqual(score, yield* d.cluster.health)
      })
    )
  )
})

describe("refusals and drops", () => {
  clusterTest(
    "are counted by reason, in the registry as in the service",
    measuring((read) =>
      Effect.gen(function*() {
        const node = yield* start("a", "10.0.0.1", { config: quiet })
        const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none" })
        yield* peer.sendBytes(node, Uint8Array.of(99, 1, 2))
        yield* peer.sendBytes(node, new Uint8Array(0))
        yield* peer.send(node, peer.ping(1, "z"))
        yield* peer.send(node, { _tag: "Ack", seqNo: 1, payload: null })
        yield* peer.send(node, peer.alive({ vsn: new Uint8Array(0) }))
        yield* soon
        yield* peer.ask(node, Uint8Array.of(6, 0xc1))
        const expected = {
          "packet.rejected:UnsupportedType": 1,
          "packet.rejected:Empty": 1,
          "packet.rejected:PingForAnother": 1,
          "packet.rejected:UnexpectedAck": 1,
          "claim.ignored:VersionsMissing": 1,
          "stream.rejected:InvalidMessage": 1
        } as const
        const counters = yield* node.cluster.counters
        for (const [name, total] of Object.entries(expected)) {
          const [metric = "", reason = ""] = name.split(":")
          assert.strictEqual(counters.get(name as keyof typeof expected), total, name)
          assert.strictEqual(read.number(`memberlist.${metric}`, { reason }), total, name)
        }
      })
    )
  )

  clusterTest(
    "of a queue that is full are counted, by queue",
    Effect.gen(function*() {
      const node = yield* start("a", "10.0.0.1", {
        config: { ...quiet, handoffQueueDepth: 2 },
        delegate: { admit: ({ name }) => name === "a" ? Effect.void : Effect.sleep("1 second") }
      })
      const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none" })
      const users = Array.from({ length: 5 }, () => ({ _tag: "User", payload: new Uint8Array(1) }) as const)
      yield* peer.send(node, peer.alive())
      yield* soon
      yield* peer.send(node, ...users, peer.alive(), peer.alive(), peer.alive())
      yield* soon
      const counters = yield* node.cluster.counters
      assert.strictEqual(counters.get("packet.dropped:QueueFull"), 3)
      assert.strictEqual(counters.get("packet.dropped:AliveQueueFull"), 1)
    })
  )

  clusterTest(
    "of the transport's own limits are among the counters, and metrics with the node's labels",
    Effect.gen(function*() {
      const registry: Metric.MetricRegistry = new Map()
      const notices = Reporting.make()
      notices.notify({ _tag: "PacketsDropped", count: 2, detail: "4 were waiting" })
      const { cluster } = yield* start("a", "10.0.0.1", {
        config: { ...quiet, metricLabels: { member: "a" } },
        transport: (inner) => ({ ...inner, onNotice: notices.onNotice })
      }).pipe(Effect.provideService(Metric.MetricRegistry, registry))
      for (let i = 0; i < 3; i++) {
        notices.notify({ _tag: "StreamRefused", peer: { ip: "10.0.0.9", port: 7946 }, detail: "2 are open" })
      }
      const counters = yield* cluster.counters
      assert.strictEqual(counters.get("udp.dropped"), 2)
      assert.strictEqual(counters.get("tcp.refused"), 3)
      const metrics = yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, registry)
      const metric = metrics.find(({ id }) => id === "memberlist.tcp.refused")
      assert.deepInclude(metric?.state, { count: 3 })
      assert.deepStrictEqual(metric?.attributes, { member: "a" })
    })
  )

  clusterTest(
    "of messages that nobody here subscribed to are counted",
    Effect.gen(function*() {
      const context = yield* Layer.build(
        MemberlistLive.pipe(
          Layer.provide(SimulatedNetwork.transport("10.0.0.1")),
          Layer.provide(MemberlistConfig.layer({ ...MemberlistConfig.lan, name: "a", leaveTimeout: 0 }))
        )
      )
      const peer = yield* fakePeer("p", "10.0.0.9", { onMessage: "none" })
      yield* peer.send({ ip: "10.0.0.1" }, { _tag: "User", payload: Uint8Array.of(1) })
      yield* soon
      const counters = yield* Context.get(context, Memberlist).counters
      assert.strictEqual(counters.get("message.unheard"), 1)
    })
  )
})

describe("a counter", () => {
  it("keeps reasons apart, with its description, and makes each series once", () => {
    const registry: Metric.MetricRegistry = new Map()
    const counters = Counters.make(Context.make(Metric.MetricRegistry, registry), { cluster: "a" })
    counters.count("packet.rejected", "Empty")
    counters.count("packet.rejected", "Empty", 2)
    counters.count("packet.rejected", "TooDeep")
    counters.count("udp.sent", undefined, 100)
    assert.deepStrictEqual(
      [...counters.totals()],
      [["packet.rejected:Empty", 3], ["packet.rejected:TooDeep", 1], ["udp.sent", 100]]
    )
    assert.deepStrictEqual(
      [...registry.values()].map(({ attributes, description, id }) => [id, description, attributes]),
      [
        ["memberlist.packet.rejected", descriptions["packet.rejected"], { cluster: "a", reason: "Empty" }],
        ["memberlist.packet.rejected", descriptions["packet.rejected"], { cluster: "a", reason: "TooDeep" }],
        ["memberlist.udp.sent", descriptions["udp.sent"], { cluster: "a" }]
      ]
    )
  })

  it("is the sum of the nodes with the same labels, and one of its own for others, in each registry", () => {
    const countsOf = (registry: Metric.MetricRegistry) =>
      Metric.snapshotUnsafe(Context.make(Metric.MetricRegistry, registry)).map(({ attributes, state }) => [
        attributes,
        state
      ])
    const registry: Metric.MetricRegistry = new Map()
    const another: Metric.MetricRegistry = new Map()
    const make = (labels: Counters.Labels, to = registry, attributes = {}) =>
      Counters.make(
        Context.make(Metric.MetricRegistry, to).pipe(Context.add(Metric.CurrentMetricAttributes, attributes)),
        labels
      )
    const [a, b] = [make({ cluster: "a" }), make({ cluster: "a" })]
    a.count("udp.sent", undefined, 1)
    b.count("udp.sent", undefined, 2)
    a.count("udp.sent", undefined, 4)
    make({ cluster: "b" }).count("udp.sent", undefined, 8)
    make({ cluster: "a" }, registry, { zone: "1" }).count("udp.sent", undefined, 16)
    make({ cluster: "a" }, another).count("udp.sent", undefined, 32)
    assert.deepStrictEqual([...a.totals()], [["udp.sent", 5]])
    assert.deepStrictEqual(countsOf(registry), [
      [{ cluster: "a" }, { count: 7, incremental: true }],
      [{ cluster: "b" }, { count: 8, incremental: true }],
      [{ cluster: "a", zone: "1" }, { count: 16, incremental: true }]
    ])
    assert.deepStrictEqual(countsOf(another), [[{ cluster: "a" }, { count: 32, incremental: true }]])
  })

  it("is one series whatever the order of the labels, and whoever gives them", () => {
    const registry: Metric.MetricRegistry = new Map()
    const count = (labels: Counters.Labels, by: number, attributes = {}) =>
      Counters.make(
        Context.make(Metric.MetricRegistry, registry).pipe(Context.add(Metric.CurrentMetricAttributes, attributes)),
        labels
      ).count("udp.sent", undefined, by)
    count({ cluster: "a", zone: "1" }, 1)
    count({ zone: "1", cluster: "a" }, 2)
    count({ cluster: "a" }, 4, { zone: "1" })
    assert.deepStrictEqual(
      Metric.snapshotUnsafe(Context.make(Metric.MetricRegistry, registry)).map(({ state }) => state),
      [{ count: 7, incremental: true }]
    )
  })

  it("begins again, for the nodes that there are and for new ones, when its series was removed", () => {
    const registry: Metric.MetricRegistry = new Map()
    const context = Context.make(Metric.MetricRegistry, registry)
    const states = () => Metric.snapshotUnsafe(context).map(({ state }) => state)
    const node = Counters.make(context, {})
    node.count("udp.sent", undefined, 1)
    registry.clear()
    Counters.make(context, {}).count("udp.sent", undefined, 2)
    assert.deepStrictEqual(states(), [{ count: 2, incremental: true }])
    node.count("udp.sent", undefined, 4)
    assert.deepStrictEqual(states(), [{ count: 6, incremental: true }])
    registry.clear()
    node.count("udp.sent", undefined, 8)
    assert.deepStrictEqual(states(), [{ count: 8, incremental: true }])
  })

  it("goes on from what a counter of the same name came to", () => {
    const context = Context.make(Metric.MetricRegistry, new Map())
    const metric = Metric.counter("memberlist.udp.sent", {
      description: Counters.descriptions["udp.sent"],
      incremental: true
    })
    metric.updateUnsafe(1, context)
    Counters.make(context, {}).count("udp.sent", undefined, 2)
    assert.strictEqual(metric.valueUnsafe(context).count, 3)
    const description = Counters.descriptions["udp.received"]
    const big = Metric.counter("memberlist.udp.received", { description, bigint: true })
    big.updateUnsafe(1n, context)
    Counters.make(context, {}).count("udp.received", undefined, 2)
    assert.strictEqual(Number(big.valueUnsafe(context).count), 3)
  })
})

describe("lost", () => {
  clusterTest(
    "is how many members failed and are remembered, also when the table has forgotten them",
    measuring((read) =>
      Effect.gen(function*() {
        const config = { metricLabels: { member: "a" } }
        const [, b] = yield* startMany(3, { config })
        if (b === undefined) return assert.fail("three nodes")
        const net = yield* SimulatedNetwork
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual(read.number("memberlist.lost", config.metricLabels), 0)
        yield* net.crash(b.ip)
        yield* TestClock.adjust("5 minutes")
        assert.isAtLeast(read.number("memberlist.lost", config.metricLabels), 1)
      })
    )
  )
})
