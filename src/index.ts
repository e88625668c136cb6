/**
 * Cluster membership for Node.js on Effect: SWIM with Lifeguard, byte-compatible with HashiCorp memberlist.
 *
 * @since 0.1.0
 */
export type { PeerAddress } from "./base/Address.ts"
export { Delegate } from "./Delegate.ts"
export { HostName } from "./HostName.ts"
export { Keyring } from "./Keyring.ts"
export { Member, MemberState, ProtocolVersions, type Recipient } from "./Member.ts"
export * from "./MemberEvent.ts"
export {
  type CounterKey,
  type JoinReport,
  Memberlist,
  MemberlistLive,
  type NewsReport,
  type NodeInfo,
  type UserMessage
} from "./Memberlist.ts"
export { MemberlistConfig } from "./MemberlistConfig.ts"
export * from "./MemberlistError.ts"
export * as NodeHostName from "./node/NodeHostName.ts"
export * as NodeTransport from "./node/NodeTransport.ts"
export * as TransmitLimitedQueue from "./TransmitLimitedQueue.ts"
export { type Connection, type Packet, Transport } from "./Transport.ts"
