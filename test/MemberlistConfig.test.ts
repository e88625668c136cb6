import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { fieldNames } from "../src/config/Fields.ts"
import { MemberlistConfig, type Settings } from "../src/MemberlistConfig.ts"

const build = (settings: Settings) => Effect.provide(MemberlistConfig, MemberlistConfig.layer(settings))

const fromEnv = (env: Record<string, string>) =>
  Effect.provide(
    MemberlistConfig,
    MemberlistConfig.layerEnv.pipe(
      Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ MEMBERLIST_NAME: "a", ...env })))
    ),
    { local: true }
  )

const key = (length: number) => Redacted.make(new Uint8Array(length).fill(7))

/** The fields that the preset changes, as the Go documentation states them. */
const timing = (config: Omit<MemberlistConfig["Service"], "name">) => ({
  tcp: Duration.toMillis(config.tcpTimeout),
  indirect: config.indirectChecks,
  retransmit: config.retransmitMult,
  suspicion: config.suspicionMult,
  pushPull: Duration.toMillis(config.pushPullInterval),
  probe: [Duration.toMillis(config.probeInterval), Duration.toMillis(config.probeTimeout)],
  gossip: [Duration.toMillis(config.gossipInterval), config.gossipNodes],
  dead: Duration.toMillis(config.gossipToTheDeadTime)
})

describe("presets", () => {
  it("LAN equals DefaultLANConfig", () =>
    assert.deepStrictEqual(timing(MemberlistConfig.lan), {
      tcp: 10_000,
      indirect: 3,
      retransmit: 4,
      suspicion: 4,
      pushPull: 30_000,
      probe: [1000, 500],
      gossip: [200, 3],
      dead: 30_000
    }))
  it("WAN equals DefaultWANConfig", () =>
    assert.deepStrictEqual(timing(MemberlistConfig.wan), {
      tcp: 30_000,
      indirect: 3,
      retransmit: 4,
      suspicion: 6,
      pushPull: 60_000,
      probe: [5000, 3000],
      gossip: [500, 4],
      dead: 60_000
    }))
  it("local equals DefaultLocalConfig", () =>
    assert.deepStrictEqual(timing(MemberlistConfig.local), {
      tcp: 1000,
      indirect: 1,
      retransmit: 2,
      suspicion: 3,
      pushPull: 15_000,
      probe: [1000, 200],
      gossip: [100, 3],
      dead: 15_000
    }))
  it.effect("every preset is valid and complete", () =>
    Effect.gen(function*() {
      for (const preset of [MemberlistConfig.lan, MemberlistConfig.wan, MemberlistConfig.local]) {
        const config = yield* build({ ...preset, name: "a" })
        for (const field of fieldNames) assert.property(config, field)
        assert.deepStrictEqual(MemberlistConfig.warnings(config), [])
      }
    }))
})

