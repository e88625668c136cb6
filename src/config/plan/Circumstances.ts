/**
 * What a forecast is made of: the settings that decide how fast, how costly and how sure a cluster is, and what it runs
 * in.
 *
 * @stability unstable
 * @since 0.1.0
 */

/**
 * What a cluster runs in.
 *
 * @category models
 * @since 0.1.0
 */
export interface Circumstances {
  /** Members of the cluster, with this one. */
  readonly members: number
  /** The share of packets that are lost, each way, from 0 to 0.5. */
  readonly loss: number
  /** Milliseconds there and back, for 99 of 100 packets. */
  readonly roundTrip: number
  /** Bytes of a member's name. */
  readonly nameBytes: number
  /** Bytes of a member's metadata. */
  readonly metaBytes: number
  /** Whether there is a secret key. */
  readonly encrypted: boolean
}

/**
 * The settings that a forecast depends on, times in milliseconds. What each means: `Settings`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tuning {
  readonly probeInterval: number
  readonly probeTimeout: number
  readonly indirectChecks: number
  readonly suspicionMult: number
  readonly suspicionMaxTimeoutMult: number
  readonly retransmitMult: number
  readonly gossipInterval: number
  readonly gossipNodes: number
  readonly pushPullInterval: number
}
