/**
 * A place to look at every step of the member table from, for the simulator's invariants. Nobody looks by default, which
 * costs one comparison per step. An observer is told synchronously, inside the atomic step, after the step's events and
 * broadcasts were queued; it must not throw and can change nothing.
 *
 * It is given the parts of the node that it may read. The node itself is put together above, so nothing here knows it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type { MemberlistConfig } from "../MemberlistConfig.ts"
import type { BroadcastQueue } from "../swim/gossip/BroadcastQueue.ts"
import type { Directive } from "../swim/membership/Directive.ts"
import type { Membership } from "../swim/membership/Membership.ts"
import type { Hub } from "./application/Hub.ts"
import type { Notices, Told } from "./hooks/Notices.ts"
import type { Acks } from "./probing/Acks.ts"
import type { Keys } from "./receiving/Keys.ts"
import type { Places } from "./receiving/Places.ts"
import type { Settings } from "./Settings.ts"
import type { Counters } from "./telemetry/Counters.ts"
import type { Logs } from "./telemetry/Logs.ts"
import type { Work } from "./Work.ts"

/** What waits for its turn: observers count it. */
type Line = Pick<ReadonlyArray<unknown>, "length">

/** The value that a part has now. */
interface Current<out A> {
  readonly current: A
}

/** The parts of a node that an observer reads, each described where `Node` has it. */
export interface ObservedNode {
  readonly name: string
  readonly config: MemberlistConfig["Service"]
  readonly settings: Pick<Settings, "rules">
  readonly counters: Pick<Counters, "totals">
  readonly logs: Pick<Logs, "noted" | "remembered">
  readonly notices: Readonly<Record<Told, Pick<Notices, "bytes" | "waiting">>>
  readonly gossip: Current<BroadcastQueue>
  readonly user: Current<BroadcastQueue>
  readonly health: Current<number>
  readonly acks: Pick<Acks, "waiting">
  readonly pings: Current<number>
  readonly handoff: { readonly alives: Line; readonly accusations: Line; readonly user: Line }
  readonly requests: { readonly members: Line; readonly strangers: Line }
  readonly keys: Pick<Keys, "remembered">
  readonly work: Pick<Work, "running">
  readonly places: Pick<Places, "bytes" | "exchanges" | "taken">
  readonly changes: Pick<Hub<never>, "waiting">
  readonly messages: Pick<Hub<never>, "waiting">
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
