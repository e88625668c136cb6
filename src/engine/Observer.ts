/**
 * A place to look at every step of the member table from, for the simulator's invariants. Nobody looks by default, which
 * costs one comparison per step. An observer is told synchronously, inside the atomic step, after the step's events and
 * broadcasts were queued; it must not throw and can change nothing.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type { Directive } from "../swim/membership/Directive.ts"
import type { Membership } from "../swim/membership/Membership.ts"
import type { Node } from "./Node.ts"

/** One atomic step of one node. */
export interface Observation {
  readonly node: Node
  /** Milliseconds on the node's monotonic clock. */
  readonly now: number
  readonly previous: Membership
  readonly next: Membership
  readonly directives: ReadonlyArray<Directive>
}

export type Observer = (observation: Observation) => void

/** Who is told; nobody by default. */
export const Observer: Context.Reference<Observer | undefined> = Context.Reference<Observer | undefined>(
  "effect-memberlist/engine/Observer",
  { defaultValue: () => undefined }
)
