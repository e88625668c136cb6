/**
 * Every configuration field that is data: its type, the text form that environment variables use, and the range that
 * works. `MemberlistConfig` derives the complete configuration, `layerEnv` and the validation from here, so they cannot
 * drift apart. What a field means is told in `Settings`.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Str from "effect/String"
import { ipBytes, isUnspecified } from "../base/Address.ts"

/** A field: a value, and the text it is written as in an environment variable. `description` says what is right. */
type Field<A> = Schema.Codec<A, string | undefined>

const integer = (minimum: number, maximum: number, note = ""): Field<number> =>
  Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum, maximum })).annotate({
    description: `an integer from ${minimum} to ${maximum}${note}`
  })

const MAX_COUNT = 0x7fffffff

const count = (minimum: number, note = ""): Field<number> => integer(minimum, MAX_COUNT, note)

/** A duration as text; 0 needs no unit. */
const durationText = Schema.String.pipe(
  Schema.decodeTo(Schema.DurationFromString, {
    decode: SchemaGetter.transform((text) => text === "0" ? "0 millis" : text),
    encode: SchemaGetter.transform((text) => text)
  })
)

const duration = (options: { readonly zero: string | undefined }): Field<Duration.Duration> =>
  durationText.check(Schema.makeFilter((value: Duration.Duration) => {
    const millis = Duration.toMillis(value)
    return Number.isFinite(millis) && (millis >= 1 || (millis === 0 && options.zero !== undefined))
  })).annotate({
    description: options.zero === undefined
      ? "a finite duration of at least 1 millisecond, such as \"500 millis\""
      : `a finite duration of at least 1 millisecond, such as "30 seconds", or 0 (${options.zero})`
  })

const flag: Field<boolean> = Schema.Literals(["true", "false", "yes", "no", "on", "off", "1", "0"]).pipe(
  Schema.decodeTo(Schema.Boolean, {
    decode: SchemaGetter.transform((text) => text === "true" || text === "yes" || text === "on" || text === "1"),
    encode: SchemaGetter.transform((value): "true" | "false" => value ? "true" : "false")
  })
).annotate({ description: "true or false" })

const utf8 = new TextEncoder()
const LONE_SURROGATE = /\p{Surrogate}/u

const text = (options: { readonly empty: boolean; readonly maxBytes: number }): Field<string> =>
  Schema.String.check(Schema.makeFilter((value: string) =>
    (options.empty || value.length > 0)
    && !LONE_SURROGATE.test(value)
    && utf8.encode(value).length <= options.maxBytes
  )).annotate({
    description: `${options.empty ? "text" : "non-empty text"} of at most ${options.maxBytes} bytes in UTF-8`
  })

const bytesFromText: Field<Uint8Array> = Schema.String.pipe(
  Schema.decodeTo(Schema.Uint8Array, {
    decode: SchemaGetter.transform((text) => utf8.encode(text)),
    encode: SchemaGetter.transform((bytes) => new TextDecoder().decode(bytes))
  })
)

const ipLiteral = Schema.String.check(Schema.makeFilter((value: string) => ipBytes(value) !== undefined))

const list: Field<ReadonlyArray<string>> = Schema.String.pipe(
  Schema.decodeTo(Schema.Array(Schema.String), {
    decode: SchemaGetter.transform((text) =>
      text.split(",").map((item) => item.trim()).filter((item) => item.length > 0)
    ),
    encode: SchemaGetter.transform((items) => items.join(","))
  })
)

/** Attributes the metrics have already, with meanings of their own. */
const RESERVED_LABELS: ReadonlySet<string> = new Set(["reason", "node_state", "time_unit"])
const LABEL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const MAX_LABELS = 32
const MAX_LABEL_CHARACTERS = 255

const isLabel = ([name, value]: readonly [string, string]): boolean =>
  LABEL_NAME.test(name) && !RESERVED_LABELS.has(name) && name.length <= MAX_LABEL_CHARACTERS
  && value.length <= MAX_LABEL_CHARACTERS && !LONE_SURROGATE.test(value)

