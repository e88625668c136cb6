/**
 * What the protocol's fibers share, put together from the parts of the folders. A function that needs one part asks for
 * that, and not for the whole node.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as MutableRef from "effect/MutableRef"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Ref from "effect/Ref"
import type * as Scope from "effect/Scope"
import { ipBytes, type PeerAddress } from "../base/Address.ts"
import { Delegate } from "../Delegate.ts"
import type { Keyring } from "../Keyring.ts"
import { Lateness as LatenessSource } from "../Lateness.ts"
import { MemberlistConfig } from "../MemberlistConfig.ts"
import { Seeds } from "../Seeds.ts"
import type { Entry } from "../swim/membership/Entry.ts"
import * as Membership from "../swim/membership/Membership.ts"
import { Transport } from "../Transport.ts"
import type { Inbound } from "../wire/packet/Packet.ts"
import * as Activity from "./application/Activity.ts"
import * as Subscriptions from "./application/Subscriptions.ts"
import * as Verdicts from "./application/Verdicts.ts"
import * as Rows from "./exchange/Rows.ts"
import * as HookCalls from "./hooks/HookCalls.ts"
import * as Notices from "./hooks/Notices.ts"
import * as Calls from "./life/Calls.ts"
import type { Departure } from "./life/Departure.ts"
import * as Introductions from "./life/Introductions.ts"
import * as Presence from "./life/Presence.ts"
import * as Acks from "./probing/Acks.ts"
import * as Lateness from "./probing/Lateness.ts"
import * as Accepted from "./receiving/Accepted.ts"
import * as Inbox from "./receiving/Inbox.ts"
import * as KnownSeeds from "./recovery/KnownSeeds.ts"
import * as Memory from "./recovery/Memory.ts"
import * as Readiness from "./recovery/Readiness.ts"
import * as Outbox from "./sending/Outbox.ts"
import { type Share, Sharing } from "./Sharing.ts"
import * as Signal from "./Signal.ts"
import { Observer } from "./StepObserver.ts"
import * as Telemetry from "./telemetry/Telemetry.ts"
import * as TransportNotices from "./telemetry/TransportNotices.ts"
import * as Units from "./Units.ts"
import * as Work from "./Work.ts"

export interface Node extends Telemetry.Telemetry, Subscriptions.Subscriptions, Inbox.Inbox, Outbox.Outbox {
  readonly name: string
  readonly config: MemberlistConfig["Service"]
  readonly settings: Units.Settings
  readonly transport: Transport["Service"]
  readonly delegate: Delegate
  readonly keyring: Keyring["Service"]
  /** Monotonic milliseconds. */
  readonly now: () => number
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly membership: Ref.Ref<Membership.Membership>
  /** Told when a suspicion ends sooner than all others did. */
  readonly sooner: Signal.Signal
  /** Told when a member was lost. */
  readonly losses: Signal.Signal
  /** Starts the node's fibers that are no loops. */
  readonly work: Work.Work
  /** Asks the delegate's hooks that answer. */
  readonly hooks: HookCalls.HookCalls
  /** What the delegate's other hooks have still to be told. */
  readonly notices: Readonly<Record<Notices.Told, Notices.Notices>>
  /** Lifeguard's local health score, 0 = healthy. */
  readonly health: MutableRef.MutableRef<number>
  /** How late a timer is that fires now. */
  readonly lateBy: Lateness.LateBy
  /** What it does, for whoever watches. */
  readonly activity: Activity.Activity
  /** Why members were suspected, failed, left and recovered. */
  readonly verdicts: Verdicts.Verdicts
  readonly acks: Acks.Acks
  /** Pings that the application waits for, as many as it likes. */
  readonly pings: MutableRef.MutableRef<number>
  /** The application's calls that are under way. */
  readonly calls: Calls.Calls
  /** Where joins introduced us. */
  readonly introductions: Introductions.Introductions
  /** The goodbye that was said last, until a join introduces us again. */
  readonly departure: MutableRef.MutableRef<Departure | undefined>
  /** How often it has contacted somebody to heal a split. */
  readonly tries: MutableRef.MutableRef<number>
  /** Where a lost member is being asked for. */
  readonly asked: MutableRef.MutableRef<PeerAddress | undefined>
  /** Tells whether it takes part in its cluster. */
  readonly presence: Presence.Presence
  /** The `Seeds` service, where it is provided. */
  readonly seedSource: Seeds["Service"] | undefined
  /** The seeds of its joins and of its `Seeds` service. */
  readonly seeds: KnownSeeds.KnownSeeds
  /** Told when the `Seeds` service has a first list, or another one. */
  readonly newSeeds: Signal.Signal
  /** How far it has come with joining by itself. */
  readonly readiness: Readiness.Progress
  /** What is remembered across restarts. */
  readonly memory: Memory.Memory
  /** Our table, encoded. */
  readonly rows: Rows.Rows
  /** What is accepted, with all keys of the ring or some. */
  readonly inbound: (keys?: ReadonlyArray<Uint8Array>) => Inbound
  /** Who looks at every step of the table: the simulator, or nobody. */
  readonly observer: Observer | undefined
  /** What equal entries of the nodes in one simulation share; nothing outside of it. */
  readonly sharing: Share | undefined
}

