/**
 * The configuration in the units the protocol computes with: milliseconds and bytes.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as Address from "../base/Address.ts"
import type { MemberlistConfig } from "../MemberlistConfig.ts"
import type { Rules } from "../swim/membership/Membership.ts"

type Config = MemberlistConfig["Service"]

export interface Settings {
  readonly label: Uint8Array
  /** Our six version bytes: `[PMin, PMax, PCur, DMin, DMax, DCur]`. */
  readonly vsn: Uint8Array
  readonly encryptionVersion: 0 | 1
  readonly rules: Rules
  readonly probeInterval: number
  readonly probeTimeout: number
  readonly gossipInterval: number
  readonly pushPullInterval: number
  readonly queueCheckInterval: number
  readonly tcpTimeout: number
  /** How long a hook may take that decides something: two of them may be a part of one exchange. */
  readonly decisionHookTimeout: number
  /** How long a hook may take that a packet waits for: two of them may hold up one ack. */
  readonly packetHookTimeout: number
  /** Whether an address may appear in the cluster (`cidrsAllowed`; none configured allows all). */
  readonly addressAllowed: (addr: Uint8Array) => boolean
  /** Whether to listen or answer to an address at all (`cidrsAllowed` when `cidrsStrict` says so). */
  readonly contactAllowed: (addr: Uint8Array) => boolean
}

/** The protocol versions this library speaks. memberlist: `ProtocolVersionMin`, `ProtocolVersionMax`. */
export const PROTOCOL_MIN = 1
export const PROTOCOL_MAX = 5

/** The unit of suspicion where probing is off: the LAN preset's probe interval, in milliseconds. */
const USUAL_PROBE_INTERVAL = 1_000

const allowList = (cidrs: ReadonlyArray<string>): (addr: Uint8Array) => boolean => {
  const networks = cidrs.flatMap((cidr) => {
    const parsed = IpNetwork.fromString(cidr.trim())
    return Result.isSuccess(parsed) ? [parsed.success] : []
  })
  if (cidrs.length === 0) return () => true
  return (addr) => {
    const text = Address.ipText(addr)
    if (text === undefined) return false
    const ip = NetAddress.ipFromString(text)
    return Result.isSuccess(ip) && networks.some((network) => IpNetwork.contains(network, ip.success))
  }
}

export const make = (config: Config): Settings => {
  const addressAllowed = allowList(config.cidrsAllowed)
  const probeInterval = Duration.toMillis(config.probeInterval)
  const recovery = config.recovery && config.profile !== "paper"
  return {
    label: new TextEncoder().encode(config.label),
    vsn: Uint8Array.of(
      PROTOCOL_MIN,
      PROTOCOL_MAX,
      config.protocolVersion,
      config.delegateProtocolMin,
      config.delegateProtocolMax,
      config.delegateProtocolVersion
    ),
    encryptionVersion: config.protocolVersion === 1 ? 0 : 1,
    rules: {
      // A node that does not probe still gives others' suspects time to refute; memberlist buries them at once.
      probeInterval: probeInterval === 0 ? USUAL_PROBE_INTERVAL : probeInterval,
      suspicionMult: config.suspicionMult,
      suspicionMaxTimeoutMult: config.suspicionMaxTimeoutMult,
      suspicionConfirmations: config.suspicionConfirmations,
      deadNodeReclaimTime: Duration.toMillis(config.deadNodeReclaimTime),
      gossipToTheDeadTime: Duration.toMillis(config.gossipToTheDeadTime),
      maxMembers: config.maxMembers,
      nameConflictPolicy: config.nameConflictPolicy,
      recovery,
      // who does not probe cannot verify either
      verifies: recovery && probeInterval > 0,
      healInterval: Duration.toMillis(config.healInterval),
      maxLost: config.maxLostPeers,
      lostTime: Duration.toMillis(config.lostPeerTime),
      addressAllowed
    },
    probeInterval,
    probeTimeout: Duration.toMillis(config.probeTimeout),
    gossipInterval: Duration.toMillis(config.gossipInterval),
    pushPullInterval: Duration.toMillis(config.pushPullInterval),
    queueCheckInterval: Duration.toMillis(config.queueCheckInterval),
    tcpTimeout: Duration.toMillis(config.tcpTimeout),
    decisionHookTimeout: config.decisionHookTimeout === undefined
      ? Duration.toMillis(config.tcpTimeout) / 4
      : Duration.toMillis(config.decisionHookTimeout),
    packetHookTimeout: config.packetHookTimeout === undefined
      ? Duration.toMillis(config.probeTimeout) / 5
      : Duration.toMillis(config.packetHookTimeout),
    addressAllowed,
    contactAllowed: config.cidrsStrict ? addressAllowed : () => true
  }
}
