/**
 * What the application may decide or attach. Everything is optional, and absent by default.
 *
 * Hooks are Effects, run outside the critical section by the fiber whose work they belong to: they may call the
 * service. A hook that dies is logged and counted, and treated as if it were absent.
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
 * memberlist: `Delegate`, `AliveDelegate`, `MergeDelegate`, `ConflictDelegate`, `PingDelegate`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Delegate {
  /** Admits an alive message, about anyone, ourselves included; a failure ignores it. memberlist: `NotifyAlive`. */
  readonly admit?: ((member: Member) => Effect.Effect<void, JoinRejected>) | undefined
  /** Admits the other side's whole list before a joining push/pull is merged. memberlist: `NotifyMerge`. */
  readonly merge?: ((members: ReadonlyArray<Member>) => Effect.Effect<void, JoinRejected>) | undefined
  /** Two nodes claim one name. The existing one is kept. memberlist: `NotifyConflict`. */
  readonly conflict?: ((existing: Member, other: Member) => Effect.Effect<void>) | undefined
  /** Bytes to send with each ack; keep them small, they share a packet with gossip. memberlist: `AckPayload`. */
  readonly ackPayload?: Effect.Effect<Uint8Array> | undefined
  /** A scheduled probe was answered directly in time. memberlist: `NotifyPingComplete`. */
  readonly pingComplete?:
    | ((member: Member, roundTrip: Duration.Duration, payload: Uint8Array) => Effect.Effect<void>)
    | undefined
  /** User state to send in a push/pull, at most 20 MiB. memberlist: `LocalState`. */
  readonly localState?: ((join: boolean) => Effect.Effect<Uint8Array>) | undefined
  /** User state received in a push/pull. memberlist: `MergeRemoteState`. */
  readonly mergeRemoteState?: ((state: Uint8Array, join: boolean) => Effect.Effect<void>) | undefined
  /**
   * User messages to fill the rest of a packet: at most `limit` bytes, counting `overhead` for each.
   * memberlist: `GetBroadcasts`.
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