/** What a rule needs to know of the moment. */
export const envOf = (node: Node): Membership.Env => ({
  now: node.now(),
  random: node.random,
  rules: node.settings.rules,
  // the paper knows nothing of it
  firstHand: node.config.profile === "paper" ? undefined : node.heard,
  health: node.health.current,
  heardAt: node.settings.rules.recovery ? node.heard.latest : undefined,
  share: node.sharing
})

/** What this node remembers of a name. */
export const entryOf = (node: Node, name: string): Entry | undefined => Ref.getUnsafe(node.membership).entries.get(name)

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

/** What a simulator has a hand in. */
const simulation = Effect.contextWith((context: Context.Context<never>) =>
  Effect.succeed({ observer: Context.get(context, Observer), sharing: Context.get(context, Sharing) })
)

export const make: (
  keyring: Keyring["Service"]
) => Effect.Effect<Node, never, MemberlistConfig | Transport | Scope.Scope> = Effect.fnUntraced(function*(keyring) {
  const config = yield* MemberlistConfig
  const random = yield* Random.Random
  const clock = yield* Clock.Clock
  const now = () => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
  const settings = Units.make(config)
  const telemetry = yield* Telemetry.make(config, now)
  const { counters, logs } = telemetry
  const transport = yield* Transport
  transport.onNotice?.(TransportNotices.listener(counters, logs))
  const work = yield* Work.make(counters, logs)
  const hooks = yield* HookCalls.make(work, counters, logs)
  const membership = yield* Ref.make(Membership.make(config.name))
  const outbox = yield* Outbox.make
  const seedSource = Option.getOrUndefined(yield* Effect.serviceOption(Seeds))
  const lateness = yield* LatenessSource
  const inbox = Inbox.make(config, settings, { counters, logs, now, work })
  const { label, name } = config
  return {
    ...telemetry,
    ...Subscriptions.make(telemetry, config),
    ...inbox,
    ...outbox,
    name,
    config,
    settings,
    transport,
    delegate: yield* Delegate,
    keyring,
    now,
    random: () => random.nextDoubleUnsafe(),
    membership,
    sooner: yield* Signal.make,
    losses: yield* Signal.make,
    work,
    hooks,
    notices: {
      conflict: yield* Notices.make("conflict", hooks, counters, logs),
      pingComplete: yield* Notices.make("pingComplete", hooks, counters, logs),
      mergeRemoteState: yield* Notices.make("mergeRemoteState", hooks, counters, logs)
    },
    health: MutableRef.make(0),
    lateBy: Lateness.make(settings.rules.recovery ? lateness : undefined, {
      counters,
      logs,
      now,
      probeTimeout: settings.probeTimeout
    }),
    activity: Activity.make(counters, now),
    verdicts: Verdicts.make(config.name, clock, now),
    acks: Acks.make(Math.floor(random.nextDoubleUnsafe() * 0x1_0000_0000)),
    pings: MutableRef.make(0),
    calls: yield* Calls.make(work, now, settings.tcpTimeout),
    introductions: Introductions.make(),
    departure: MutableRef.make<Departure | undefined>(undefined),
    tries: MutableRef.make(0),
    asked: MutableRef.make<PeerAddress | undefined>(undefined),
    presence: Presence.make(),
    seedSource,
    seeds: KnownSeeds.make(transport.bound.port),
    newSeeds: yield* Signal.make,
    readiness: Readiness.make({ now, epoch: () => clock.currentTimeMillisUnsafe() }, seedSource !== undefined),
    memory: yield* Memory.make({ name, label, membership, heard: inbox.heard, counters, logs, clock, now }),
    rows: yield* Rows.make(outbox.turns),
    inbound: Accepted.make(config, settings, keyring, membership),
    ...(yield* simulation)
  }
})
