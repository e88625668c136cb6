/**
 * The service: a live, agreed list of the programs in a cluster. SWIM with Lifeguard, in HashiCorp memberlist's
 * protocol.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Activity } from "./Activity.ts"
import * as Address from "./base/Address.ts"
import * as Direct from "./engine/application/Direct.ts"
import * as Views from "./engine/application/Views.ts"
import * as Join from "./engine/exchange/Join.ts"
import * as Leave from "./engine/exchange/Leave.ts"
import type { KeysFrom, NodeInfo } from "./engine/life/Info.ts"
import * as Life from "./engine/life/Life.ts"
import * as Node from "./engine/Node.ts"
import * as Protocol from "./engine/Protocol.ts"
import * as Readiness from "./engine/recovery/Readiness.ts"
import * as Broadcasts from "./engine/sending/Broadcasts.ts"
import type { NewsReport } from "./engine/sending/Receipts.ts"
import * as Sender from "./engine/sending/Sender.ts"
import type { CounterKey } from "./engine/telemetry/Counters.ts"
import { Keyring } from "./Keyring.ts"
import type { Member, Recipient } from "./Member.ts"
import type { MemberEvent } from "./MemberEvent.ts"
import { MemberlistConfig } from "./MemberlistConfig.ts"
import {
  type AddressInvalid,
  type ExchangeRejected,
  type JoinFailed,
  type KeyInvalid,
  type KeyringRefused,
  type MemberlistClosed,
  MessageTooLarge,
  type MetaTooLarge,
  type NodeNameRequired,
  NotParticipating,
  type NotReady,
  type PingTimeout,
  type StartError,
  type TransportError,
  type UnknownMember
} from "./MemberlistError.ts"
import type { Reachability } from "./Reachability.ts"
import type { RecoveryEvent } from "./RecoveryEvent.ts"
import type { Transport } from "./Transport.ts"
import type { Verdict } from "./Verdict.ts"

export type { LostMember } from "./engine/application/Views.ts"
export type { JoinOptions, JoinReport } from "./engine/exchange/Join.ts"
export type { NodeInfo } from "./engine/life/Info.ts"
export type { Readiness } from "./engine/recovery/Readiness.ts"
export type { NewsReport } from "./engine/sending/Receipts.ts"
export type { CounterKey } from "./engine/telemetry/Counters.ts"

/**
 * A message another member's application sent to this one.
 *
 * @category models
 * @since 0.1.0
 */
export interface UserMessage {
  readonly payload: Uint8Array
  /** Where the packet or stream came from, `ip:port`; the protocol does not carry the sender's name. */
  readonly from: string
  /** `packet`: best effort or broadcast; `stream`: sent reliably. There is no order between the two. */
  readonly via: "packet" | "stream"
  /** How many messages this subscriber lost immediately before this one, by being too slow. */
  readonly missed: number
}

/**
 * The cluster, as this node sees it.
 *
 * @category services
 * @since 0.1.0
 */
