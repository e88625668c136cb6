/**
 * What the application can listen to: changes of the member list, and messages to this member.
 *
 * @since 0.1.0
 */
import type { PeerAddress } from "../../base/Address.ts"
import type { Change, Conflict, Healed, SplitSuspected } from "../../swim/membership/Directive.ts"
import type { Entry } from "../../swim/membership/Entry.ts"
import type { Paths } from "../../swim/probing/Paths.ts"
import type { Counters } from "../telemetry/Counters.ts"
import type { Logs } from "../telemetry/Logs.ts"
import * as Hub from "./Hub.ts"

/** A user message as it arrived. */
export interface Received {
  readonly payload: Uint8Array
  readonly from: PeerAddress
  readonly via: "packet" | "stream"
}

/** A way to a member fails, or works again. */
export interface Rerouted {
  readonly _tag: "Rerouted"
  readonly entry: Entry
  readonly previous: Paths
  readonly paths: Paths
}

/** What happened to a member. */
export type News = Change | Conflict | Rerouted

export interface Subscriptions {
  readonly changes: Hub.Hub<News>
  readonly messages: Hub.Hub<Received>
  readonly recoveries: Hub.Hub<Recovery>
}

/** A lost peer, or a seed, that is not contacted again because somebody else is there. */
export interface PutAside {
  readonly _tag: "PutAside"
  /** The member expected there, or none where it was a seed. */
  readonly name: string | undefined
  /** Where: `ip:port`, or the seed as it was given. */
  readonly address: string
  readonly reason: string
}

/** What recovery tells the application. */
export type Recovery = SplitSuspected | Healed | PutAside

/** Makes hubs in which each subscriber may be so many items behind. */
export const make = (
  { counters, logs }: { readonly counters: Counters; readonly logs: Logs },
  buffers: { readonly eventBuffer: number; readonly messageBuffer: number }
): Subscriptions => {
  const lost = (what: "event" | "message") => () => {
    counters.count(`${what}.lost`)
    logs.note("SubscriberSlow", { reason: what })
  }
  return {
    changes: Hub.make<News>(buffers.eventBuffer, lost("event")),
    messages: Hub.make<Received>(buffers.messageBuffer, lost("message")),
    recoveries: Hub.make<Recovery>(buffers.eventBuffer, lost("event"))
  }
}

/** Hands a message to whoever listens to messages here. */
export const deliver = (
  { counters, messages }: Subscriptions & { readonly counters: Counters },
  message: Received
): void => {
  if (messages.subscribers() === 0) counters.count("message.unheard")
  else messages.publish(message)
}
