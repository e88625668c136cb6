/**
 * What the application may decide or attach. Everything is optional, and absent by default.
 *
 * Hooks are Effects, and always run outside the critical section, in fibers of their own with the node's context: they
 * may call the service, and wait for it. None of them can stop the protocol.
 *
 * - *Asked* hooks (`admit`, `merge`, `localState`, `ackPayload`, `broadcasts`) are waited for. One has
 *   `decisionHookTimeout` to answer (a quarter of `tcpTimeout`, because a peer waits that long for an exchange); one
 *   that rides on packets (`ackPayload`, `broadcasts`) `packetHookTimeout` (a fifth of `probeTimeout`, because whoever
 *   probes us waits that long for an ack). Acks that wait for
 *   hooks hold up nothing else, not even other acks. A hook that is reached again from inside itself (`admit` joins
 *   somebody, whose members are to be admitted) is not called a second time; a fiber that it leaves behind may reach it
 *   when the call has ended.
 * - *Told* hooks (`conflict`, `pingComplete`, `mergeRemoteState`) are called one after the other, each kind in the
 *   order
 *   of what caused it, and may take as long as they like. 256 notices of each kind may wait (and 64 MiB); then the
 *   oldest makes room, because the newest says most about now.
 *
 * A hook that dies, or gives no answer in time, is logged, with advice, and counted (`hook.died`, `hook.late`,
 * `hook.reentered`, `hook.dropped`); what it is then taken for is said with each. One that returns no Effect, or
 * succeeds or fails with what its type does not allow, has died. A hook that computes without ever yielding holds up
 * the whole program; only the hook can avoid that.
 *
 * The release of the layer interrupts the hooks that still run, and does not wait for them: one that cannot be
 * interrupted is left behind, logged and counted (`hook.stuck`). It is the only thing that a layer starts and that may
 * outlive it. While it lives, a hook with 16 calls that were given up and have not ended is not called.
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type { Member } from "./Member.ts"
import type { JoinRejected } from "./MemberlistError.ts"

/**
 * memberlist: `Delegate`, `AliveDelegate`, `MergeDelegate`, `ConflictDelegate`, `PingDelegate`. (`NodeMeta` is
 * `MemberlistConfig.meta` and `Memberlist.updateMeta`, `NotifyMsg` is `Memberlist.messages`, and the `EventDelegate` is
 * `Memberlist.events`.)
 *
 * @category models
 * @since 0.1.0
 */
export interface Delegate {
  /**
   * Asked about every alive message, ourselves included; a failure ignores it, and so does no answer: whoever could not
   * be judged is not let in, and is announced again. The alive members of a push/pull are asked about one by one,
   * within
   * `tcpTimeout` in all. memberlist: `NotifyAlive`.
   */
  readonly admit?: ((member: Member) => Effect.Effect<void, JoinRejected>) | undefined
  /**
   * Asked about the other side's whole list, dead members included, before a joining push/pull is merged; a failure
   * vetoes it, and so does no answer. The joiner is asked first, before its own list is sent: its veto leaves it
   * unknown to the other side. Then the side that is joined is asked: its veto reaches the joiner, whose `join` fails
   * with
   * `JoinRejected` and the reason (a Go joiner's with the text `remote error: join rejected: <reason>`). Where the list
   * of that side has changed since, the joiner is asked once more, too late to stay unknown. memberlist: `NotifyMerge`.
   */
  readonly merge?: ((members: ReadonlyArray<Member>) => Effect.Effect<void, JoinRejected>) | undefined
  /**
   * Told that two nodes claim one name, as the event `MemberConflict` tells it: once a minute for the same two
   * addresses. Who has the name is decided by `nameConflictPolicy`. memberlist: `NotifyConflict`.
   */
  readonly conflict?: ((existing: Member, other: Member) => Effect.Effect<void>) | undefined
  /**
   * Bytes to send with each ack; keep them small, they share a packet with gossip. Without an answer the ack goes
   * without. memberlist: `AckPayload`.
   */
  readonly ackPayload?: Effect.Effect<Uint8Array> | undefined
  /** Told that a scheduled probe was answered directly in time. memberlist: `NotifyPingComplete`. */
  readonly pingComplete?:
    | ((member: Member, roundTrip: Duration.Duration, payload: Uint8Array) => Effect.Effect<void>)
    | undefined
  /**
   * Asked for user state to send in a push/pull, at most 20 MiB. Without an answer there is none this time.
   * memberlist: `LocalState`.
   */
  readonly localState?: ((join: boolean) => Effect.Effect<Uint8Array>) | undefined
  /**
   * Told the user state received in a push/pull, after its members were merged. A `join` waits until this hook has
   * taken the state, at most `decisionHookTimeout`. memberlist: `MergeRemoteState`.
   */
  readonly mergeRemoteState?: ((state: Uint8Array, join: boolean) => Effect.Effect<void>) | undefined
  /**
   * Asked for user messages to fill the rest of a packet: at most `limit` bytes, counting `overhead` for each. They are
   * sent in their order until one does not fit; the rest is dropped and counted. Without an answer the packet goes
   * without. `TransmitLimitedQueue.getBroadcasts` fits here. memberlist: `GetBroadcasts`.
   */
  readonly broadcasts?: ((overhead: number, limit: number) => Effect.Effect<ReadonlyArray<Uint8Array>>) | undefined
}

/**
 * The delegate in force. Provide it with `Layer.succeed(Delegate, { ... })`.
 *
 * @category services
 * @since 0.1.0
 */
export const Delegate: Context.Reference<Delegate> = Context.Reference<Delegate>("effect-memberlist/Delegate", {
  defaultValue: () => ({})
})
