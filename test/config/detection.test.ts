import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import { SimulatedNetwork } from "../../src/testing/network/SimulatedNetwork.ts"
import { clusterTest, joinAt, passing, start, startMany, stateOf, view } from "../support/Cluster.ts"
import { fakePeer } from "../support/FakePeer.ts"
import { counted, introduce } from "../support/Fields.ts"

/** A node with one member that never answers over UDP. */
const withSilent = Effect.fnUntraced(function*(config: Parameters<typeof MemberlistConfig.layer>[0]) {
  const a = yield* start("a", "10.0.0.1", { config })
  const silent = yield* fakePeer("silent", "10.0.0.8", { onMessage: "none" })
  yield* introduce(silent, a)
  return { a, silent }
})

/** Advances until the node has the member in this state; answers the milliseconds it took. */
const until = Effect.fnUntraced(function*(
  a: Parameters<typeof stateOf>[0],
  name: string,
  state: string,
  limit: number
) {
  for (let waited = 0; waited < limit; waited += 50) {
    if ((yield* stateOf(a, name)) === state) return waited
    yield* TestClock.adjust("50 millis")
  }
  return limit
})

describe("probeInterval", () => {
  for (const probeInterval of [1000, 2000]) {
    clusterTest(
      `of ${probeInterval} ms lies between two probes, whoever is probed`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: { probeInterval } })
        const peers = yield* Effect.forEach([1, 2, 3, 4], (i) => fakePeer(`p${i}`, `10.0.0.2${i}`))
        for (const peer of peers) yield* introduce(peer, a)
        yield* TestClock.adjust("20 seconds")
        const times = peers.flatMap(({ heard }) =>
          heard.filter(({ message }) => message._tag === "Ping").map(({ at }) => at)
        ).sort((x, y) => x - y)
        const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0))
        // arrivals are late by up to 5 ms
        assert.approximately(Math.min(...gaps), probeInterval, 10)
        assert.isAtLeast(times.length, 0.7 * 20_000 / probeInterval)
      })
    )
  }

  clusterTest(
    "0 probes nobody, and still believes what others found out",
    Effect.gen(function*() {
      const { a, silent } = yield* withSilent({ probeInterval: 0 })
      const witness = yield* fakePeer("w", "10.0.0.9")
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(silent.all("Ping"), [])
      assert.strictEqual(yield* stateOf(a, "silent"), "alive")
      yield* witness.send(a, { _tag: "Dead", node: "silent", incarnation: 1, from: "w" })
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(yield* stateOf(a, "silent"), "dead")
    })
  )

  clusterTest(
    "0 gives a member that others suspect the usual time to refute",
    Effect.gen(function*() {
      const { a, silent } = yield* withSilent({ probeInterval: 0 })
      yield* silent.send(a, { _tag: "Suspect", node: "silent", incarnation: 1, from: "w" })
      yield* TestClock.adjust("3 seconds")
      assert.strictEqual(yield* stateOf(a, "silent"), "suspect")
      yield* TestClock.adjust("25 seconds")
      assert.strictEqual(yield* stateOf(a, "silent"), "dead")
    })
  )

  clusterTest(
    "0 does not keep dead members forever",
    Effect.gen(function*() {
      const { a, silent } = yield* withSilent({ probeInterval: 0, gossipToTheDeadTime: "10 seconds" })
      yield* silent.send(a, { _tag: "Dead", node: "silent", incarnation: 1, from: "w" })
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(yield* stateOf(a, "silent"), "dead")
      yield* TestClock.adjust("15 seconds")
      assert.isUndefined(yield* stateOf(a, "silent"))
      assert.strictEqual(yield* counted(a, "member.reaped"), 1)
    })
  )
})

