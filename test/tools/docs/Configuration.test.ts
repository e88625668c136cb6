import { assert, describe, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import { render } from "../../../scripts/configuration/page.ts"
import { fieldNames } from "../../../src/config/Fields.ts"

const root = Path.resolve(import.meta.dirname, "../../..")
const read = (file: string) => readFileSync(Path.join(root, file), "utf8")

const page = read("docs/configuration.md")

/** The fields of memberlist's `Config`, in its order. */
const reference = [
  "Name",
  "Transport",
  "Label",
  "SkipInboundLabelCheck",
  "BindAddr",
  "BindPort",
  "AdvertiseAddr",
  "AdvertisePort",
  "ProtocolVersion",
  "TCPTimeout",
  "IndirectChecks",
  "RetransmitMult",
  "SuspicionMult",
  "SuspicionMaxTimeoutMult",
  "PushPullInterval",
  "ProbeInterval",
  "ProbeTimeout",
  "DisableTcpPings",
  "DisableTcpPingsForNode",
  "AwarenessMaxMultiplier",
  "GossipInterval",
  "GossipNodes",
  "GossipToTheDeadTime",
  "GossipVerifyIncoming",
  "GossipVerifyOutgoing",
  "EnableCompression",
  "SecretKey",
  "Keyring",
  "Delegate",
  "DelegateProtocolVersion",
  "DelegateProtocolMin",
  "DelegateProtocolMax",
  "Events",
  "Conflict",
  "Merge",
  "Ping",
  "Alive",
  "DNSConfigPath",
  "LogOutput",
  "Logger",
  "HandoffQueueDepth",
  "UDPBufferSize",
  "DeadNodeReclaimTime",
  "RequireNodeNames",
  "CIDRsAllowed",
  "MetricLabels",
  "QueueCheckInterval",
  "MsgpackUseNewTimeFormat"
]

describe("the page of configuration fields", () => {
  it("is what the sources say now (if not: npm run write-configuration)", () =>
    assert.strictEqual(page, render(read("src/config/Settings.ts"))))

  it("names every field of memberlist's Config", () =>
    assert.deepStrictEqual(reference.filter((name) => !page.includes(`\`${name}\``)), []))

  it("has a section for every field of ours", () => {
    const fields = [...fieldNames, "disableTcpPingsForNode", "joinSchedule"]
    assert.deepStrictEqual(fields.filter((name) => !page.includes(`\n### \`${name}\`\n`)), [])
  })
})

describe("every configuration field", () => {
  it("is set by a test of what it does", () => {
    const used = new Set(
      ["test/config", "test/engine", "test/node"]
        .flatMap((folder) =>
          readdirSync(Path.join(root, folder), { encoding: "utf8", recursive: true }).map((file) => `${folder}/${file}`)
        )
        .filter((file) => file.endsWith(".test.ts"))
        .flatMap((file) => read(file).match(/\b[a-z]\w+(?=:|,| \}| =)/g) ?? [])
    )
    assert.deepStrictEqual(
      [...fieldNames, "disableTcpPingsForNode", "joinSchedule"].filter((name) => !used.has(name)),
      []
    )
  })
})
