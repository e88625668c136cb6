/**
 * The clocks of suspicion: one sleeping fiber per suspected member. A timer carries the token of the suspicion it is
 * about, so one that fires late no longer matches and changes nothing.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberMap from "effect/FiberMap"
import * as FiberSet from "effect/FiberSet"
import type { Node } from "./Node.ts"

export interface SuspicionTimer {
  readonly name: string
  readonly token: number
  /** Milliseconds from now. */
  readonly delay: number
}

/** Starts the member's timer, in place of the one it may have. */
export const start = (
  node: Node,
  timer: SuspicionTimer,
  expired: (timer: SuspicionTimer) => Effect.Effect<void>
): Effect.Effect<void> =>
  Effect.sleep(Duration.millis(timer.delay)).pipe(
    // In a fiber of its own, because the rule cancels this timer as one of its consequences.
    Effect.andThen(FiberSet.run(node.tasks, expired(timer))),
    FiberMap.run(node.suspicions, timer.name),
    Effect.asVoid
  )

export const cancel = (node: Node, name: string): Effect.Effect<void> => FiberMap.remove(node.suspicions, name)
