/**
 * What the application can listen to: changes of the member list, and messages to this member.
 *
 * @since 0.1.0
 */
import type { PeerAddress } from "../../base/Address.ts"
import type { Change, Conflict } from "../../swim/membership/Directive.ts"
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
}

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
    messages: Hub.make<Received>(buffers.messageBuffer, lost("message"))
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
