import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { readdirSync, readFileSync } from "node:fs"
import * as Path from "node:path"
import * as Variables from "../../../src/config/Variables.ts"
import type { CounterKey, CounterName } from "../../../src/engine/telemetry/Counters.ts"
import { type LogMessage, table } from "../../../src/engine/telemetry/LogMessages.ts"
import { MemberlistConfig, type Settings as MemberlistSettings } from "../../../src/MemberlistConfig.ts"
import { MemberlistError } from "../../../src/MemberlistError.ts"

const root = Path.resolve(import.meta.dirname, "../../..")
const read = (file: string) => readFileSync(Path.join(root, file), "utf8")
const page = read("docs/troubleshooting.md")

/** The text under a heading, without those of deeper levels. */
const section = (title: string): string => page.split(`\n## ${title}\n`)[1]?.split("\n## ")[0] ?? assert.fail(title)

/** The cells of a section's table, without its head. */
const rows = (title: string): ReadonlyArray<ReadonlyArray<string>> =>
  section(title).split("\n").filter((line) => line.startsWith("| ")).slice(2)
    .map((line) => line.slice(2).split(" | ").map((cell) => cell.trim()))

/** Code spans of a text. */
const codes = (text: string): ReadonlyArray<string> => [...text.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code)

interface Told {
  readonly heading: string
  readonly name: string
  readonly level: string
  readonly counters: string | undefined
  readonly text: string
}

/** Everything the page has a heading for. */
const told: ReadonlyArray<Told> = page.split("\n### ").slice(1).map((part) => {
  const [heading = "", , line = "", , ...text] = part.split("\n## ")[0]?.split("\n") ?? []
  const [name = "", level = "", counters] = line.split(" · ")
  return { heading, name: codes(name)[0] ?? "", level, counters, text: text.join(" ").trim() }
})

const REFUSED = /^(Packet|Stream)Rejected\./
const levels = { Debug: "debug", Info: "info", Warn: "warning", Error: "error" } as const

/** What the log can say, with a packet and a stream refused for one reason told once. */
const sayings = new Map(
  Object.entries<LogMessage>(table).map(([entry, { level, text }]) => [
    entry.replace(REFUSED, ""),
    { heading: text.replace(/^refused a (packet|stream): /, ""), level: levels[level] }
  ])
)

/** Those that the page names; this list does not compile when a counter or a reason is gone. */
const cited: ReadonlyArray<CounterKey | CounterName> = [
  "claim.ignored:AddressNotAllowed",
  "claim.ignored:IncarnationJump",
  "claim.ignored:NameInvalid",
  "claim.ignored:NameTooLong",
  "claim.ignored:NotAdmitted",
  "claim.ignored:TableFull",
  "claim.ignored:VersionsInvalid",
  "claim.ignored:VersionsMissing",
  "event.lost",
  "fiber.died",
  "fiber.died:lateness",
  "fiber.restarted",
  "heal.tried:Answered",
  "heal.tried:PutAside",
  "hook.died",
  "hook.dropped",
  "hook.late",
  "hook.reentered",
  "hook.stuck",
  "join.failed",
  "join.failed:SeedUnresolvable",
  "member.conflict",
  "member.evicted",
  "message.lost",
  "msg.dead",
  "msg.suspect",
  "packet.dropped:AliveQueueFull",
  "packet.dropped:DecryptionTime",
  "packet.dropped:QueueFull",
  "packet.rejected:PingForAnother",
  "packet.rejected:Undecryptable",
  "probe.failed",
  "probe.tcp_only",
  "pushpull.failed",
  "pushpull.failed:TransportError",
  "pushpull.refused:JoinRejected",
  "pushpull.refused:VersionMismatch",
  "pushpull.user_state:TooLarge",
  "rejoin.failed",
  "rejoin.failed:AnotherMember",
  "seeds.failed",
  "seeds.refused:SeedInvalid",
  "seeds.refused:TooMany",
  "send.failed",
  "send.failed:TCP ping",
  "snapshot.failed:move",
  "snapshot.failed:read",
  "snapshot.failed:write",
  "snapshot.refused",
  "stream.evicted",
  "stream.failed",
  "stream.rejected:PingForAnother",
  "stream.rejected:TooManyPushPulls",
  "tcp.refused",
  "udp.dropped",
  "verdict.held"
]