describe("probeTimeout", () => {
  for (const probeTimeout of [100, 800]) {
    clusterTest(
      `of ${probeTimeout} ms passes before helpers are asked, and before a helper says that it heard nothing`,
      Effect.gen(function*() {
        const { a, silent } = yield* withSilent({ probeTimeout })
        const helper = yield* fakePeer("helper", "10.0.0.9")
        yield* introduce(helper, a)
        yield* TestClock.adjust("4 seconds")
        const asked = helper.heard.find(({ message }) => message._tag === "IndirectPing")?.at ?? 0
        const pinged = silent.heard.findLast(({ at, message }) => message._tag === "Ping" && at < asked)?.at ?? 0
        assert.approximately(asked - pinged, probeTimeout, 10)

        helper.forget()
        const asking = yield* fakePeer("asking", "10.0.0.7")
        const { node: _, ...source } = asking.ping(5)
        yield* asking.send(a, {
          ...source,
          _tag: "IndirectPing",
          target: silent.row().addr,
          port: silent.port,
          node: "silent",
          nack: true
        })
        yield* TestClock.adjust(`${probeTimeout - 20} millis`)
        assert.strictEqual(asking.all("Nack").length, 0)
        yield* TestClock.adjust("40 millis")
        assert.strictEqual(asking.all("Nack").length, 1)
      })
    )
  }
})

describe("indirectChecks", () => {
  for (const indirectChecks of [0, 1, 2]) {
    clusterTest(
      `${indirectChecks} is how many members are asked to probe a silent one`,
      Effect.gen(function*() {
        const { a } = yield* withSilent({ indirectChecks, disableTcpPings: true })
        const helpers = yield* Effect.forEach([1, 2, 3], (i) => fakePeer(`h${i}`, `10.0.0.2${i}`))
        for (const helper of helpers) yield* introduce(helper, a)
        assert.strictEqual((yield* until(a, "silent", "suspect", 20_000)) < 20_000, true)
        assert.strictEqual(helpers.flatMap((helper) => helper.all("IndirectPing")).length, indirectChecks)
      })
    )
  }
})

describe("disableTcpPings", () => {
  for (const disableTcpPings of [true, false]) {
    clusterTest(
      `${disableTcpPings} ${
        disableTcpPings ? "tries no" : "tries a"
      } ping over TCP with a member that is silent over UDP`,
      Effect.gen(function*() {
        const net = yield* SimulatedNetwork
        const { a } = yield* withSilent({ disableTcpPings })
        yield* TestClock.adjust("1500 millis")
        assert.strictEqual((yield* net.traffic(a.ip)).streamsOpened, disableTcpPings ? 0 : 1)
      })
    )
  }
})

describe("disableTcpPingsForNode", () => {
  clusterTest(
    "is asked for the member, by name: one is suspected, the other's TCP keeps it alive",
    Effect.gen(function*() {
      const net = yield* SimulatedNetwork
      const asked = new Set<string>()
      const a = yield* start("a", "10.0.0.1", {
        config: {
          disableTcpPingsForNode: (name) => {
            asked.add(name)
            return name === "b"
          }
        }
      })
      for (const [name, ip] of [["b", "10.0.0.2"], ["c", "10.0.0.3"]] as const) {
        yield* joinAt(yield* start(name, ip), a.address)
        yield* net.cut("10.0.0.1", ip, "packets")
        yield* net.cut(ip, "10.0.0.1", "packets")
      }
      // no helper gets through either
      yield* net.cut("10.0.0.2", "10.0.0.3", "packets")
      yield* net.cut("10.0.0.3", "10.0.0.2", "packets")
      yield* TestClock.adjust("4 seconds")
      assert.strictEqual(yield* stateOf(a, "b"), "suspect")
      assert.strictEqual(yield* stateOf(a, "c"), "alive")
      assert.deepStrictEqual([...asked].sort(), ["b", "c"])
      assert.isAbove(yield* counted(a, "probe.tcp_only"), 0)
    })
  )
})

