import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import { TestClock } from "effect/testing"
import { JoinRejected } from "../../../src/MemberlistError.ts"
import { SimulatedNetwork } from "../../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, joinAt, start, startMany } from "../../support/Cluster.ts"
import { endOf, named, parentOf, tracing } from "../../support/Telemetry.ts"

/** No work but what a test asks for. */
const quiet = { gossipInterval: 0, pushPullInterval: 0, probeInterval: 0 } as const

describe("a join", () => {
  clusterTest(
    "is a span of its caller's trace, with a child for each seed and a push/pull below that",
    tracing((spans) =>
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: quiet })
        const b = yield* start("b", "10.0.0.2", { config: { ...quiet, tcpTimeout: "1 second" } })
        yield* joinAt(b, a.address, "10.0.0.77:7946").pipe(Effect.withSpan("deploy"))
        const [deploy] = named(spans, "deploy")
        const [join] = named(spans, "memberlist.join")
        assert.strictEqual(parentOf(join!), deploy!.spanId)
        assert.deepStrictEqual(Object.fromEntries(join!.attributes), { node: "b", seeds: 2 })
        const seeds = named(spans, "memberlist.join.seed")
        assert.deepStrictEqual(seeds.map(({ attributes }) => attributes.get("seed")), [a.address, "10.0.0.77:7946"])
        for (const seed of seeds) assert.strictEqual(parentOf(seed), join!.spanId)
        const [good, bad] = named(spans, "memberlist.pushPull").filter(({ kind }) => kind === "client")
        assert.strictEqual(parentOf(good!), seeds[0]!.spanId)
        assert.strictEqual(parentOf(bad!), seeds[1]!.spanId)
        assert.strictEqual(good!.attributes.get("peer"), a.address)
        assert.strictEqual(good!.attributes.get("join"), true)
        assert.strictEqual(endOf(good!), "success")
        assert.strictEqual(endOf(bad!), "failure")
        assert.strictEqual(endOf(join!), "success")
      })
    )
  )

  clusterTest(
    "that fails ends its span with the failure",
    tracing((spans) =>
      Effect.gen(function*() {
        const b = yield* start("b", "10.0.0.2", { config: { ...quiet, tcpTimeout: "1 second" } })
        yield* Effect.ignore(joinAt(b, "10.0.0.77:7946"))
        assert.deepStrictEqual(named(spans, "memberlist.join").map(endOf), ["failure"])
      })
    )
  )
})

describe("a push/pull", () => {
  clusterTest(
    "is a span on both sides; the responder's begins a trace and names the peer",
    tracing((spans) =>
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: quiet })
        const b = yield* start("b", "10.0.0.2", { config: quiet })
        yield* joinAt(b, a.address)
        const [asked, server] = named(spans, "memberlist.pushPull").filter(({ kind }) => kind === "server")
        assert.strictEqual(asked!.attributes.get("join"), false)
        assert.strictEqual(server!.attributes.get("node"), "a")
        assert.match(String(server!.attributes.get("peer")), /^10\.0\.0\.2:/)
        assert.strictEqual(server!.attributes.get("join"), true)
        assert.strictEqual(server!.attributes.get("members"), 1)
        assert.isUndefined(parentOf(server!))
        assert.strictEqual(endOf(server!), "success")
      })
    )
  )

  clusterTest(
    "that is refused fails on both sides",
    tracing((spans) =>
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", {
          config: quiet,
          delegate: { merge: () => Effect.fail(new JoinRejected({ reason: "closed" })) }
        })
        const b = yield* start("b", "10.0.0.2", { config: quiet })
        yield* Effect.ignore(joinAt(b, a.address))
        // on the responder's side the list is given first, and refused then
        assert.deepStrictEqual(named(spans, "memberlist.pushPull").map(endOf).sort(), ["failure", "failure", "success"])
      })
    )
  )

  clusterTest(
    "that nobody asked for begins a trace, and names the member",
    tracing((spans) =>
      Effect.gen(function*() {
        yield* Effect.withSpan(startMany(2, { config: { ...quiet, pushPullInterval: "5 seconds" } }), "start-up")
        yield* TestClock.adjust("20 seconds")
        const periodic = named(spans, "memberlist.pushPull").filter((span) =>
          span.kind === "client" && span.attributes.get("join") === false
        )
        assert.isAbove(periodic.length, 2)
        for (const span of periodic) {
          assert.isUndefined(parentOf(span))
          assert.include(["a", "b"], span.attributes.get("member"))
        }
      })
    )
  )
})

describe("a probe", () => {
  const outcomes = (spans: Parameters<typeof named>[0], node: string) =>
    named(spans, "memberlist.probe")
      .filter(({ attributes }) => attributes.get("node") === node)
      .map(({ attributes }) => attributes.get("outcome"))

  clusterTest(
    "is a span with the member, the health and the outcome",
    tracing((spans) =>
      Effect.gen(function*() {
        const nodes = yield* startMany(2, { config: { pushPullInterval: 0 } })
        const [probe] = named(spans, "memberlist.probe")
        assert.strictEqual(probe!.attributes.get("health"), 0)
        assert.strictEqual(probe!.attributes.get("outcome"), "Answered")
        assert.include(["a", "b"], probe!.attributes.get("member"))
        assert.isUndefined(parentOf(probe!))
        const net = yield* SimulatedNetwork
        yield* net.crash(nodes[1]!.ip)
        yield* TestClock.adjust("4 seconds")
        assert.include(outcomes(spans, "a"), "NoAnswer")
      })
    )
  )

  clusterTest(
    "tells answers through helpers from answers over TCP alone",
    tracing((spans) =>
      Effect.gen(function*() {
        yield* startMany(3, { config: { pushPullInterval: 0 } })
        const net = yield* SimulatedNetwork
        yield* net.cut("10.0.0.1", "10.0.0.2")
        yield* TestClock.adjust("6 seconds")
        assert.include(outcomes(spans, "a"), "Relayed")
        yield* net.heal()
        yield* net.cut("10.0.0.1", "*", "packets")
        yield* TestClock.adjust("10 seconds")
        assert.include(outcomes(spans, "a"), "TcpOnly")
      })
    )
  )
})

describe("packets", () => {
  clusterTest(
    "make no spans: only joins, push/pulls and probes do",
    tracing((spans) =>
      Effect.gen(function*() {
        const [a] = yield* startMany(3)
        yield* a!.cluster.broadcast(Uint8Array.of(1))
        yield* a!.cluster.send({ name: "b" }, Uint8Array.of(1))
        yield* TestClock.adjust("20 seconds")
        assert.sameMembers([...new Set(spans.map(({ name }) => name))], [
          "memberlist.join",
          "memberlist.join.seed",
          "memberlist.pushPull",
          "memberlist.probe"
        ])
      })
    )
  )

  clusterTest(
    "and everything else make no spans where tracing is off",
    tracing((spans) =>
      Effect.gen(function*() {
        yield* startMany(3)
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(spans, [])
      }).pipe(Effect.provideService(References.TracerEnabled, false))
    )
  )
})