/** Literal texts that modules outside of the engine warn with. */
const literals = readdirSync(Path.join(root, "src"), { encoding: "utf8", recursive: true })
  .filter((file) => file.endsWith(".ts") && !/^(engine|testing)\//.test(file.replaceAll(Path.sep, "/")))
  .flatMap((file) => {
    const calls = /(?:Effect\.log(?:Warning|Error|Fatal)\(|\bwarn\(\s*"\w+",)\s*(`[^`]*`|"[^"]*"|\w+)/g
    return [...read(Path.join("src", file)).matchAll(calls)].map(([, text = ""]) => ({ file, text }))
  })

/** Calls whose text is a value; where that comes from. */
const passed = new Set([
  // the text of `MetaInvalid`
  "`${error.message}${more}`",
  // the definition of the map's own `warn`, whose calls are found by themselves
  "`the map ${map}: ${message}`",
  // the doubtful settings, which have a section of their own
  "warning"
])

describe("the page on troubleshooting", () => {
  it("has a heading for everything the log says at info or above, as it says it, and for nothing else", () => {
    const expected = [...sayings].filter(([, { level }]) => level !== "debug").map(([name, { heading, level }]) => ({
      name,
      heading,
      level
    }))
    const byName = (a: { readonly name: string }, b: { readonly name: string }) => a.name < b.name ? -1 : 1
    assert.deepStrictEqual(
      told.filter(({ name }) => name !== "").map(({ heading, level, name }) => ({ name, heading, level })).sort(byName),
      expected.sort(byName)
    )
  })

  it("says something about each", () => {
    assert.deepStrictEqual(told.filter(({ text }) => text.length < 20).map(({ name, text }) => [name, text]).sort(), [
      ["InvalidCompression", "As above."]
    ])
  })

  it("lists everything that is said at debug", () => {
    assert.deepStrictEqual(
      rows("Debug").map(([text, name]) => [codes(name ?? "")[0], text]).sort(),
      [...sayings].filter(([, { level }]) => level === "debug").map(([name, { heading }]) => [name, heading]).sort()
    )
  })

  it("names counters that there are", () => {
    const named = told.flatMap(({ counters = "" }) =>
      counters.startsWith("gauge") || counters.startsWith("histogram") ? [] : codes(counters)
    )
    assert.deepStrictEqual([...new Set(named)].sort(), [...cited].sort())
  })

  it.effect("has every warning about settings, and no other", () =>
    Effect.gen(function*() {
      const { make, warnings } = MemberlistConfig
      // one for each warning, in their order
      const doubtful: ReadonlyArray<MemberlistSettings> = [
        { secretKey: Redacted.make(new Uint8Array(16)), gossipVerifyOutgoing: false },
        { probeInterval: 0 },
        { probeTimeout: "2 seconds" },
        { probeInterval: 0, gossipInterval: 0 },
        { indirectChecks: 0, disableTcpPings: true },
        { advertisePort: 1 },
        { cidrsStrict: true },
        { maxPushPulls: 300 }
      ]
      assert.lengthOf(doubtful, read("src/config/Rules.ts").split("found.push(").length - 1)
      const said = yield* Effect.forEach(doubtful, (settings) =>
        Effect.map(make({ name: "a", ...settings }), (config) => warnings(config).at(-1)))
      const begins = rows("Settings that are doubtful").map(([text = ""]) =>
        codes(text)
      )
      assert.lengthOf(begins, said.length + 1)
      for (const [i, text] of said.entries()) assert.isTrue(text?.startsWith(begins[i]?.[0] ?? "nothing"), text)
      const misspelt = yield* Variables.warnings.pipe(
        Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env: { MEMBERLIST_XYZZY: "1" } })))
      )
      assert.lengthOf(misspelt, 1)
      for (const part of begins.at(-1) ?? ["nothing"]) assert.include(misspelt[0] ?? "", part)
    }))

  it("has every warning and error of the modules on top, and no other", () => {
    const said = rows("Modules on top").map(([text = ""]) => codes(text)[0] ?? "")
    const texts = literals.filter(({ file, text }) => !passed.has(text) && !file.startsWith("agent"))
    assert.isAbove(texts.length, 8)
    assert.deepStrictEqual(texts.filter(({ text }) => !said.some((part) => text.includes(part))), [])
    const sources = [...texts.map(({ text }) => text), read("src/metadata/MetaErrors.ts")]
    assert.deepStrictEqual(said.filter((part) => !sources.some((text) => text.includes(part))), [])
  })

  it("has every warning and error of the agent", () => {
    const said = rows("The agent").map(([text = ""]) => codes(text)[0] ?? "")
    const texts = literals.filter(({ file }) => file.startsWith("agent"))
    assert.deepStrictEqual(texts.filter(({ text }) => !said.some((part) => text.includes(part))), [])
  })

  it("has every error", () => {
    const tags = MemberlistError.members.map((member) => member.identifier)
    assert.deepStrictEqual(rows("Errors").map(([tag = ""]) => codes(tag)[0] ?? "").sort(), [...new Set(tags)].sort())
  })

  it("leads to its own headings", () => {
    const headings = page.split("\n").filter((line) => /^#{2,3} /.test(line))
    const anchors = new Set(
      headings.map((line) => line.replace(/^#+ /, "").toLowerCase().replaceAll(/[^\w\- ]/g, "").replaceAll(" ", "-"))
    )
    const targets = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, target = ""]) => target)
    assert.deepStrictEqual(targets.filter((target) => !anchors.has(target)), [])
  })
})