const labels: Field<Readonly<Record<string, string>>> = Schema.String.pipe(
  Schema.decodeTo(Schema.Record(Schema.String, Schema.String), {
    decode: SchemaGetter.transform((text) =>
      Object.fromEntries(
        text.split(",").map((item) => item.trim()).filter((item) => item.length > 0).map((item) => {
          const at = item.indexOf("=")
          // without "=" there is no name, which the check refuses
          return at === -1 ? ["", item] : [item.slice(0, at).trim(), item.slice(at + 1).trim()]
        })
      )
    ),
    encode: SchemaGetter.transform((labels) => Object.entries(labels).map((label) => label.join("=")).join(","))
  })
).check(Schema.makeFilter((labels: Readonly<Record<string, string>>) => {
  const entries = Object.entries(labels)
  return entries.length <= MAX_LABELS && entries.every(isLabel)
})).annotate({
  description:
    `at most ${MAX_LABELS} labels such as { cluster: "orders" } (in text: cluster=orders,zone=b), named with `
    + `letters, digits and underscores, but not ${
      [...RESERVED_LABELS].join(", ")
    }; values up to ${MAX_LABEL_CHARACTERS} `
    + "characters"
})

/**
 * The most that the compressed parts of a packet may ever decompress to, and so the most that one can be of use with.
 */
const MAX_PACKET = 41_943_040

/**
 * The largest member metadata, in bytes. memberlist: `MetaMaxSize`.
 *
 * @category limits
 * @since 0.1.0
 */
export const MAX_META = 512

/**
 * The fields, in the order of memberlist's `Config`, ours at the end.
 *
 * @category schemas
 * @since 0.1.0
 */
export const fields = {
  name: text({ empty: false, maxBytes: 512 }).annotate({
    description: "a name that no other member has (or provide NodeHostName.layer for the host's); "
      + "non-empty text of at most 512 bytes in UTF-8"
  }) as Field<string>,
  label: text({ empty: true, maxBytes: 255 }),
  skipInboundLabelCheck: flag,
  bindAddress: ipLiteral.annotate({
    description: "an IP address of this host, 0.0.0.0 (all IPv4), or :: (all IPv6 and IPv4); host names are not bound"
  }) as Field<string>,
  bindPort: integer(0, 65_535, " (0: the system chooses)"),
  advertiseAddress: Schema.UndefinedOr(
    ipLiteral.check(Schema.makeFilter((value: string) => !isUnspecified(value)))
  ).annotate({
    description: "an IP address that peers can reach (resolve host names first; 0.0.0.0 and :: reach nobody)"
  }) as Field<string | undefined>,
  advertisePort: Schema.UndefinedOr(integer(1, 65_535)).annotate({
    description: "an integer from 1 to 65535, or none for the bound port"
  }) as Field<number | undefined>,
  protocolVersion: integer(1, 5),
  tcpTimeout: duration({ zero: undefined }),
  indirectChecks: count(0),
  retransmitMult: count(1),
  suspicionMult: count(1),
  suspicionMaxTimeoutMult: count(1),
  pushPullInterval: duration({ zero: "off" }),
  probeInterval: duration({ zero: "no failure detection" }),
  probeTimeout: duration({ zero: undefined }),
  disableTcpPings: flag,
  awarenessMaxMultiplier: count(1),
  gossipInterval: duration({ zero: "only piggybacked gossip" }),
  gossipNodes: count(0),
  gossipToTheDeadTime: duration({ zero: "not at all" }),
  gossipVerifyIncoming: flag,
  gossipVerifyOutgoing: flag,
  enableCompression: flag,
  secretKey: Schema.UndefinedOr(Schema.RedactedFromValue(Schema.Uint8ArrayFromBase64)).annotate({
    description: "Redacted.make(bytes) with 16, 24 or 32 random bytes (in text: base64)"
  }),
  delegateProtocolVersion: integer(0, 255),
  delegateProtocolMin: integer(0, 255),
  delegateProtocolMax: integer(0, 255),
  dnsConfigPath: text({ empty: true, maxBytes: 4096 }).annotate({
    description: "the path of a file in the form of resolv.conf, or nothing to ask the system's resolver alone"
  }) as Field<string>,
  handoffQueueDepth: count(1),
  udpBufferSize: integer(64, MAX_PACKET),
  deadNodeReclaimTime: duration({ zero: "at once with recovery, else until the dead entry is removed" }),
  requireNodeNames: flag,
  cidrsAllowed: list.annotate({ description: "networks such as 10.0.0.0/8 or fd00::/8" }) as Field<
    ReadonlyArray<string>
  >,
  cidrsStrict: flag,
  metricLabels: labels,
  queueCheckInterval: duration({ zero: "off" }),
  meta: bytesFromText.check(Schema.makeFilter((bytes: Uint8Array) => bytes.length <= MAX_META)).annotate({
    description: `at most ${MAX_META} bytes`
  }) as Field<Uint8Array>,
  leaveTimeout: duration({ zero: "do not wait" }),
  eventBuffer: count(1),
  messageBuffer: count(1),
  maxMembers: count(2),
  maxDecompressedPacket: integer(65_536, MAX_PACKET),
  maxInboundStreams: count(1),
  maxInboundBytes: count(4_194_304),
  maxPushPulls: count(1),
  nameConflictPolicy: Schema.Literals(["keep", "replace"]).annotate({ description: "keep or replace" }),
  profile: Schema.Literals(["memberlist", "paper"]).annotate({ description: "memberlist or paper" }),
  suspicionConfirmations: Schema.UndefinedOr(count(0)).annotate({
    description: `an integer from 0 to ${MAX_COUNT}, or none for suspicionMult − 2`
  }) as Field<number | undefined>,
  buddySystem: flag,
  recovery: flag,
  healInterval: duration({ zero: undefined }),
  maxLostPeers: integer(0, 4096),
  lostPeerTime: duration({ zero: undefined }),
  decisionHookTimeout: Schema.UndefinedOr(duration({ zero: undefined })).annotate({
    description:
      "a finite duration of at least 1 millisecond and at most half of tcpTimeout, or none for a quarter of it"
  }) as Field<Duration.Duration | undefined>,
  packetHookTimeout: Schema.UndefinedOr(duration({ zero: undefined })).annotate({
    description:
      "a finite duration of at least 1 millisecond and at most half of probeTimeout, or none for a fifth of it"
  }) as Field<Duration.Duration | undefined>,
  joinConcurrency: count(1),
  readyTimeout: Schema.UndefinedOr(duration({ zero: undefined })).annotate({
    description: "a finite duration of at least 1 millisecond, such as \"30 seconds\", or none for no limit"
  }) as Field<Duration.Duration | undefined>,
  packetBuffer: count(1)
}

