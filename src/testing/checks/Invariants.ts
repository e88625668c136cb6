/**
 * What must be true of every node after every step of its member table, and of all nodes together. The production code
 * is observed, not changed: give the checks to each node's layer.
 *
 * ```ts
 * import { Effect, Layer } from "effect"
 * import { MemberlistLive } from "effect-memberlist"
 * import { Invariants } from "effect-memberlist/testing"
 *
 * const invariants = Invariants.make()
 * const ObservedLive = Layer.provide(MemberlistLive, invariants.layer)
 * // … run the cluster, then:
 * const broken = invariants.violations
 * ```
 *
 * Checked are:
 *
 * - `IncarnationWentBack`: what a node knows of a name only gets newer, unless the name changed hands, which is
 *   announced.
 * - `Resurrection`: a dead or departed member lives again only at a higher incarnation, or if the name changed hands.
 * - `MetadataOfIncarnation`: within one life, a node announces one metadata, address and version for each incarnation.
 * - `NeverSaid`: what is believed of a live member is what it has said itself at that incarnation; who is believed dead
 *   was declared dead by the named accuser; who is believed gone has said goodbye.
 * - `SelfDead`: a node believes itself alive until it leaves.
 * - `IllegalChange`: states follow each other as the protocol knows it, and exactly a suspect has a suspicion.
 * - `HastySuspicion`: who declares a member dead had suspected it for as long as its confirmations allowed.
 * - `OverdueSuspicion`: a suspicion ends when its time is over: the node wakes up for it, and nobody stays suspect.
 * - `Forgotten`: an entry goes only when it was gone for `gossipToTheDeadTime`, or makes place for another.
 * - `Bounds`: every queue and table keeps its limit, and no rumour is sent more often than it may be.
 * - `Events`: the published changes, replayed, give the member list.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import { Observer as EngineObserver } from "../../engine/StepObserver.ts"
import { Checker } from "./Checker.ts"
import { type Observer, stepOf } from "./Observation.ts"
import type { Violation } from "./Violation.ts"

export type { Invariant, Violation } from "./Violation.ts"

/**
 * @category models
 * @since 0.1.0
 */
export interface Invariants {
  /** Provides the checks to a node, or to each node of a cluster. */
  readonly layer: Layer.Layer<never>
  /** The same checks, to be combined with observers of your own: see `Observation.layer`. */
  readonly observer: Observer
  /** What was broken so far, at most 100 times. */
  readonly violations: ReadonlyArray<Violation>
  /** Steps of member tables seen so far, those included that changed nothing. */
  readonly steps: () => number
}

/**
 * Checks for one cluster. Give the same value to all of its nodes, or the checks that compare nodes cannot know who has
 * said what.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (): Invariants => {
  const checker = new Checker()
  return {
    layer: Layer.succeed(EngineObserver, checker.observe),
    observer: (observation) => checker.observe(stepOf(observation)),
    violations: checker.violations,
    steps: () => checker.steps
  }
}