export class Memberlist extends Context.Service<Memberlist, {
  /**
   * What this node found when it started: which hooks of a `Delegate`, where its keys come from, its addresses. A
   * delegate that was provided beside the layer instead of below it is missing here.
   */
  readonly info: NodeInfo
  /** This node, as the cluster is told of it. memberlist: `LocalNode`. */
  readonly localMember: Effect.Effect<Member>
  /**
   * Whether an IP literal may be an address in this cluster, by `cidrsAllowed`; none configured admits all. What is no
   * IP literal, a host name for example, is not admitted. For addresses that members announce in their metadata.
   */
  readonly admits: (ip: string) => boolean
  /** Every live member, suspects and this node included, in no order. memberlist: `Members`. */
  readonly members: Effect.Effect<ReadonlyArray<Member>>
  /** What this node remembers of a name, dead and departed members too, for as long as it remembers them. */
  readonly member: (name: string) => Effect.Effect<Option.Option<Member>>
  /**
   * The members that were lost and may come back, those lost last come last: `maxLostPeers` at most, for
   * `lostPeerTime`, longer than `member` remembers the dead. The gauge `memberlist.lost` is their number.
   */
  readonly lost: Effect.Effect<ReadonlyArray<Views.LostMember>>
  /** The view now, then again after every change; a slow reader skips views and always gets the newest. */
  readonly changes: Stream.Stream<ReadonlyArray<Member>>
  /** The current members as `MemberJoined`, then every later change in order. Ends with the service. */
  readonly events: Stream.Stream<MemberEvent>
  /**
   * What is done about members that were lost together: a split that is suspected, or healed, and peers that turned out
   * to be somebody else. From now on; ends with the service.
   */
  readonly recovery: Stream.Stream<RecoveryEvent>
  /**
   * This node's probes, gossip packets and push/pulls as they end, for a picture of the cluster at work. From now on;
   * ends with the service. It costs nothing while nobody subscribes.
   *
   * **Gotchas**
   *
   * It is a sample: of each kind, at most 50 a second are told, and 100 at once; each says how much was `missed`.
   */
  readonly activity: Stream.Stream<Activity>
  /**
   * Why members were suspected, failed, left or recovered, as far as this node knows: the last 256, the newest last.
   */
  readonly verdicts: Effect.Effect<ReadonlyArray<Verdict>>
  /** The newest of these that is about the member of this name. */
  readonly verdict: (name: string) => Effect.Effect<Option.Option<Verdict>>
  /**
   * Which ways lead from this node to a member and back, as far as what was sent anyway has shown; none of this node
   * itself, and of names that it does not know. A way that fails, or works again, is an event.
   */
  readonly reachability: (name: string) => Effect.Effect<Option.Option<Reachability>>
  /**
   * Joins through seeds, each `[name/]host[:port]`. After a leave, it is also the way back. memberlist: `Join`.
   *
   * **Details**
   *
   * All seeds are tried, `joinConcurrency` at a time, unless `until` says that fewer peers are enough: a list with many
   * seeds that are down is then over with the first answer. The seeds are remembered, the last 64 of all joins.
   *
   * Each seed is asked for its list first; ours is sent, and introduces this node to the cluster, only when names,
   * versions and the delegate's `merge` allow it. One seed that works is enough. A join that is interrupted, or fails,
   * after a leave leaves the node outside, unless a seed has answered by then.
   *
   * **Gotchas**
   *
   * Where the seeds name this node itself, that is told as `ourselves`, and does not count as contacted: a join that
   * has other seeds too, and reaches none of them, fails.
   */
  readonly join: (
    seeds: ReadonlyArray<string>,
    options?: Join.JoinOptions
  ) => Effect.Effect<Join.JoinReport, JoinFailed | MemberlistClosed>
  /**
   * Waits until this node has joined somebody by itself, through its `Seeds`, or it is known that there is nobody to
   * join: none were provided, they are empty, or they name this node only. Fails where `readyTimeout` is over first,
   * counted from the start or the return, or when `joinSchedule` has ended; the node may join later all the same.
   *
   * **Gotchas**
   *
   * The layer itself waits for nobody, so that programs that start one after the other do not wait for each other. What
   * makes this node known to the others, its entry in a DNS name for example, must not wait for this either.
   *
   * Joined means that another live member is in the list; the user state of its delegate may still be on its way.
   */
  readonly ready: Effect.Effect<
    Readiness.Joined | Readiness.Alone,
    NotReady | NotParticipating | MemberlistClosed
  >
  /** How far this node has come with joining by itself: joined, alone, still trying, since when, and why. */
  readonly readiness: Effect.Effect<Readiness.Readiness>
  /**
   * Joins, and leaves when the scope closes; the goodbye is sent at once, and not waited for. A join that is
   * interrupted after its list was sent leaves too, and so does one that fails then, where nobody but its seeds can
   * know the node.
   */
  readonly joinScoped: (
    seeds: ReadonlyArray<string>,
    options?: Join.JoinOptions
  ) => Effect.Effect<Join.JoinReport, JoinFailed | MemberlistClosed, Scope.Scope>
  /**
   * Says goodbye, and waits for that to be sent, at most `timeout` (default `leaveTimeout`). Three members also get the
   * whole list, so that it is certain that they know (`confirmed`). The node stays outside until it joins again.
   * Interrupting it ends the wait, and not the leave. memberlist: `Leave`.
   */
  readonly leave: (
    options?: { readonly timeout?: Duration.Input | undefined }
  ) => Effect.Effect<NewsReport, MemberlistClosed>
  /**
   * Replaces this node's metadata, at most 512 bytes. With `wait`, also waits until the news was gossiped, at most that
   * long. memberlist: `UpdateNode`.
   *
   * **Details**
   *
   * A function is given a copy of the metadata announced last (empty when there is none), and returns what is to be
   * announced, or as a failed `Result` why nothing is. Reading, computing and announcing are one step: of two functions
   * at the same time, the second is given what the first has returned. It is called once; not at all after a leave, and
   * where the call is interrupted before its turn. Where it returns the bytes it was given, nothing is announced
   * (`Unchanged`).
   *
   * **Gotchas**
   *
   * The function runs while the node stands still: it has to be short. One that throws is a defect, and changes
   * nothing; so is one that calls what changes this cluster.
   */
  readonly updateMeta: <E = never>(
    meta: Uint8Array | ((current: Uint8Array) => Uint8Array | Result.Result<Uint8Array, E>),
    options?: { readonly wait?: Duration.Input | undefined }
  ) => Effect.Effect<NewsReport, E | MetaTooLarge | NotParticipating | MemberlistClosed>
  /**
   * Sends to one member, `{ name }` or a `Member`, or to whoever is at `{ address: "[name/]ip:port" }`: in one datagram
   * that may be lost, or `reliable`, over a stream, up to 20 MiB. Reliable means written in full, not acknowledged.
   * memberlist: `SendBestEffort`, `SendReliable`, `SendToAddress`.
   */
  readonly send: (
    to: Recipient,
    payload: Uint8Array,
    options?: { readonly reliable?: boolean | undefined }
  ) => Effect.Effect<
    void,
    MessageTooLarge | TransportError | UnknownMember | AddressInvalid | NodeNameRequired | MemberlistClosed
  >
  /**
   * Lets a message ride on gossip to random members, Go ones too: of ten members about seven get it, of a hundred about
   * twelve, some several times. Receivers do not pass it on. A `Topic` (`effect-memberlist/Topic`) reaches every member
   * that takes part, once. With a `key`, it replaces an earlier one of the same key that is still waiting. Refused
   * after a leave.
   */
  readonly broadcast: (
    payload: Uint8Array,
    options?: { readonly key?: string | undefined }
  ) => Effect.Effect<void, MessageTooLarge | NotParticipating | MemberlistClosed>
  /** Messages to this member, from now on. */
  readonly messages: Stream.Stream<UserMessage>
  /**
   * The round-trip time of one ping, to the same as `send`: by datagrams, or `reliable`, over a stream, which includes
   * opening it. Nobody is suspected because of it. memberlist: `Ping`.
   */
  readonly ping: (
    to: Recipient,
    options?: { readonly reliable?: boolean | undefined }
  ) => Effect.Effect<
    Duration.Duration,
    | PingTimeout
    | ExchangeRejected
    | TransportError
    | UnknownMember
    | AddressInvalid
    | NodeNameRequired
    | MemberlistClosed
  >
  /**
   * Lifeguard's local health score: 0 is healthy, higher means this node doubts itself. memberlist: `GetHealthScore`.
   */
  readonly health: Effect.Effect<number>
  /** The keys in use; change them while running. */
  readonly keyring: Keyring["Service"]
  /**
   * What was counted so far, `name` or `name:reason`: restarts, rejections, drops, failures. The same are Effect
   * metrics,
   * `memberlist.<name>` with the attribute `reason`.
   */
  readonly counters: Effect.Effect<ReadonlyMap<CounterKey, number>>
}>()("effect-memberlist/Memberlist") {
  /**
   * Runs the protocol. Releasing it says goodbye at once, straight to as many members as gossip would tell, and then
   * stops every fiber, timer and socket. Calls that act fail with `MemberlistClosed` from then on, those under way
   * too; what can be read keeps its last answer, and streams end. (A
   * hook of the delegate that cannot be interrupted is left behind; see `Delegate`.)
   *
   * With `Seeds` below it, it also joins by itself, in the background, and begins again after a leave and a `join`.
   *
   * A `Delegate`, a `Keyring` or `Seeds` are provided below it, with `Layer.provide`; `info` tells what was found.
   *
   * Each build is a node of its own: two of them with two configurations in one program are two members.
   */
  static readonly layer: Layer.Layer<Memberlist, StartError, Transport | MemberlistConfig> = Layer.fresh(
    Layer.effect(this, Effect.suspend(() => make))
  )
}

