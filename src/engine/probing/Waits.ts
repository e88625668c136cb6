/**
 * Waiting for the answer to a ping.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Node } from "../Node.ts"

export interface Answer {
  readonly payload: Uint8Array | null
  readonly receivedAt: number
}

export interface Wait {
  readonly seqNo: number
  /** The answer, or none when `deadline` (monotonic milliseconds) passes first. */
  readonly until: (deadline: number) => Effect.Effect<Option.Option<Answer>>
  /** How many helpers said they had no answer either. */
  readonly nacks: () => number
}

/** Registers a wait under a new sequence number for as long as `use` runs. */
export const withWait = <A, E>(node: Node, use: (wait: Wait) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const seqNo = node.acks.next()
    const answer = Deferred.makeUnsafe<Answer>()
    let nacks = 0
    const handler = {
      onAck: (payload: Uint8Array | null, receivedAt: number) =>
        void Deferred.doneUnsafe(answer, Effect.succeed({ payload, receivedAt })),
      onNack: () => void nacks++
    }
    const wait: Wait = {
      seqNo,
      until: (deadline) =>
        Effect.timeoutOption(Deferred.await(answer), Duration.millis(Math.max(0, deadline - node.now()))),
      nacks: () => nacks
    }
    const registered = Effect.suspend(() => {
      node.acks.register(seqNo, handler)
      return use(wait)
    })
    // Registered inside, so that no interruption can come between the two.
    return Effect.ensuring(registered, Effect.sync(() => node.acks.forget(seqNo)))
  })
