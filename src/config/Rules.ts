/**
 * What the configuration's fields must be to each other: contradictions that cannot work are errors, combinations that
 * work badly are warnings.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as IpInterface from "effect/net/IpInterface"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { ipBytes, ipText } from "../base/Address.ts"
import { ConfigInvalid, KeyInvalid } from "../MemberlistError.ts"
import type { ConfigData, FieldName } from "./Fields.ts"

const utf8Length = (text: string) => new TextEncoder().encode(text).length

const invalid = (field: FieldName, value: unknown, expected: string) =>
  new ConfigInvalid({ field, value: String(value), expected })

/** The key lengths of AES-128, AES-192 and AES-256. */
export const isKeyLength = (length: number): boolean => length === 16 || length === 24 || length === 32

const checkKey = (config: ConfigData): KeyInvalid | undefined => {
  if (config.secretKey === undefined) return undefined
  const { length } = Redacted.value(config.secretKey)
  return isKeyLength(length) ? undefined : new KeyInvalid({ length })
}

/** The bits in front of the IPv4 address in an IPv4-mapped one. */
const MAPPED_BITS = 96

/** `::ffff:10.0.0.0/104` is `10.0.0.0/8`: addresses are compared in their IPv4 form. */
const withoutMapping = (found: IpNetwork.IpNetwork): IpNetwork.IpNetwork => {
  const address = NetAddress.toCanonical(found.address)
  return NetAddress.isIpv4Address(address) && NetAddress.isIpv6Address(found.address)
    ? IpNetwork.makeUnsafe(address, found.prefixLength - MAPPED_BITS)
    : found
}

/** A network in CIDR notation; host bits are dropped, as in the reference. */
const network = (cidr: string): IpNetwork.IpNetwork | undefined =>
  Result.getOrUndefined(
    Result.map(
      IpInterface.fromString(cidr.trim()),
      (parsed) => withoutMapping(IpNetwork.fromInterface(parsed))
    )
  )

const hasPrefix = (cidr: string) => cidr.includes("/")

/**
 * The allowed networks in canonical form: no spaces, no host bits. Malformed ones must have been refused before.
 *
 * @category getters
 * @since 0.1.0
 */
export const canonicalNetworks = (cidrs: ReadonlyArray<string>): ReadonlyArray<string> =>
  cidrs.flatMap((cidr) => network(cidr) ?? []).map(IpNetwork.format)

const checkNetworks = (config: ConfigData): ConfigInvalid | undefined => {
  const bad = config.cidrsAllowed.filter((cidr) => !hasPrefix(cidr) || network(cidr) === undefined)
  return bad.length === 0
    ? undefined
    : invalid("cidrsAllowed", bad.map((cidr) => `"${cidr}"`).join(", "), "networks such as 10.0.0.0/8 or fd00::/8")
}

/** A node whose own address is not allowed could not even enter its own member list. */
const checkOwnAddress = (config: ConfigData): ConfigInvalid | undefined => {
  if (config.cidrsAllowed.length === 0) return undefined
  const own = ipText(ipBytes(config.advertiseAddress ?? config.bindAddress) ?? new Uint8Array())
  if (own === undefined) return undefined
  const ip = NetAddress.ipFromStringUnsafe(own)
  if (NetAddress.isUnspecified(ip)) return undefined
  const allowed = config.cidrsAllowed.flatMap((cidr) => network(cidr) ?? []).some(IpNetwork.contains(ip))
  return allowed
    ? undefined
    : invalid("cidrsAllowed", config.cidrsAllowed.join(", "), `a list that contains this node's own address ${own}`)
}

const checkDelegateVersions = (config: ConfigData): ConfigInvalid | undefined => {
  const { delegateProtocolMax: max, delegateProtocolMin: min, delegateProtocolVersion: current } = config
  return min <= current && current <= max ? undefined : invalid(
    "delegateProtocolVersion",
    current,
    `a version from delegateProtocolMin (${min}) to delegateProtocolMax (${max}); no peer would accept us otherwise`
  )
}

/** Version 1 announces no ports: every member is expected at the port this node itself has. */
const checkFirstProtocol = (config: ConfigData): ConfigInvalid | undefined =>
  config.protocolVersion === 1 && config.bindPort === 0
    ? invalid(
      "bindPort",
      0,
      "a fixed port, the same for all members, because protocolVersion 1 does not announce ports"
    )
    : undefined

/** Type byte, map header, the six field names with their headers, and the fixed-size values at their largest. */
const ALIVE_FIXED = 76
const COMPOUND = 2
const PART = 2

