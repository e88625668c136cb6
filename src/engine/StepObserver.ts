/**
 * A place to look at every step of the member table from, for the simulator's invariants. Nobody looks by default,
 * which costs one comparison per step. An observer is told synchronously, inside the atomic step, after the step's
 * events and broadcasts were queued; it must not throw and can change nothing.
 *
 * It is given the parts of the node that it may read. The node itself is put together above, so nothing here knows it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as MutableRef from "effect/MutableRef"
import type { MemberlistConfig } from "../MemberlistConfig.ts"
import type { Directive } from "../swim/membership/Directive.ts"
import type { Membership } from "../swim/membership/Membership.ts"
import type { Activity } from "./application/Activity.ts"
import type { Subscriptions } from "./application/Subscriptions.ts"
import type { Verdicts } from "./application/Verdicts.ts"
import type { Notices, Told } from "./hooks/Notices.ts"
import type { Acks } from "./probing/Acks.ts"
import type { Inbox } from "./receiving/Inbox.ts"
import type { KnownSeeds } from "./recovery/KnownSeeds.ts"
import type { Outbox } from "./sending/Outbox.ts"
import type { Telemetry } from "./telemetry/Telemetry.ts"
import type { Settings } from "./Units.ts"
import type { Work } from "./Work.ts"

/** The parts of a node that an observer reads, each described where `Node` has it. */
export interface ObservedNode extends Telemetry, Subscriptions, Inbox, Pick<Outbox, "gossip" | "user"> {
  readonly name: string
  readonly config: MemberlistConfig["Service"]
  readonly settings: Settings
  readonly work: Work
  readonly notices: Readonly<Record<Told, Notices>>
  readonly health: MutableRef.MutableRef<number>
  readonly activity: Activity
  readonly verdicts: Verdicts
  readonly acks: Acks
  readonly pings: MutableRef.MutableRef<number>
  readonly tries: MutableRef.MutableRef<number>
  readonly seeds: KnownSeeds
}

/** One atomic step of one node. */
export interface ObservedStep {
  readonly node: ObservedNode
  /** Milliseconds on the node's monotonic clock. */
  readonly now: number
  readonly previous: Membership
  readonly next: Membership
  readonly directives: ReadonlyArray<Directive>
}

export type Observer = (step: ObservedStep) => void

/** Who is told; nobody by default. */
export const Observer: Context.Reference<Observer | undefined> = Context.Reference<Observer | undefined>(
  "effect-memberlist/engine/Observer",
  { defaultValue: () => undefined }
)
