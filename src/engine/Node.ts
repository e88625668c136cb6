/**
 * What the protocol's fibers share: the `Ref` of the member table, the broadcast queues, the counters, the identity.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as MutableRef from "effect/MutableRef"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import { ipBytes, type PeerAddress } from "../base/Address.ts"
import { Delegate } from "../Delegate.ts"
import type { Keyring } from "../Keyring.ts"
import { MemberlistConfig } from "../MemberlistConfig.ts"
import * as BroadcastQueue from "../swim/gossip/BroadcastQueue.ts"
import type { Change, Conflict } from "../swim/membership/Directive.ts"
import * as Membership from "../swim/membership/Membership.ts"
import * as Versions from "../swim/membership/Versions.ts"
import { type Packet, Transport } from "../Transport.ts"
import type * as Message from "../wire/message/Message.ts"
import { Writer } from "../wire/msgpack/MessagePackWriter.ts"
import type { Inbound } from "../wire/packet/Packet.ts"
import * as Hub from "./application/Hub.ts"
import * as Introductions from "./exchange/Introductions.ts"
import * as Rows from "./exchange/Rows.ts"
import * as Turns from "./exchange/Turns.ts"
import * as HookCalls from "./hooks/HookCalls.ts"
import * as Notices from "./hooks/Notices.ts"
import * as Calls from "./life/Calls.ts"
import type { Departure } from "./life/Life.ts"
import { Observer } from "./Observer.ts"
import * as Acks from "./probing/Acks.ts"
import { Heard } from "./receiving/Heard.ts"
import * as Keys from "./receiving/Keys.ts"
import * as Places from "./receiving/Places.ts"
import type { Queued } from "./sending/Broadcasts.ts"
import * as Receipts from "./sending/Receipts.ts"
import * as Settings from "./Settings.ts"
import * as Signal from "./Signal.ts"
import * as Counters from "./telemetry/Counters.ts"
import * as Logs from "./telemetry/Logs.ts"
import * as Metrics from "./telemetry/Metrics.ts"
import * as Work from "./Work.ts"

/** A user message as it arrived. */
export interface Received {
  readonly payload: Uint8Array
  readonly from: PeerAddress
  readonly via: "packet" | "stream"
}

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

export interface Node {
  readonly name: string
  readonly config: MemberlistConfig["Service"]
  readonly settings: Settings.Settings
  readonly transport: Transport["Service"]
  readonly delegate: Delegate
  readonly keyring: Keyring["Service"]
  readonly counters: Counters.Counters
  readonly metrics: Metrics.Metrics
  readonly logs: Logs.Logs
  /** Asks the delegate's hooks that answer. */
  readonly hooks: HookCalls.HookCalls
  /** What the delegate's other hooks have still to be told. */
  readonly notices: Readonly<Record<Notices.Told, Notices.Notices>>
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Writes what this node sends; no other node's messages pass through it. */
  readonly writer: Writer
  /** A nonce never used before with any key of ours. */
  readonly nonce: () => Uint8Array
  readonly membership: Ref.Ref<Membership.Membership>
  /** From which members' addresses anything came. */
  readonly heard: Heard
  /** What members say about members; `user` is what the application broadcasts. */
  readonly gossip: MutableRef.MutableRef<BroadcastQueue.BroadcastQueue<Queued>>
  readonly user: MutableRef.MutableRef<BroadcastQueue.BroadcastQueue<Queued>>
  /** Lifeguard's local health score, 0 = healthy. */
  readonly health: MutableRef.MutableRef<number>
  readonly acks: Acks.Acks
  /** Pings that the application waits for, as many as it likes. */
  readonly pings: MutableRef.MutableRef<number>
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
  /** Starts every fiber that is no loop. */
  readonly work: Work.Work
  /** How many probes we help with for each asker's address, and for strangers all together. */
  readonly relayed: Map<string, number>
  /** Where joins introduced us. */
  readonly introductions: Introductions.Introductions
  /** The application's calls that are under way. */
  readonly calls: Calls.Calls
  /** The goodbye that was said last, until a join introduces us again. */
  readonly departure: MutableRef.MutableRef<Departure | undefined>
  /** Who got what we said last about ourselves. */
  readonly receipts: Receipts.Receipts
  /** The inbound streams being served. */
  readonly places: Places.Places
  readonly changes: Hub.Hub<Change | Conflict>
  readonly messages: Hub.Hub<Received>
  /** Told when a suspicion ends sooner than all others did. */
  readonly sooner: Signal.Signal
  /** In which order streams get on with more than a moment's work. */
  readonly turns: Turns.Turns
  /** Our table, encoded. */
  readonly rows: Rows.Rows
  /** What is accepted, with all keys of the ring or some. */
  readonly inbound: (keys?: ReadonlyArray<Uint8Array>) => Inbound
  /** Who looks at every step of the table: the simulator, or nobody. */
  readonly observer: Observer | undefined
}

/** What a rule needs to know of the moment. */
export const envOf = (node: Node): Membership.Env => ({
  now: node.now(),
  random: node.random,
  rules: node.settings.rules,
  // the paper knows nothing of it
  firstHand: node.config.profile === "paper" ? undefined : node.heard
})

