/**
 * Every configuration field that is data, each defined once: its type, the text form that environment variables use, the
 * range that works, and what it trades. `MemberlistConfig` derives its types, its presets' type, `layerEnv` and the
 * validation from here, so they cannot drift apart.
 *
 * Defaults are those of the LAN preset; WAN and local values are given where they differ.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as Str from "effect/String"
import { ipBytes } from "./base/Address.ts"

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

/** The most that the compressed parts of a packet may ever decompress to, and so the most that one can be of use with. */
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
  /**
   * The member's identity, unique in the cluster. Default: the name of the host where one is provided
   * (`NodeHostName.layer`, and for `layerEnv` the variable `HOSTNAME`), else it is required. Two nodes on one host need
   * two names. memberlist: `Name`.
   */
  name: text({ empty: false, maxBytes: 512 }).annotate({
    description: "a name that no other member has (or provide NodeHostName.layer for the host's); "
      + "non-empty text of at most 512 bytes in UTF-8"
  }) as Field<string>,
  /**
   * The cluster's name tag, at most 255 bytes, default none. Packets and streams of another label are refused, so two
   * clusters that can reach each other cannot merge by accident. It is sent in clear. memberlist: `Label`.
   */
  label: text({ empty: true, maxBytes: 255 }),
  /**
   * Expect no label on what arrives, while this node sends its own; default false. Only where something in front of
   * it strips labels: a packet or stream that still has one is then refused. memberlist: `SkipInboundLabelCheck`.
   */
  skipInboundLabelCheck: flag,
  /**
   * The IP literal to listen on, default `0.0.0.0`: every IPv4 address of the host. `::` listens on every IPv6 and
   * IPv4 address. (In Go `0.0.0.0` listens on both families as well.) memberlist: `BindAddr`.
   */
  bindAddress: ipLiteral.annotate({
    description: "an IP address of this host, 0.0.0.0 (all IPv4), or :: (all IPv6 and IPv4); host names are not bound"
  }) as Field<string>,
  /**
   * The port for both UDP and TCP, default 7946. 0 lets the system choose one that is free for both. It is also the port
   * assumed for a seed without one. memberlist: `BindPort`.
   */
  bindPort: integer(0, 65_535, " (0: the system chooses)"),
  /**
   * The IP literal that peers should use, default the bound address, or for a wildcard the first private address of the
   * host. Needed behind NAT and in most container networks. memberlist: `AdvertiseAddr`.
   */
  advertiseAddress: Schema.UndefinedOr(
    ipLiteral.check(Schema.makeFilter((value: string) => !isUnspecified(value)))
  ).annotate({
    description: "an IP address that peers can reach (resolve host names first; 0.0.0.0 and :: reach nobody)"
  }) as Field<string | undefined>,
  /**
   * The port that peers should use, default the bound one. Only used together with `advertiseAddress`, as in the
   * reference; without it the value is ignored. memberlist: `AdvertisePort`.
   */
  advertisePort: Schema.UndefinedOr(integer(1, 65_535)).annotate({
    description: "an integer from 1 to 65535, or none for the bound port"
  }) as Field<number | undefined>,
  /**
   * The protocol version to announce, 1‥5, default 2. What a peer can do is read from the newest version that the peer
   * announces (3: TCP pings, 4: nacks, 5: checksums), so 2 to 5 differ in name only. 1 is for members from before 2: it
   * seals with the first cipher form, and takes every member to be at this node's own port.
   * memberlist: `ProtocolVersion`.
   */
  protocolVersion: integer(1, 5),
  /**
   * How long a TCP connection may take to open, and how long a whole exchange on it may last: 10 s, WAN 30 s, local 1 s.
   * memberlist: `TCPTimeout`.
   */
  tcpTimeout: duration({ zero: undefined }),
  /**
   * How many other members are asked to probe a member that did not answer: 3, local 1. More make a false suspicion by
   * one bad link rarer, and cost that many packets per failed probe. memberlist: `IndirectChecks`; SWIM's k.
   */
  indirectChecks: count(0),
  /**
   * Each rumour is sent this × ⌈log₁₀(N + 1)⌉ times by each member: 4, local 2. More survive more packet loss.
   * memberlist: `RetransmitMult`.
   */
  retransmitMult: count(1),
  /**
   * A suspect has this × log₁₀(N) × probeInterval (at least this × probeInterval) to prove itself alive when others
   * confirm the suspicion: 4, WAN 6, local 3. Smaller detects failures sooner and accuses slow members more often.
   * memberlist: `SuspicionMult`.
   */
  suspicionMult: count(1),
  /**
   * A suspicion that nobody confirms lasts this many times longer, default 6 (Lifeguard's β). 1 switches the extension
   * off. memberlist: `SuspicionMaxTimeoutMult`.
   */
  suspicionMaxTimeoutMult: count(1),
  /**
   * How often the full state is exchanged with a random member over TCP: 30 s, WAN 60 s, local 15 s; grows with the
   * cluster beyond 32 members. 0 switches it off (joins still exchange). Repairs what gossip missed, at the price of
   * O(N) bytes each time. memberlist: `PushPullInterval`.
   */
  pushPullInterval: duration({ zero: "off" }),
  /**
   * How often one member is probed: 1 s, WAN 5 s, local 1 s. The unit of every failure-detection time. 0 switches
   * probing off: this node hears of failures from others only. Entries of dead members are removed all the same (in
   * memberlist they then stay forever). Where it is off, suspicions heard from others last as with 1 s
   * (in memberlist they end at once). memberlist: `ProbeInterval`.
   */
  probeInterval: duration({ zero: "no failure detection" }),
  /**
   * How long to wait for a direct answer before asking others: 500 ms, WAN 3 s, local 200 ms. Should be at least the
   * 99th percentile of the round-trip time. memberlist: `ProbeTimeout`.
   */
  probeTimeout: duration({ zero: undefined }),
  /**
   * Do not fall back to a TCP ping when UDP gets no answer; default false. memberlist: `DisableTcpPings`.
   */
  disableTcpPings: flag,
  /**
   * One more than the worst local health score (Lifeguard): a node that finds itself slow multiplies its probe interval
   * by up to this. Default 8; 1 switches it off. memberlist: `AwarenessMaxMultiplier`.
   */
  awarenessMaxMultiplier: count(1),
  /**
   * How often rumours are sent to random members between probes: 200 ms, WAN 500 ms, local 100 ms. 0: rumours only ride
   * on probes. Shorter spreads news sooner. memberlist: `GossipInterval`.
   */
  gossipInterval: duration({ zero: "only piggybacked gossip" }),
  /**
   * How many members each gossip round goes to: 3, WAN 4. 0: rumours only ride on probes. memberlist: `GossipNodes`.
   */
  gossipNodes: count(0),
  /**
   * How long a dead member is still gossiped to, so that it can refute, and how long dead and left entries are kept:
   * 30 s, WAN 60 s, local 15 s. memberlist: `GossipToTheDeadTime`.
   */
  gossipToTheDeadTime: duration({ zero: "not at all" }),
  /**
   * Refuse unencrypted packets and streams when a key is installed; default true. False only while encryption is rolled
   * out. memberlist: `GossipVerifyIncoming`.
   */
  gossipVerifyIncoming: flag,
  /**
   * Encrypt what is sent when a key is installed; default true. False only while encryption is rolled out.
   * memberlist: `GossipVerifyOutgoing`.
   */
  gossipVerifyOutgoing: flag,
  /**
   * Compress (LZW) what is sent when that makes it smaller; default true. What is received is always decompressed.
   * memberlist: `EnableCompression`.
   */
  enableCompression: flag,
  /**
   * The AES key, 16, 24 or 32 bytes, default none: everything is sent in clear. It is installed as the primary key of the
   * keyring. In text: base64. memberlist: `SecretKey`.
   */
  secretKey: Schema.UndefinedOr(Schema.RedactedFromValue(Schema.Uint8ArrayFromBase64)).annotate({
    description: "Redacted.make(bytes) with 16, 24 or 32 random bytes (in text: base64)"
  }),
  /** The application's own protocol version, 0‥255, default 0. memberlist: `DelegateProtocolVersion`. */
  delegateProtocolVersion: integer(0, 255),
  /** The oldest application protocol this node understands, default 0. memberlist: `DelegateProtocolMin`. */
  delegateProtocolMin: integer(0, 255),
  /** The newest application protocol this node understands, default 0. memberlist: `DelegateProtocolMax`. */
  delegateProtocolMax: integer(0, 255),
  /**
   * The file that names the DNS server, default `/etc/resolv.conf`. Seeds whose host name has a dot are first looked up
   * there over TCP, because answers over UDP may be cut short, silently by some servers; when that gives nothing
   * within 2 s, the system's resolver is asked. Empty: the system's resolver alone. memberlist: `DNSConfigPath`.
   */
  dnsConfigPath: text({ empty: true, maxBytes: 4096 }).annotate({
    description: "the path of a file in the form of resolv.conf, or nothing to ask the system's resolver alone"
  }) as Field<string>,
  /**
   * How many received messages may wait, per priority; more are dropped and counted. Default 1024.
   * memberlist: `HandoffQueueDepth`.
   */
  handoffQueueDepth: count(1),
  /**
   * How many bytes are packed into one packet, default 1400, which fits an Ethernet frame with room for tunnels. Larger
   * carries more gossip per packet and risks fragmentation. What a packet can carry is the transport's to say: UDP over
   * Node.js refuses to start above 65,507; with a transport of your own that carries more, raise `maxDecompressedPacket`
   * of all members as well. memberlist: `UDPBufferSize`.
   */
  udpBufferSize: integer(64, MAX_PACKET),
  /**
   * How long a dead member's name stays reserved for its old address, default 0: until its entry is removed. Set it
   * where members come back under the same name with a new address. memberlist: `DeadNodeReclaimTime`.
   */
  deadNodeReclaimTime: duration({ zero: "until the dead entry is removed" }),
  /**
   * Refuse to send to an address whose member name is not given; default false. memberlist: `RequireNodeNames`.
   */
  requireNodeNames: flag,
  /**
   * The networks that members may have their addresses in, in CIDR notation, default none listed: all. It covers the
   * addresses in alive messages and lists, and where alive messages come from; `cidrsStrict` extends it to everything.
   * IPv4 and IPv6 are listed separately. In text: separated by commas. memberlist: `CIDRsAllowed`.
   */
  cidrsAllowed: list.annotate({ description: "networks such as 10.0.0.0/8 or fd00::/8" }) as Field<
    ReadonlyArray<string>
  >,
  /**
   * Apply `cidrsAllowed` to everything: packets and streams from elsewhere are dropped unread, and pings that ask to be
   * answered elsewhere, or to probe somebody elsewhere, are not served. Default false, as in memberlist, which checks the
   * sources and addresses of alive messages only; leave it so where address translation hides the peers' own addresses.
   */
  cidrsStrict: flag,
  /**
   * Attributes of every metric this node reports, default none. Several nodes in one process need them, to be told apart:
   * without, what they count is added up, and the last one to set a gauge wins. At most 32; names are letters, digits
   * and underscores, and not `reason`, `node_state` or `time_unit`, which the metrics use themselves. Each label with
   * more values makes more series to store. In text: `cluster=orders,zone=b`. memberlist: `MetricLabels`.
   */
  metricLabels: labels,
  /**
   * How often the lengths of the broadcast queues are sampled into `memberlist.queue.broadcasts`, and the members counted
   * into `memberlist.node.instances`: default 30 s; 0 switches that off (in the reference it keeps a processor busy).
   * memberlist: `QueueCheckInterval`.
   */
  queueCheckInterval: duration({ zero: "off" }),
  /**
   * The metadata this node starts with, at most 512 bytes, default none. In text: its UTF-8 bytes.
   * memberlist: `Delegate.NodeMeta`.
   */
  meta: bytesFromText.check(Schema.makeFilter((bytes: Uint8Array) => bytes.length <= MAX_META)).annotate({
    description: `at most ${MAX_META} bytes`
  }) as Field<Uint8Array>,
  /**
   * How long a graceful leave may wait for the news to be handed to the network, default 5 s. memberlist: the argument
   * of `Leave`.
   */
  leaveTimeout: duration({ zero: "do not wait" }),
  /** How many events each subscriber may be behind before it loses the oldest, default 1024. */
  eventBuffer: count(1),
  /** How many user messages each subscriber may be behind before it loses the oldest, default 1024. */
  messageBuffer: count(1),
  /**
   * How many entries, dead ones included, the member table may hold. Default 65,536. When it is full, a newcomer takes the
   * place of an entry that nothing ever came from in three rounds of probing (at least 30 probe intervals); where there is
   * none, it is refused.
   */
  maxMembers: count(2),
  /**
   * How many bytes the compressed parts of one packet may decompress to together, default 262,144: four full UDP
   * datagrams. What is above is refused. Raise it only with a transport whose packets are larger. (In the reference a
   * single packet can decompress to 40 MiB, again and again.)
   */
  maxDecompressedPacket: integer(65_536, MAX_PACKET),
  /**
   * How many inbound TCP connections are served at once, default 256. One more takes the place of another: of the address
   * that has most, the one that has been idle longest. Those that a key of ours has authenticated go last.
   */
  maxInboundStreams: count(1),
  /**
   * How many bytes all inbound TCP connections may hold together, default 134,217,728 (128 MiB), at least 4 MiB: of
   * requests that no key of ours has authenticated, received, decompressed and decoded, and of answers that their peers
   * have not read. When it is too little, the address that holds most loses the longest idle of its large connections.
   * Without a key every request counts until it is served: leave room for a few of the cluster's whole states.
   */
  maxInboundBytes: count(4_194_304),
  /** How many state exchanges peers may have open with us at once, default 127 as in the reference. */
  maxPushPulls: count(1),
  /**
   * Who has a name that two nodes claim, default `keep`: the one this node knew first, as in the reference. `replace`: the
   * one with the higher incarnation, and this node takes its own name when it joins, by announcing itself above whoever
   * has it. For members that come back under the same name at another address before anybody noticed that they were
   * gone (containers). It trades safety for that: a node started by mistake under the name of a live one pushes it out.
   * Members with `keep` do not follow. A node never gives up its own name.
   */
  nameConflictPolicy: Schema.Literals(["keep", "replace"]).annotate({ description: "keep or replace" }),
  /**
   * Whom the failure detector follows where HashiCorp's code and the Lifeguard paper differ, default `memberlist`. `paper`
   * is for repeating the paper's experiments: the probe timeout is stretched by the local health score as the interval
   * is; a failed probe costs a point of it, and one more when a nack was missed; helpers send their nack after 80 % of
   * the probe timeout, none are asked for when the score is switched off (`awarenessMaxMultiplier` 1), and they tell a
   * suspect of the suspicion; and it makes no difference who was heard from (no refutation or accusation is sent
   * straight to whom it concerns, and gossip goes to anybody). The two profiles speak the same protocol.
   */
  profile: Schema.Literals(["memberlist", "paper"]).annotate({ description: "memberlist or paper" }),
  /**
   * How many independent confirmations bring a suspicion down to its shortest time, and are gossiped on: Lifeguard's K.
   * Default none given: suspicionMult − 2, as in the reference. 0 leaves every suspicion its shortest time from the
   * start. It should be the same in the whole cluster.
   */
  suspicionConfirmations: Schema.UndefinedOr(count(0)).annotate({
    description: `an integer from 0 to ${MAX_COUNT}, or none for suspicionMult − 2`
  }) as Field<number | undefined>,
  /**
   * Tell a suspect of the suspicion in the very packet that pings it, so that it can refute at once; default true.
   * Lifeguard's buddy system.
   */
  buddySystem: flag,
  /** How many seeds are contacted at the same time by one join, default 4. (The reference: one after the other.) */
  joinConcurrency: count(1),
  /** How many received packets may wait to be read; more are dropped and counted. Default 2048. */
  packetBuffer: count(1)
}

function isUnspecified(ip: string): boolean {
  return ipBytes(ip)?.every((byte) => byte === 0) === true
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
export type ConfigData = { readonly [K in FieldName]: (typeof fields)[K]["Type"] }

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

/**
 * What is right for a field, in words; with what was given in place of it, also what that lacks.
 *
 * @category getters
 * @since 0.1.0
 */
export const expectation = (name: FieldName, given?: unknown): string => {
  const description = Schema.resolveAnnotations(fields[name])?.description ?? "another value"
  const isDuration = Schema.is(fields[name])(Duration.seconds(1))
  const missing = isDuration && typeof given === "string" ? missingUnit(given) : undefined
  return missing === undefined ? description : `${missing}: ${description}`
}
