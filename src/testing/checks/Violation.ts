/**
 * What the checks of `Invariants` can find. What each invariant means is said there.
 *
 * @since 0.1.0
 */

/**
 * @category models
 * @since 0.1.0
 */
export type Invariant =
  | "IncarnationWentBack"
  | "Resurrection"
  | "MetadataOfIncarnation"
  | "NeverSaid"
  | "SelfDead"
  | "IllegalChange"
  | "HastySuspicion"
  | "OverdueSuspicion"
  | "Forgotten"
  | "Bounds"
  | "Events"

/**
 * Something that must not happen, and did.
 *
 * @category models
 * @since 0.1.0
 */
export interface Violation {
  readonly invariant: Invariant
  /** The node in whose table it was seen. */
  readonly node: string
  /** Milliseconds on that node's clock. */
  readonly at: number
  readonly message: string
}