/** Where answers to our pings should go. */
export const source = (node: Node) => ({
  sourceAddr: node.transport.advertised.addr,
  sourcePort: node.transport.advertised.port,
  sourceNode: node.name
})

/**
 * The port of a member as a message gives it: 0, and any while we speak version 1, which knows no ports, means the port
 * that we have ourselves. memberlist: `handleAlive`, `handleIndirectPing`, `readRemoteState`.
 */
export const receivedPort = (node: Node, port: number): number =>
  port === 0 || node.config.protocolVersion === 1 ? node.transport.bound.port : port

/** Whether packets and streams from there are read at all; only `cidrsStrict` forbids any. */
export const mayContact = (node: Node, from: PeerAddress): boolean => {
  if (!node.config.cidrsStrict) return true
  const ip = ipBytes(from.ip)
  return ip !== undefined && node.settings.contactAllowed(ip)
}

/** Hands a message to whoever listens to messages here. */
export const deliver = (node: Node, message: Received): void => {
  if (node.messages.subscribers() === 0) node.counters.count("message.unheard")
  else node.messages.publish(message)
}

const NONCE_SIZE = 12

/** Draws nonces from a pool, because one call for 64 is cheaper than 64 calls. */
const noncePool = (): () => Uint8Array => {
  let pool: Uint8Array = new Uint8Array(0)
  let offset = 0
  return () => {
    if (offset >= pool.length) {
      pool = SecureRandom.randomBytesUnsafe(NONCE_SIZE * 64)
      offset = 0
    }
    offset += NONCE_SIZE
    return pool.subarray(offset - NONCE_SIZE, offset)
  }
}

export const make: (
  keyring: Keyring["Service"]
) => Effect.Effect<Node, never, MemberlistConfig | Transport | Scope.Scope> = Effect.fnUntraced(function*(keyring) {
  const config = yield* MemberlistConfig
  const transport = yield* Transport
  const delegate = yield* Delegate
  const clock = yield* Clock.Clock
  const random = yield* Random.Random
  const settings = Settings.make(config)
  const context = yield* Effect.context<never>()
  const counters = Counters.make(context, config.metricLabels)
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const logs = yield* Logs.make({ name: config.name, now, onDrop: () => counters.count("log.dropped") })
  const work = yield* Work.make(counters, logs)
  const hooks = yield* HookCalls.make(work, counters, logs)
  const lost = (what: "event" | "message") => () => {
    counters.count(`${what}.lost`)
    logs.note("SubscriberSlow", { reason: what })
  }
  const membership = yield* Ref.make(Membership.make(config.name))
  const turns = yield* Turns.make
  const inboundWith = (keys: ReadonlyArray<Uint8Array>): Inbound => ({
    label: settings.label,
    skipLabelCheck: config.skipInboundLabelCheck,
    keys,
    verifyIncoming: config.gossipVerifyIncoming,
    maxDecompressed: config.maxDecompressedPacket,
    // derived when it is asked for, which only packets of that cipher do
    get acceptsFirstCipher() {
      return config.protocolVersion === 1 || Versions.anySpeaks(Ref.getUnsafe(membership).entries, 1)
    }
  })
  // The same for packet after packet: making it costs more than most packets cost to decode.
  let inbound: Inbound | undefined
  return {
    name: config.name,
    config,
    settings,
    transport,
    delegate,
    keyring,
    counters,
    metrics: Metrics.make(context, config.metricLabels),
    logs,
    hooks,
    notices: {
      conflict: yield* Notices.make("conflict", hooks, counters, logs),
      pingComplete: yield* Notices.make("pingComplete", hooks, counters, logs),
      mergeRemoteState: yield* Notices.make("mergeRemoteState", hooks, counters, logs)
    },
    now,
    random: () => random.nextDoubleUnsafe(),
    writer: new Writer(),
    nonce: noncePool(),
    membership,
    heard: new Heard(config.name),
    gossip: MutableRef.make<BroadcastQueue.BroadcastQueue<Queued>>(BroadcastQueue.empty),
    user: MutableRef.make<BroadcastQueue.BroadcastQueue<Queued>>(BroadcastQueue.empty),
    health: MutableRef.make(0),
    acks: Acks.make(Math.floor(random.nextDoubleUnsafe() * 0x1_0000_0000)),
    pings: MutableRef.make(0),
    handoff: { alives: [], accusations: [], user: [] },
    requests: { members: [], strangers: [] },
    keys: Keys.make(),
    work,
    relayed: new Map(),
    introductions: Introductions.make(),
    calls: yield* Calls.make,
    departure: MutableRef.make<Departure | undefined>(undefined),
    receipts: Receipts.make(),
    places: Places.make({
      maxStreams: config.maxInboundStreams,
      maxBytes: config.maxInboundBytes,
      maxExchanges: config.maxPushPulls,
      timeout: settings.tcpTimeout,
      now,
      counters,
      logs
    }),
    changes: Hub.make<Change | Conflict>(config.eventBuffer, lost("event")),
    messages: Hub.make<Received>(config.messageBuffer, lost("message")),
    sooner: yield* Signal.make,
    turns,
    rows: yield* Rows.make(turns),
    inbound: (keys = keyring.keysUnsafe()) => {
      if (inbound?.keys !== keys) inbound = inboundWith(keys)
      return inbound
    },
    observer: yield* Observer
  }
})
