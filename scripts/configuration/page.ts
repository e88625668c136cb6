/**
 * The page of all configuration fields, made from where they are defined: their doc comments in the sources, their values
 * in the presets, and what their schemas accept. `scripts/write-configuration.ts` writes it.
 */
import * as Duration from "effect/Duration"
import * as Schedule from "effect/Schedule"
import { expectation, type FieldName, fieldNames, variable } from "../../src/config/Fields.ts"
import { MemberlistConfig } from "../../src/MemberlistConfig.ts"
import { units } from "./units.ts"

/** A field's doc comment. */
export interface Comment {
  readonly text: string
  /** What memberlist calls the field, if it has it. */
  readonly memberlist: string | undefined
}

/** The part of a source between a line that starts with `from` and the next line that is `}`. */
const block = (source: string, from: string): string => {
  const start = source.indexOf(`\n${from}`)
  const end = source.indexOf("\n}", start)
  if (start < 0 || end < 0) throw new Error(`no block that starts with "${from}"`)
  return source.slice(start, end)
}

const MEMBERLIST = /\s*memberlist: (.*?)\.?$/

const clean = (comment: string): Comment => {
  const whole = comment.split("\n").map((line) => line.replace(/^\s*\* ?/, "").trim()).join(" ").trim()
  return { text: whole.replace(MEMBERLIST, ""), memberlist: MEMBERLIST.exec(whole)?.[1] }
}

/** The comments of the fields in a block, by field. */
const comments = (source: string): ReadonlyMap<string, Comment> =>
  new Map(
    [...source.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+(?:readonly )?(\w+)\??:/g)].map((
      [, comment = "", field = ""]
    ) => [
      field,
      clean(comment)
    ])
  )

const isField = (name: string): name is FieldName => Object.hasOwn(units, name)

const duration = (value: Duration.Duration): string => {
  const millis = Duration.toMillis(value)
  if (millis === 0) return "0"
  return millis % 1000 === 0 ? `${millis / 1000} s` : `${millis} ms`
}

/** A value as a reader would write it. */
const show = (value: unknown): string => {
  if (Duration.isDuration(value)) return duration(value)
  if (Schedule.isSchedule(value)) return "1 s to 30 s"
  const empty = value === undefined || value === "" || typeof value === "function"
    || (typeof value === "object" && value !== null && Object.keys(value).length === 0)
  return empty ? "none" : String(value)
}

const presets = [MemberlistConfig.lan, MemberlistConfig.wan, MemberlistConfig.local] as const

/** The default in each preset; where they agree, only the first says so. */
const defaults = (field: string): ReadonlyArray<string> => {
  if (field === "name") return ["the host's, if provided", "", ""]
  const values = presets.map((preset) => show(new Map<string, unknown>(Object.entries(preset)).get(field)))
  const [lan = ""] = values
  return [lan, ...values.slice(1).map((value) => value === lan ? "" : value)]
}

/** A table as the formatter leaves it. */
const table = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => [...row[column] ?? ""].length), 3))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${cells.map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - [...cell].length)).join(" | ")} |`
  const [head = [], ...body] = rows
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n")
}

/** The fields that are no data. */
const functions: ReadonlyMap<string, string> = new Map([
  ["disableTcpPingsForNode", "function of a member's name"],
  ["joinSchedule", "`Schedule`"]
])

const row = (field: string, comment: Comment): ReadonlyArray<string> => [
  `[\`${field}\`](#${field.toLowerCase()})`,
  comment.memberlist ?? "",
  isField(field) ? units[field] : functions.get(field) ?? "",
  ...defaults(field)
]

const WIDTH = 120
/** What would begin a list, a heading or a quotation. */
const MARKUP = /^(?:[-+*#>|]|\d+[.)])/

/** Breaks a paragraph into lines. */
const wrapped = (text: string): string => {
  const lines: Array<string> = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > WIDTH && !MARKUP.test(word)) {
      lines.push(line)
      line = word
    } else line = line === "" ? word : `${line} ${word}`
  }
  return [...lines, line].join("\n")
}

const section = (field: string, comment: Comment): string =>
  [
    `### \`${field}\``,
    wrapped(comment.text),
    isField(field)
      ? wrapped(`Accepted: ${expectation(field)}. All else is refused. Variable: \`${variable(field)}\`.`)
      : `A ${functions.get(field)}; it cannot come from the environment.`
  ].join("\n\n")

const introduction = `# Configuration

This page is written by \`scripts/write-configuration.ts\` from [\`src/config/Settings.ts\`](../src/config/Settings.ts); edit that.

\`MemberlistConfig.layer\` takes values, \`MemberlistConfig.layerEnv\` the variables named below over the preset that
\`MEMBERLIST_PRESET\` names (\`lan\`, \`wan\` or \`local\`). The presets are memberlist's. A duration is anything Effect reads as
one: \`"500 millis"\`, \`Duration.seconds(1)\`, a number of milliseconds; in a variable, text with a unit. Flags are \`true\`,
\`yes\`, \`on\`, \`1\` and their opposites. An empty variable counts as absent, and one that
begins with \`MEMBERLIST_\` and is none of these (nor \`MEMBERLIST_SEEDS\`, which [\`Seeds.layerEnv\`](seeds.md) reads, nor one of [the agent's](agent.md)) is warned of, with the name that was probably meant.

A configuration is checked when its layer is built. What cannot work is refused with \`ConfigInvalid\`, which names the
field, the value and what would be right, or \`KeyInvalid\`. What works badly is logged once as a warning.

How fast, how costly and how sure a cluster is depends on nine of the fields together. [\`MemberlistConfig.plan\`](plan.md) chooses
them by what you want: the time within which failures are known, a budget, a network that loses packets.`