/** The ring the application provides, or one of our own; a configured secret key becomes its primary. */
const ringOf = Effect.fnUntraced(function*(
  config: MemberlistConfig["Service"]
): Effect.fn.Return<readonly [Keyring["Service"], KeysFrom], KeyInvalid | KeyringRefused> {
  const provided = yield* Effect.serviceOption(Keyring)
  const ring = Option.isSome(provided) ? provided.value : yield* Keyring.make({})
  if (config.secretKey === undefined) return [ring, Option.isSome(provided) ? "provided" : "none"]
  const key = Redacted.value(config.secretKey)
  yield* ring.add(key)
  yield* ring.use(key)
  return [ring, Option.isSome(provided) ? "provided and secretKey" : "secretKey"]
})

const service = (node: Node.Node, info: NodeInfo): Memberlist["Service"] => {
  const membership = Effect.sync(() => Ref.getUnsafe(node.membership))
  const view = Effect.map(membership, Views.viewOf)
  const find = (name: string) =>
    Effect.map(membership, (m) => Option.map(Option.fromUndefinedOr(m.entries.get(name)), Views.memberOf))
  const { run, runSync } = node.calls
  return Memberlist.of({
    info,
    localMember: Effect.map(find(node.name), Option.getOrThrow),
    admits: (ip) => {
      const bytes = Address.ipBytes(ip)
      return bytes !== undefined && node.settings.addressAllowed(bytes)
    },
    members: view,
    member: find,
    lost: Effect.map(
      Clock.currentTimeMillis,
      (epoch) => Views.lostOf(Ref.getUnsafe(node.membership).lost, node.settings.rules, node.now(), epoch)
    ),
    changes: Stream.mapEffect(node.changes.signals, () => view),
    events: Stream.map(
      node.changes.stream(() => Views.newsOf(Ref.getUnsafe(node.membership), node.heard.impaired())),
      Views.eventOf(node.verdicts.of)
    ),
    verdicts: Effect.sync(node.verdicts.all),
    verdict: (name) => Effect.sync(() => Option.fromUndefinedOr(node.verdicts.last(name))),
    reachability: (name) =>
      Effect.sync(() =>
        name === node.name || Node.entryOf(node, name) === undefined
          ? Option.none()
          : Option.some(Views.reachabilityOf(node.heard.paths(name)))
      ),
    activity: node.activity.stream,
    recovery: Stream.map(node.recoveries.stream(), Views.recoveryOf),
    join: (seeds, options) => run("join", Join.join(node, seeds, options)),
    ready: Readiness.ready(node),
    readiness: Effect.sync(() => Readiness.of(node)),
    joinScoped: (seeds, options) => Join.scoped(node, seeds, options),
    leave: (options) =>
      run("leave", Leave.leave(node, Duration.fromInputUnsafe(options?.timeout ?? node.config.leaveTimeout))),
    updateMeta: (meta, options) => {
      const wait = options?.wait === undefined ? undefined : Duration.fromInputUnsafe(options.wait)
      if (typeof meta !== "function") {
        return run("updateMeta", Life.update(node, Life.replacing(meta), { wait, always: true }))
      }
      const change = (current: Uint8Array) => {
        const changed = meta(current)
        return Result.isResult(changed) ? changed : Result.succeed(changed)
      }
      return run("updateMeta", Life.update(node, change, { wait, always: false }))
    },
    send: (to, payload, options) =>
      options?.reliable === true
        ? runSync("send", () => Direct.sendReliable(node, to, payload))
        : run("send", Direct.sendBestEffort(node, to, payload)),
    broadcast: (payload, options) =>
      runSync("broadcast", (): Effect.Effect<void, MessageTooLarge | NotParticipating> => {
        const limit = Math.min(Sender.gossipBudget(node), Broadcasts.MAX_USER_ROOM) - Broadcasts.USER_OVERHEAD
        if (payload.length > limit) {
          return Effect.fail(new MessageTooLarge({ carrier: "broadcast", size: payload.length, limit }))
        }
        if (Life.isOutside(node)) {
          return Effect.fail(new NotParticipating({ operation: "broadcast" }))
        }
        return Effect.sync(() => Broadcasts.queueUser(node, payload, options?.key))
      }),
    messages: Stream.map(node.messages.stream(), ({ missed, value }) => ({
      payload: value.payload,
      from: Address.format(value.from),
      via: value.via,
      missed
    })),
    ping: (to, options) =>
      options?.reliable === true
        ? runSync("ping", () => Direct.pingReliable(node, to))
        : run("ping", Direct.ping(node, to)),
    health: Effect.sync(() => node.health.current),
    keyring: node.keyring,
    counters: Effect.sync(() => new Map(node.counters.totals()))
  })
}

const make = Effect.gen(function*() {
  const [ring, keysFrom] = yield* ringOf(yield* MemberlistConfig)
  const node = yield* Node.make(ring)
  return service(node, yield* Protocol.start(node, keysFrom))
})

/**
 * The same layer as `Memberlist.layer`.
 *
 * @category layers
 * @since 0.1.0
 */
export const MemberlistLive: Layer.Layer<Memberlist, StartError, Transport | MemberlistConfig> = Memberlist.layer
