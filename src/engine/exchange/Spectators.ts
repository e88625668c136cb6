/**
 * Tells those who watch the node how a push/pull ended.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Address from "../../base/Address.ts"
import type { Node } from "../Node.ts"

/** Who exchanges lists with us, and why. */
export interface Exchange {
  readonly peer: Address.PeerAddress
  readonly by: "us" | "peer"
  readonly join: boolean
  /** The peer's name, where its list tells it. */
  readonly name?: string | undefined
}

const reasonOf = (cause: Cause.Cause<unknown>): string =>
  Option.match(Cause.findErrorOption(cause), {
    onNone: () => Cause.hasInterruptsOnly(cause) ? "Interrupted" : "Died",
    onSome: (error) => Predicate.hasProperty(error, "_tag") ? String(error._tag) : "Failed"
  })

/** Runs `effect`, and tells how it ended. Nothing is looked at while nobody watches. */
export const told = <A, E>(
  node: Node,
  { by, join, name, peer }: Exchange,
  effect: Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    if (!node.activity.isWatched()) return effect
    const began = node.now()
    return Effect.onExit(effect, (exit) =>
      Effect.sync(() =>
        node.activity.note({
          _tag: "PushPull",
          with: peer.name ?? name,
          address: Address.format(peer),
          by,
          join,
          reason: Exit.isSuccess(exit) ? undefined : reasonOf(exit.cause),
          millis: node.now() - began
        })
      ))
  })
