/**
 * What has arrived and waits for its turn, and what decides whether it is read: who was heard from, which keys are
 * tried, how many streams there are.
 *
 * @since 0.1.0
 */
import type { PeerAddress } from "../../base/Address.ts"
import type { MemberlistConfig } from "../../MemberlistConfig.ts"
import type { Packet } from "../../Transport.ts"
import type * as Message from "../../wire/message/Message.ts"
import type { Counters } from "../telemetry/Counters.ts"
import type { Logs } from "../telemetry/Logs.ts"
import type { Settings } from "../Units.ts"
import type { Work } from "../Work.ts"
import { Heard } from "./Heard.ts"
import * as Keys from "./Keys.ts"
import * as Places from "./Places.ts"

/** What is not served at once when it arrives in a packet. */
export interface Waiting {
  readonly message: Message.Alive | Message.Suspect | Message.Dead | Message.User
  readonly from: PeerAddress
}

/** A ping, or the request to ping somebody. */
export interface Request {
  readonly message: Message.Ping | Message.IndirectPing
  readonly packet: Packet
}

export interface Inbox {
  /** From which members' addresses anything came. */
  readonly heard: Heard
  /** Messages that wait for their turn, oldest first. */
  readonly handoff: {
    readonly alives: Array<Waiting>
    readonly accusations: Array<Waiting>
    readonly user: Array<Waiting>
  }
  /** Requests that wait for an answer. */
  readonly requests: { readonly members: Array<Request>; readonly strangers: Array<Request> }
  /** With which keys packets are tried. */
  readonly keys: Keys.Keys
  /** How many probes of others we help with for each asker's address, and for strangers all together. */
  readonly relayed: Map<string, number>
  /** The inbound streams being served. */
  readonly places: Places.Places
}

export const make = (
  config: MemberlistConfig["Service"],
  settings: Settings,
  parts: { readonly counters: Counters; readonly logs: Logs; readonly now: () => number; readonly work: Work }
): Inbox => ({
  heard: new Heard(config.name),
  handoff: { alives: [], accusations: [], user: [] },
  requests: { members: [], strangers: [] },
  keys: Keys.make(),
  relayed: new Map(),
  places: Places.make({
    maxStreams: config.maxInboundStreams,
    maxBytes: config.maxInboundBytes,
    maxExchanges: config.maxPushPulls,
    timeout: settings.tcpTimeout,
    start: (watch) => parts.work.start("idle", watch),
    ...parts
  })
})