describe("layer", () => {
  it.effect("takes what is missing from the LAN preset", () =>
    Effect.gen(function*() {
      const config = yield* build({ name: "a" })
      assert.strictEqual(config.bindPort, 7946)
      assert.isFalse(config.disableTcpPingsForNode("any"))
    }))
  it.effect("reads durations in every form Effect knows", () =>
    Effect.gen(function*() {
      const config = yield* build({
        name: "a",
        probeInterval: "2 seconds",
        probeTimeout: 300,
        tcpTimeout: { seconds: 3 }
      })
      assert.strictEqual(Duration.toMillis(config.probeInterval), 2000)
      assert.strictEqual(Duration.toMillis(config.probeTimeout), 300)
      assert.strictEqual(Duration.toMillis(config.tcpTimeout), 3000)
    }))
  it.effect("treats an empty secret key as no key", () =>
    Effect.gen(function*() {
      assert.isUndefined((yield* build({ name: "a", secretKey: key(0) })).secretKey)
    }))
  it.effect("keeps its own copy of the metric labels", () =>
    Effect.gen(function*() {
      const metricLabels: Record<string, string> = { cluster: "a" }
      const config = yield* build({ name: "a", metricLabels })
      metricLabels["cluster"] = "b"
      assert.deepStrictEqual(config.metricLabels, { cluster: "a" })
    }))
  it.effect("keeps its own copy of the metadata", () =>
    Effect.gen(function*() {
      const meta = Uint8Array.of(1)
      const config = yield* build({ name: "a", meta })
      meta[0] = 2
      assert.deepStrictEqual(config.meta, Uint8Array.of(1))
    }))

  const refused: ReadonlyArray<readonly [why: string, settings: Settings, field: string]> = [
    ["a missing name", { name: undefined }, "name"],
    ["an empty name", { name: "" }, "name"],
    ["an unknown policy for name conflicts", { nameConflictPolicy: "drop" as never }, "nameConflictPolicy"],
    ["a name that is not Unicode", { name: "a\ud800" }, "name"],
    ["a label above 255 bytes", { label: "é".repeat(128) }, "label"],
    ["a host name to bind", { bindAddress: "localhost" }, "bindAddress"],
    ["a port above 65535", { bindPort: 65_536 }, "bindPort"],
    ["a fractional port", { bindPort: 1.5 }, "bindPort"],
    ["a host name to advertise", { advertiseAddress: "node.example" }, "advertiseAddress"],
    ["a wildcard to advertise", { advertiseAddress: "::" }, "advertiseAddress"],
    ["an advertised port 0", { advertisePort: 0 }, "advertisePort"],
    ["protocol version 0", { protocolVersion: 0 }, "protocolVersion"],
    ["protocol version 6", { protocolVersion: 6 }, "protocolVersion"],
    ["no time for TCP", { tcpTimeout: 0 }, "tcpTimeout"],
    ["no time for a probe", { probeTimeout: 0 }, "probeTimeout"],
    ["a negative interval", { probeInterval: -1 }, "probeInterval"],
    ["an infinite interval", { gossipInterval: Duration.infinity }, "gossipInterval"],
    ["a duration that is not one", { gossipInterval: "soon" as never }, "gossipInterval"],
    ["a negative number of relays", { indirectChecks: -1 }, "indirectChecks"],
    ["a retransmit multiplier of 0", { retransmitMult: 0 }, "retransmitMult"],
    ["a suspicion multiplier of 0", { suspicionMult: 0 }, "suspicionMult"],
    ["a maximal suspicion multiplier of 0", { suspicionMaxTimeoutMult: 0 }, "suspicionMaxTimeoutMult"],
    ["an awareness multiplier of 0", { awarenessMaxMultiplier: 0 }, "awarenessMaxMultiplier"],
    ["a queue that holds nothing", { handoffQueueDepth: 0 }, "handoffQueueDepth"],
    ["packets above what any may decompress to", { udpBufferSize: 41_943_041 }, "udpBufferSize"],
    ["packets too small for the own announcement", { udpBufferSize: 120, meta: new Uint8Array(64) }, "udpBufferSize"],
    ["metadata above 512 bytes", { meta: new Uint8Array(513) }, "meta"],
    ["a malformed network", { cidrsAllowed: ["10.0.0.0/8", "10.0.0.0/33"] }, "cidrsAllowed"],
    ["a network without a prefix", { cidrsAllowed: ["10.0.0.1"] }, "cidrsAllowed"],
    ["networks without the own address", { cidrsAllowed: ["10.0.0.0/8"], bindAddress: "192.168.0.1" }, "cidrsAllowed"],
    ["an application version outside its range", { delegateProtocolVersion: 2 }, "delegateProtocolVersion"],
    ["protocol 1 with a chosen port", { protocolVersion: 1, bindPort: 0 }, "bindPort"],
    ["a metric label without a name", { metricLabels: { "": "a" } }, "metricLabels"],
    ["a metric label that is not an identifier", { metricLabels: { "a-b": "c" } }, "metricLabels"],
    ["a metric label that the metrics use themselves", { metricLabels: { reason: "c" } }, "metricLabels"],
    ["more than 32 metric labels", {
      metricLabels: Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`l${i}`, ""]))
    }, "metricLabels"],
    ["text where a number belongs", { bindPort: "7946" as never }, "bindPort"]
  ]
  for (const [why, settings, field] of refused) {
    it.effect(`refuses ${why}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(build({ name: "a", ...settings }))
        assert.strictEqual(error._tag, "ConfigInvalid")
        if (error._tag === "ConfigInvalid") {
          assert.strictEqual(error.field, field)
          assert.isNotEmpty(error.expected)
        }
      }))
  }
  for (const length of [1, 15, 17, 33]) {
    it.effect(`refuses a secret key of ${length} bytes`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(build({ name: "a", secretKey: key(length) }))
        assert.strictEqual(error._tag, "KeyInvalid")
      }))
  }
  it.effect("accepts networks that contain the own address", () =>
    build({ name: "a", cidrsAllowed: [" 192.168.0.0/16", "fd00::/8"], bindAddress: "192.168.0.1" }))
  it.effect("drops host bits of networks, as the reference does", () =>
    Effect.gen(function*() {
      const config = yield* build({ name: "a", cidrsAllowed: [" 10.1.2.3/8 ", "fd00::1/8"] })
      assert.deepStrictEqual(config.cidrsAllowed, ["10.0.0.0/8", "fd00::/8"])
    }))
  it.effect("accepts a zero that switches a task off", () =>
    build({ name: "a", probeInterval: 0, gossipInterval: 0, pushPullInterval: 0, queueCheckInterval: 0 }))
})

describe("warnings", () => {
  it.effect("say what to do", () =>
    Effect.gen(function*() {
      const all = yield* Effect.forEach(
        [
          { secretKey: key(16), gossipVerifyOutgoing: false },
          { probeInterval: 0, gossipInterval: 0 },
          { probeTimeout: "2 seconds" },
          { indirectChecks: 0, disableTcpPings: true },
          { advertisePort: 7 },
          { cidrsStrict: true },
          { maxPushPulls: 300 }
        ] as const,
        (settings) => Effect.map(build({ name: "a", ...settings }), MemberlistConfig.warnings)
      )
      assert.strictEqual(all.flat().length, 8)
      for (const warning of all.flat()) assert.match(warning, /; .*(set|turn|raise|lower|list|add|remove) /)
    }))
  const warned = (settings: Settings) => Effect.map(build({ name: "a", ...settings }), MemberlistConfig.warnings)
  it.effect("explains a key that protects nothing that is sent", () =>
    Effect.gen(function*() {
      const [warning] = yield* warned({ secretKey: key(16), gossipVerifyOutgoing: false })
      assert.match(warning ?? "", /gossipVerifyOutgoing/)
    }))
  it.effect("explains a probe timeout above the interval", () =>
    Effect.gen(function*() {
      const [warning] = yield* warned({ probeTimeout: "2 seconds" })
      assert.match(warning ?? "", /probeTimeout/)
    }))
})

describe("layerEnv", () => {
  it.effect("reads fields by name over the preset", () =>
    Effect.gen(function*() {
      const config = yield* fromEnv({
        MEMBERLIST_PRESET: "wan",
        MEMBERLIST_BIND_PORT: "0",
        MEMBERLIST_PROBE_TIMEOUT: "250 millis",
        MEMBERLIST_DISABLE_TCP_PINGS: "yes",
        MEMBERLIST_SECRET_KEY: Buffer.from(new Uint8Array(32).fill(9)).toString("base64"),
        MEMBERLIST_CIDRS_ALLOWED: "10.0.0.0/8, fd00::/8",
        MEMBERLIST_META: "zone=b",
        MEMBERLIST_NAME_CONFLICT_POLICY: "replace",
        MEMBERLIST_LABEL: "",
        MEMBERLIST_METRIC_LABELS: "cluster=orders, zone = b=1",
        MEMBERLIST_QUEUE_CHECK_INTERVAL: "0",
        MEMBERLIST_UDP_BUFFER_SIZE: "1200"
      })
      assert.strictEqual(config.name, "a")
      assert.strictEqual(config.bindPort, 0)
      assert.strictEqual(Duration.toMillis(config.probeTimeout), 250)
      assert.strictEqual(Duration.toMillis(config.probeInterval), 5000)
      assert.isTrue(config.disableTcpPings)
      assert.strictEqual(config.secretKey && Redacted.value(config.secretKey).length, 32)
      assert.deepStrictEqual(config.cidrsAllowed, ["10.0.0.0/8", "fd00::/8"])
      assert.strictEqual(new TextDecoder().decode(config.meta), "zone=b")
      assert.strictEqual(config.nameConflictPolicy, "replace")
      assert.strictEqual(config.udpBufferSize, 1200)
      assert.deepStrictEqual(config.metricLabels, { cluster: "orders", zone: "b=1" })
      assert.strictEqual(Duration.toMillis(config.queueCheckInterval), 0)
    }))
  it.effect("falls back to the container's name", () =>
    Effect.gen(function*() {
      const config = yield* fromEnv({ MEMBERLIST_NAME: "", HOSTNAME: "pod-1" })
      assert.strictEqual(config.name, "pod-1")
      assert.match((yield* Effect.flip(fromEnv({ MEMBERLIST_NAME: "" }))).message, /"name".*NodeHostName/)
    }))
  it.effect("names the variable at fault", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(fromEnv({ MEMBERLIST_BIND_PORT: "http" }))
      assert.strictEqual(error._tag, "ConfigInvalid")
      assert.match(error.message, /MEMBERLIST_BIND_PORT.*"http".*65535/)
    }))
  it.effect("never shows a secret", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(fromEnv({ MEMBERLIST_SECRET_KEY: "hunter2!" }))
      assert.notMatch(error.message, /hunter2/)
      assert.match(error.message, /base64/)
    }))
  it.effect("refuses an unknown preset", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(fromEnv({ MEMBERLIST_PRESET: "moon" }))
      assert.match(error.message, /lan, wan or local/)
    }))
  it.effect("works with nothing set but the name", () =>
    Effect.gen(function*() {
      assert.strictEqual((yield* fromEnv({})).bindPort, 7946)
    }))
})
