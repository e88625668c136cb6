/**
 * What a program needs to test itself over a cluster, without sockets and in virtual time.
 *
 * @stability unstable
 * @since 0.1.0
 */
export {
  type CrashMode,
  type DropReason,
  type LatencyInput,
  type NetworkStats,
  type Options,
  SimulatedNetwork,
  type Traffic
} from "./SimulatedNetwork.ts"
export * as VirtualTime from "./VirtualTime.ts"
