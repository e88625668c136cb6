/**
 * Cluster membership for Node.js on Effect: SWIM with Lifeguard, byte-compatible with HashiCorp memberlist.
 *
 * Each file has one name here, its own: a service, a piece of data or an error is its class, whose layers and
 * constructors are members (`Memberlist.layer`, `Keyring.make`); a file without such a class is a namespace
 * (`NodeMemberlist.layer`).
 *
 * @since 0.1.0
 */
export * from "./Activity.ts"
export type { PeerAddress } from "./base/Address.ts"
export { Delegate } from "./Delegate.ts"
export { HostName } from "./HostName.ts"
export { Keyring } from "./Keyring.ts"
export { Lateness } from "./Lateness.ts"
export { Member, MemberState, ProtocolVersions, type Recipient } from "./Member.ts"
export * from "./MemberEvent.ts"
export {
  type CounterKey,
  type JoinOptions,
  type JoinReport,
  Memberlist,
  MemberlistLive,
  type NewsReport,
  type NodeInfo,
  type Readiness,
  type UserMessage
} from "./Memberlist.ts"
export {
  type Forecast as PlanForecast,
  GoalInvalid,
  type Goals as PlanGoals,
  GoalUnreachable,
  MemberlistConfig,
  type Plan,
  type Settings as MemberlistSettings
} from "./MemberlistConfig.ts"
export * from "./MemberlistError.ts"
export * as NodeAdvertiseAddress from "./node/NodeAdvertiseAddress.ts"
export * as NodeHostName from "./node/NodeHostName.ts"
export * as NodeLateness from "./node/NodeLateness.ts"
export * as NodeResolver from "./node/NodeResolver.ts"
export * as NodeSeeds from "./node/NodeSeeds.ts"
export * as NodeSnapshots from "./node/NodeSnapshots.ts"
export * as NodeTcp from "./node/NodeTcp.ts"
export * as NodeTransport from "./node/NodeTransport.ts"
export * as NodeUdp from "./node/NodeUdp.ts"
export * as NodeMemberlist from "./NodeMemberlist.ts"
export { Reachability, Way } from "./Reachability.ts"
export * from "./RecoveryEvent.ts"
export { Seeds, SeedSourceFailed } from "./Seeds.ts"
export { Snapshots } from "./Snapshots.ts"
export * as TransmitLimitedQueue from "./TransmitLimitedQueue.ts"
export { type Connection, type Packet, Transport, type TransportNotice } from "./Transport.ts"
export { FailedProbe, HelperAnswer, StreamAnswer, SuspicionReport, Verdict, VerdictReason } from "./Verdict.ts"