describe("suspicionMult", () => {
  for (const suspicionMult of [2, 6]) {
    clusterTest(
      `${suspicionMult} is how many probe intervals a suspect has in a small cluster`,
      Effect.gen(function*() {
        // a maximum of one time the minimum: no waiting for confirmations
        const { a } = yield* withSilent({ suspicionMult, suspicionMaxTimeoutMult: 1 })
        yield* until(a, "silent", "suspect", 20_000)
        assert.approximately(yield* until(a, "silent", "dead", 60_000), suspicionMult * 1000, 100)
      })
    )
  }
})

describe("suspicionMaxTimeoutMult", () => {
  for (const suspicionMaxTimeoutMult of [2, 5]) {
    clusterTest(
      `${suspicionMaxTimeoutMult} is how many times longer a suspicion lasts that nobody confirms`,
      Effect.gen(function*() {
        const { a } = yield* withSilent({ suspicionMaxTimeoutMult })
        // enough members for confirmations to be expected
        for (const i of [1, 2, 3]) yield* introduce(yield* fakePeer(`h${i}`, `10.0.0.2${i}`), a)
        yield* until(a, "silent", "suspect", 20_000)
        assert.approximately(yield* until(a, "silent", "dead", 60_000), suspicionMaxTimeoutMult * 4000, 100)
      })
    )
  }
})

describe("awarenessMaxMultiplier", () => {
  for (const awarenessMaxMultiplier of [1, 3]) {
    clusterTest(
      `${awarenessMaxMultiplier} bounds the score at ${awarenessMaxMultiplier - 1}${
        awarenessMaxMultiplier === 1 ? ": the probe interval is never stretched" : ""
      }`,
      Effect.gen(function*() {
        const { a } = yield* withSilent({ awarenessMaxMultiplier, suspicionMaxTimeoutMult: 20 })
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(yield* a.cluster.health, awarenessMaxMultiplier - 1)
        assert.strictEqual((yield* counted(a, "degraded.probe")) > 0, awarenessMaxMultiplier > 1)
      })
    )
  }
})

describe("tcpTimeout", () => {
  for (const tcpTimeout of [1000, 4000]) {
    clusterTest(
      `of ${tcpTimeout} ms is what a seed has that accepts and never answers`,
      Effect.gen(function*() {
        const a = yield* start("a", "10.0.0.1", { config: { tcpTimeout } })
        yield* fakePeer("mute", "10.0.0.9", { onStream: () => Effect.never })
        const began = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        const error = yield* Effect.flip(passing(a.cluster.join(["10.0.0.9"])))
        const took = (yield* Effect.clockWith((clock) => clock.currentTimeMillis)) - began
        assert.match(error.message, /timeout/)
        assert.approximately(took, tcpTimeout, 150)
      })
    )
  }
})

describe("a probe timeout above the interval", () => {
  clusterTest(
    "ends the probe at the interval, as in memberlist, and is warned of",
    Effect.gen(function*() {
      const config = { probeTimeout: "3 seconds" } as const
      const nodes = yield* startMany(2, { config })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* view(nodes[0]!), ["a alive", "b alive"])
      const made = yield* MemberlistConfig.make({ name: "a", ...config })
      assert.match(MemberlistConfig.warnings(made)[0] ?? "", /probeTimeout is longer/)
    })
  )
})

describe("values that memberlist accepts and that cannot work (its 0 multipliers, timeouts and names)", () => {
  const refused = {
    awarenessMaxMultiplier: 0,
    probeTimeout: 0,
    tcpTimeout: 0,
    suspicionMult: 0,
    suspicionMaxTimeoutMult: 0,
    retransmitMult: 0,
    handoffQueueDepth: 0,
    name: ""
  }
  for (const [field, value] of Object.entries(refused)) {
    it.effect(`are refused: ${field} ${value === "" ? "empty" : value}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(MemberlistConfig.make({ name: "a", [field]: value }))
        assert.include(error.message, `"${field}"`)
      }))
  }
})