/**
 * The names of the data fields.
 *
 * @category models
 * @since 0.1.0
 */
export type FieldName = keyof typeof fields

/**
 * Every data field with its resolved value.
 *
 * @category models
 * @since 0.1.0
 */
export type ConfigData = { readonly [K in keyof typeof fields]: (typeof fields)[K]["Type"] }

/**
 * The field names, in order.
 *
 * @category getters
 * @since 0.1.0
 */
export const fieldNames = Object.keys(fields) as ReadonlyArray<FieldName>

/**
 * How the environment variables of all fields begin.
 *
 * @category getters
 * @since 0.1.0
 */
export const PREFIX = "MEMBERLIST_"

/**
 * The environment variable of a field.
 *
 * @category getters
 * @since 0.1.0
 */
export const variable = (name: string): string => `${PREFIX}${Str.configCase(name)}`

const units = new Map([["ms", "millis"], ["s", "seconds"], ["m", "minutes"], ["h", "hours"]])

/** What is wrong with a text that is nearly a duration. */
const missingUnit = (text: string): string | undefined => {
  const [, number, short] = /^\s*(\d+(?:\.\d+)?)(ms|s|m|h)?\s*$/.exec(text) ?? []
  if (number === undefined) return undefined
  if (short === undefined) return `a number with its unit, such as "${number} millis" or "${number} seconds"`
  return `the unit in full, "${number} ${units.get(short)}"`
}

/** Whether a field is a duration, which may be given in several forms. */
export const isDuration = (name: FieldName): boolean => Schema.is(fields[name])(Duration.seconds(1))

/**
 * What is right for a field, in words; with what was given in place of it, also what that lacks.
 *
 * @category getters
 * @since 0.1.0
 */
export const expectation = (name: FieldName, given?: unknown): string => {
  const description = Schema.resolveAnnotations(fields[name])?.description ?? "another value"
  const missing = isDuration(name) && typeof given === "string" ? missingUnit(given) : undefined
  return missing === undefined ? description : `${missing}: ${description}`
}
