/**
 * What a program needs to test itself over a cluster, without sockets and in virtual time.
 *
 * @stability unstable
 * @since 0.1.0
 */
export * as Convergence from "./checks/Convergence.ts"
export * as Invariants from "./checks/Invariants.ts"
export * as Observation from "./checks/Observation.ts"
export * as SkewedClock from "./clock/SkewedClock.ts"
export * as VirtualTime from "./clock/VirtualTime.ts"
export * as Fault from "./network/Fault.ts"
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
} from "./network/SimulatedNetwork.ts"
export * as SimulatedCluster from "./SimulatedCluster.ts"