const together = `## Fields that depend on each other

Refused, because it cannot work:

- \`udpBufferSize\` too small for this node's own announcement with its name, \`meta\`, \`label\` and encryption: no packet
  would ever carry it;
- \`cidrsAllowed\` that does not contain this node's own \`advertiseAddress\` or \`bindAddress\`;
- \`delegateProtocolVersion\` outside \`delegateProtocolMin\` and \`delegateProtocolMax\`;
- \`protocolVersion\` 1 with \`bindPort\` 0: version 1 announces no ports, so every member must have the same one;
- \`decisionHookTimeout\` above half of \`tcpTimeout\`, and \`packetHookTimeout\` above half of \`probeTimeout\`: two hooks
  may be part of one exchange, or hold up one ack;
- \`secretKey\` of another length than 16, 24 or 32 bytes;
- \`udpBufferSize\` above 65,507 with the transport over UDP, which refuses to start.

Warned of, because it works in memberlist and is probably not wanted:

- \`gossipVerifyOutgoing\` off while \`gossipVerifyIncoming\` is on, with a key: this node sends what it would itself refuse;
- \`probeInterval\` 0: this node detects no failures; with \`gossipInterval\` or \`gossipNodes\` 0 as well, news travels by
  push/pull alone;
- \`probeTimeout\` above \`probeInterval\`: a probe ends at the interval, without asking other members;
- \`indirectChecks\` 0 with \`disableTcpPings\`: one lost packet is enough to suspect a member;
- \`advertisePort\` without \`advertiseAddress\`, and \`cidrsStrict\` without \`cidrsAllowed\`: no effect;
- \`maxPushPulls\` above \`maxInboundStreams\`, which limits it.

## Encryption for a running cluster

Three rounds of restarts, one member at a time, and the cluster never splits:

1. \`secretKey\` with \`gossipVerifyIncoming: false\` and \`gossipVerifyOutgoing: false\`: everybody understands both;
2. \`gossipVerifyOutgoing: true\`: everybody seals;
3. \`gossipVerifyIncoming: true\`: everybody refuses what is not sealed.

| key | outgoing | incoming | sends  | accepts                                            |
| --- | -------- | -------- | ------ | -------------------------------------------------- |
| no  | any      | any      | plain  | plain; a sealed stream is refused with the reason  |
| yes | true     | true     | sealed | sealed                                             |
| yes | true     | false    | sealed | both                                               |
| yes | false    | false    | plain  | both                                               |
| yes | false    | true     | plain  | sealed: of no use, and warned of                   |

A key is exchanged for another without a restart, through \`Memberlist.keyring\`: \`add\` it everywhere, \`use\` it everywhere,
\`remove\` the old one everywhere.

## Fields of memberlist's \`Config\` that are something else here

| memberlist                                                    | here                                                               |
| ------------------------------------------------------------- | ------------------------------------------------------------------ |
| \`Transport\`                                                   | the service \`Transport\`: \`NodeTransport.layer\` or your own          |
| \`Keyring\`                                                     | the service \`Keyring\`; \`secretKey\` is added to it and made primary  |
| \`Delegate\`, \`Alive\`, \`Merge\`, \`Conflict\`, \`Ping\`              | the hooks of \`Delegate\`                                            |
| \`Events\`                                                      | the streams \`Memberlist.events\` and \`Memberlist.changes\`           |
| \`Logger\`, \`LogOutput\`                                         | Effect's \`Logger\`                                                  |
| \`MsgpackUseNewTimeFormat\`                                     | nothing: no message of the protocol holds a time                   |`

/** Pads the hand-written tables as the formatter would. */
const padded = (text: string): string =>
  text.replaceAll(/(?:^\|.*\|$\n?)+/gm, (lines) => {
    const rows = lines.trimEnd().split("\n").map((line) => line.slice(1, -1).split("|").map((cell) => cell.trim()))
    return table(rows.filter((_, i) => i !== 1)) + (lines.endsWith("\n") ? "\n" : "")
  })

/** What the source of `Settings` says about each field, in its order. */
export const documentation = (settings: string): ReadonlyMap<string, Comment> =>
  comments(block(settings, "export interface Settings {"))

/** The whole page, from the source of `Settings`. */
export const render = (settings: string): string => {
  const documented = documentation(settings)
  const missing = fieldNames.filter((name) => !documented.has(name))
  if (missing.length > 0) throw new Error(`without a doc comment: ${missing.join(", ")}`)
  const fields = [...documented]
  return [
    introduction,
    "## All fields",
    "A default that `wan` and `local` do not give is that of `lan`.",
    table([
      ["field", "memberlist", "unit or type", "lan", "wan", "local"],
      ...fields.map(([field, comment]) => row(field, comment))
    ]),
    padded(together),
    "## Each field",
    ...fields.map(([field, comment]) => section(field, comment))
  ].join("\n\n") + "\n"
}
