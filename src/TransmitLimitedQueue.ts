/**
 * memberlist's broadcast queue, for an application that gossips messages of its own: each is sent a limited number of
 * times, those sent least often first, and a newer message takes the place of one that it makes pointless.
 *
 * `Memberlist.broadcast` is enough for messages that are sent and forgotten. This queue also tells when a message is
 * `finished`, and lets messages invalidate each other. It fills packets through the delegate:
 *
 * ```ts
 * import { Delegate, Memberlist, TransmitLimitedQueue } from "effect-memberlist"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as MutableRef from "effect/MutableRef"
 *
 * // The queue is there before the node is, so the size of the cluster is told to it.
 * const size = MutableRef.make(1)
 *
 * export const GossipLive = Layer.effect(
 *   Delegate,
 *   Effect.gen(function*() {
 *     const queue = yield* TransmitLimitedQueue.make({ retransmitMult: 4, members: Effect.sync(() => size.current) })
 *     yield* queue.queueBroadcast({ name: "config", message: new TextEncoder().encode("config 7") })
 *     return { broadcasts: queue.getBroadcasts }
 *   })
 * )
 *
 * export const countMembers = Effect.gen(function*() {
 *   const { members } = yield* Memberlist
 *   size.current = (yield* members).length
 * })
 * ```
 *
 * @stability unstable
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import type * as Scope from "effect/Scope"
import { retransmitLimit } from "./base/Scaling.ts"
import * as BroadcastQueue from "./swim/gossip/BroadcastQueue.ts"

/**
 * A message to be gossiped. memberlist: `Broadcast`, `NamedBroadcast`, `UniqueBroadcast`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Broadcast {
  /** The bytes, copied when they are queued. One message larger than a packet's room is never sent. */
  readonly message: Uint8Array
  /** A newer broadcast replaces a queued one of the same name. An empty name is replaced by nothing. */
  readonly name?: string | undefined
  /** Replaces nothing and is replaced by nothing, which is the cheapest. Means nothing on a named one. */
  readonly unique?: boolean | undefined
  /**
   * Whether this one, when it is queued, makes a queued one pointless. Asked only between broadcasts that are neither
   * named nor unique, of every one of them; it must not throw.
   */
  readonly invalidates?: ((queued: Broadcast) => boolean) | undefined
  /**
   * Run once, when the message will not be sent again: it was sent often enough, replaced, invalidated, pruned or
   * reset. It runs in a fiber of its own, after the queue has changed, and may use the queue.
   */
  readonly finished?: Effect.Effect<void> | undefined
}

/**
 * The queue. Every operation is one step: what happens at the same time happens before or after it.
 *
 * @category models
 * @since 0.1.0
 */
export interface TransmitLimitedQueue {
  /** Adds a broadcast, and removes those it replaces. memberlist: `QueueBroadcast`. */
  readonly queueBroadcast: (broadcast: Broadcast) => Effect.Effect<void>
  /**
   * Takes what fits into `limit` bytes when each message costs `overhead` bytes beside its own: the least sent first,
   * among them the longest, among those the newest, each at most once. It can be the delegate's `broadcasts` as it is.
   * memberlist: `GetBroadcasts`.
   */
  readonly getBroadcasts: (overhead: number, limit: number) => Effect.Effect<ReadonlyArray<Uint8Array>>
  /** How many broadcasts are queued. memberlist: `NumQueued`. */
  readonly numQueued: Effect.Effect<number>
  /**
   * Keeps at most so many: the most sent go first, among them the shortest, among those the oldest. memberlist:
   * `Prune`.
   */
  readonly prune: (maxRetain: number) => Effect.Effect<void>
  /** Removes everything. memberlist: `Reset`. */
  readonly reset: Effect.Effect<void>
}

/**
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Each message is sent this × ⌈log₁₀(members + 1)⌉ times, at least once; usually the node's `retransmitMult`. */
  readonly retransmitMult: number
  /** The size of the cluster, asked with each `getBroadcasts`. memberlist: `NumNodes`. */
  readonly members: Effect.Effect<number>
  /**
   * How many broadcasts may be queued, default 4096; more are pruned. (memberlist leaves that to the application.)
   */
  readonly maxQueued?: number | undefined
}

/**
 * `finished` effects of one queue that may run at the same time. Further ones are not run, which is logged as an error.
 *
 * @category limits
 * @since 0.1.0
 */
export const MAX_FINISHING = 4096

interface Queued extends BroadcastQueue.Broadcast {
  readonly broadcast: Broadcast
}

const queuedOf = (broadcast: Broadcast): Queued => {
  const { invalidates, message, name, unique } = broadcast
  return {
    broadcast,
    name,
    unique: unique === true,
    message: new Uint8Array(message),
    // The queue hands back what it was given: only broadcasts made here.
    invalidates: invalidates === undefined ? undefined : (other) => invalidates((other as Queued).broadcast)
  }
}

/**
 * Makes an empty queue. The scope's end interrupts the `finished` effects that still run.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(
  options: Options
): Effect.fn.Return<TransmitLimitedQueue, never, Scope.Scope> {
  const maxQueued = options.maxQueued ?? 4096
  const finishing = yield* FiberSet.make<void>()
  let queue: BroadcastQueue.BroadcastQueue<Queued> = BroadcastQueue.empty

  const finish = ({ broadcast }: Queued): Effect.Effect<void> => {
    const { finished } = broadcast
    if (finished === undefined) return Effect.void
    return Effect.flatMap(FiberSet.size(finishing), (running) =>
      running < MAX_FINISHING
        ? Effect.asVoid(FiberSet.run(finishing, logged(finished), { startImmediately: false }))
        : Effect.logError(
          `did not run the finished effect of a broadcast: ${MAX_FINISHING} are running; make them end sooner`
        ))
  }

  const finishAll = (left: ReadonlyArray<Queued>): Effect.Effect<void> =>
    left.length === 0 ? Effect.void : Effect.forEach(left, finish, { discard: true })

  /** One step of the queue; then, outside of it, those that left are finished. */
  const change = (step: () => BroadcastQueue.Change<Queued>): Effect.Effect<void> =>
    Effect.suspend(() => {
      const [next, left] = step()
      queue = next
      return finishAll(left)
    }).pipe(Effect.uninterruptible)

  return {
    queueBroadcast: (broadcast) =>
      change(() => {
        const [added, replaced] = BroadcastQueue.queue(queue, queuedOf(broadcast))
        const [next, pruned] = BroadcastQueue.prune(added, maxQueued)
        return [next, [...replaced, ...pruned]]
      }),
    getBroadcasts: (overhead, limit) =>
      Effect.flatMap(options.members, (members) =>
        Effect.suspend(() => {
          const drawn = BroadcastQueue.draw(queue, {
            overhead,
            limit,
            retransmitLimit: retransmitLimit(options.retransmitMult, members)
          })
          queue = drawn.queue
          return Effect.as(finishAll(drawn.finished), drawn.messages)
        }).pipe(Effect.uninterruptible)),
    numQueued: Effect.sync(() => BroadcastQueue.size(queue)),
    prune: (maxRetain) => change(() => BroadcastQueue.prune(queue, maxRetain)),
    reset: change(() => BroadcastQueue.reset(queue))
  }
})

const logged = (finished: Effect.Effect<void>): Effect.Effect<void> =>
  Effect.catchCause(finished, (cause) => Effect.logError("the finished effect of a broadcast died", cause))