/** The encryption overhead of a packet: nonce, tag and version byte, and padding in version 0. */
const encryptionOverhead = (config: ConfigData): number =>
  config.secretKey === undefined ? 0 : config.protocolVersion === 1 ? 45 : 29

/** A broadcast that is larger than a packet's budget is never sent: nobody would hear of this node by gossip. */
const checkPacketSize = (config: ConfigData): ConfigInvalid | undefined => {
  const label = utf8Length(config.label)
  const needed = COMPOUND + PART + ALIVE_FIXED + utf8Length(config.name) + config.meta.length
    + (label === 0 ? 0 : 2 + label) + encryptionOverhead(config)
  return config.udpBufferSize >= needed ? undefined : invalid(
    "udpBufferSize",
    config.udpBufferSize,
    `at least ${needed} bytes, so that the announcement of this node (name, metadata, label) fits into a packet`
  )
}

/**
 * Two hooks may be part of one exchange, or hold up one ack, and both must end before whoever waits for it gives up.
 */
const checkHooks = (config: ConfigData): ConfigInvalid | undefined => {
  const lived = [["decisionHookTimeout", "tcpTimeout"], ["packetHookTimeout", "probeTimeout"]] as const
  for (const [field, whole] of lived) {
    const timeout = config[field]
    if (timeout === undefined || Duration.toMillis(timeout) <= Duration.toMillis(config[whole]) / 2) continue
    const expected = `at most half of ${whole} (${
      Duration.format(config[whole])
    }), in which two hooks may have to answer`
    return invalid(field, Duration.format(timeout), expected)
  }
  return undefined
}

const rules = [
  checkHooks,
  checkNetworks,
  checkOwnAddress,
  checkDelegateVersions,
  checkFirstProtocol,
  checkKey,
  checkPacketSize
]

/**
 * The first contradiction, if there is one.
 *
 * @category validation
 * @since 0.1.0
 */
export const contradiction = (config: ConfigData): ConfigInvalid | KeyInvalid | undefined => {
  for (const rule of rules) {
    const error = rule(config)
    if (error !== undefined) return error
  }
  return undefined
}

const isOff = (interval: Duration.Duration) => Duration.toMillis(interval) === 0

/**
 * Combinations that are allowed, as in the reference, and that an operator would rather know about.
 *
 * @category validation
 * @since 0.1.0
 */
export const warnings = (config: ConfigData): ReadonlyArray<string> => {
  const found: Array<string> = []
  if (config.secretKey !== undefined && config.gossipVerifyIncoming && !config.gossipVerifyOutgoing) {
    found.push(
      "gossipVerifyOutgoing is off while gossipVerifyIncoming is on: this node sends in clear what it would itself "
        + "refuse, so peers with the same configuration will not hear it; turn gossipVerifyIncoming off until every "
        + "member has the key, then gossipVerifyOutgoing on, then gossipVerifyIncoming"
    )
  }
  if (isOff(config.probeInterval)) {
    found.push(
      "probeInterval is 0: this node detects no failures, it only hears of them from others; set it, to 1 second "
        + "for example, unless that is what you want"
    )
  } else if (Duration.isGreaterThan(config.probeTimeout, config.probeInterval)) {
    found.push(
      "probeTimeout is longer than probeInterval: a probe ends at the interval, without asking other members; "
        + "lower probeTimeout or raise probeInterval"
    )
  }
  if ((isOff(config.gossipInterval) || config.gossipNodes === 0) && isOff(config.probeInterval)) {
    found.push(
      "neither gossip nor probes are on: changes only spread by the periodic exchange of the full state; set "
        + "gossipInterval and gossipNodes"
    )
  }
  if (config.indirectChecks === 0 && config.disableTcpPings) {
    found.push(
      "indirectChecks is 0 and TCP pings are disabled: one lost packet is enough to suspect a member; set "
        + "indirectChecks to 3, or disableTcpPings to false"
    )
  }
  if (config.advertisePort !== undefined && config.advertiseAddress === undefined) {
    found.push(
      "advertisePort has no effect without advertiseAddress: the bound port is announced; set "
        + "advertiseAddress as well, or remove advertisePort"
    )
  }
  if (config.cidrsStrict && config.cidrsAllowed.length === 0) {
    found.push(
      "cidrsStrict has no effect without cidrsAllowed: every address is allowed; list the cluster's networks in "
        + "cidrsAllowed"
    )
  }
  if (config.maxPushPulls > config.maxInboundStreams) {
    found.push("maxPushPulls is above maxInboundStreams, which limits it; raise maxInboundStreams")
  }
  return found
}
