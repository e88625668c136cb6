/**
 * What a program needs to test itself over a cluster, without sockets and in virtual time.
 *
 * @stability unstable
 * @since 0.1.0
 */
export * as Convergence from "./Convergence.ts"
export * as Fault from "./Fault.ts"
export * as Invariants from "./Invariants.ts"
export * as SimulatedCluster from "./SimulatedCluster.ts"
export {
  type BandwidthInput,
  type CrashMode,
  type DropReason,
  type Injected,
  type LatencyInput,
  type NetworkStats,
  type Options,
  type ReorderingInput,
  SimulatedNetwork,
  type Traffic
} from "./SimulatedNetwork.ts"
export * as SkewedClock from "./SkewedClock.ts"
export * as VirtualTime from "./VirtualTime.ts"
